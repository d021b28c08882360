#pragma once
#include <stddef.h>

// RE2 for Swift: only what a matcher needs. No exception crosses this border; every string is bytes with a length.
#ifdef __cplusplus
extern "C" {
#endif

typedef struct cre2_pattern cre2_pattern;

typedef struct {
    long start;  // byte offset into the text, or -1 when the group took no part
    long length;
} cre2_group;

// Compiles PATTERN, anchored at both ends. Never NULL unless memory is gone; ask cre2_error before any other call.
cre2_pattern *cre2_new(const char *pattern, size_t length, long maximum_memory);
void cre2_delete(cre2_pattern *pattern);

// What is wrong with the pattern, or NULL. Lives as long as the pattern.
const char *cre2_error(const cre2_pattern *pattern);

// The number of capturing groups, without the whole match.
int cre2_group_count(const cre2_pattern *pattern);

// The name of the capturing group INDEX (from 1), or NULL when it has none. Lives as long as the pattern.
const char *cre2_group_name(const cre2_pattern *pattern, int index);

// 1 when the whole TEXT matches. GROUPS, if not NULL, takes the whole match and COUNT - 1 capturing groups.
int cre2_match(const cre2_pattern *pattern, const char *text, size_t length, cre2_group *groups, int count);

// 1 when a part of TEXT at or after START matches; the leftmost is taken. GROUPS takes the match and COUNT - 1 groups.
int cre2_find(
    const cre2_pattern *pattern, const char *text, size_t length, size_t start, cre2_group *groups, int count);

#ifdef __cplusplus
}
#endif
