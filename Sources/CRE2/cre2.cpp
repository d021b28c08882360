#include "cre2.h"

#include <re2/re2.h>

#include <memory>
#include <new>
#include <string>
#include <vector>

struct cre2_pattern {
    std::unique_ptr<re2::RE2> expression;
    std::string error;
};

static int match(
    const cre2_pattern *pattern, const char *text, size_t length, size_t start, re2::RE2::Anchor anchor,
    cre2_group *groups, int count) {
    const re2::StringPiece subject(text, length);
    std::vector<re2::StringPiece> found(count);
    if (!pattern->expression->Match(subject, start, length, anchor, found.data(), count)) return 0;
    for (int i = 0; i < count; i++) {
        const bool took_part = found[i].data() != nullptr;
        groups[i].start = took_part ? found[i].data() - text : -1;
        groups[i].length = took_part ? static_cast<long>(found[i].size()) : 0;
    }
    return 1;
}

extern "C" {

cre2_pattern *cre2_new(const char *pattern, size_t length, long maximum_memory) {
    auto *made = new (std::nothrow) cre2_pattern;
    if (made == nullptr) return nullptr;
    re2::RE2::Options options;
    options.set_log_errors(false);
    options.set_dot_nl(true);
    options.set_max_mem(maximum_memory);
    made->expression = std::make_unique<re2::RE2>(re2::StringPiece(pattern, length), options);
    if (!made->expression->ok()) made->error = made->expression->error();
    return made;
}

void cre2_delete(cre2_pattern *pattern) { delete pattern; }

const char *cre2_error(const cre2_pattern *pattern) {
    return pattern->expression->ok() ? nullptr : pattern->error.c_str();
}

int cre2_group_count(const cre2_pattern *pattern) { return pattern->expression->NumberOfCapturingGroups(); }

const char *cre2_group_name(const cre2_pattern *pattern, int index) {
    const auto &names = pattern->expression->CapturingGroupNames();
    const auto found = names.find(index);
    return found == names.end() ? nullptr : found->second.c_str();
}

int cre2_match(const cre2_pattern *pattern, const char *text, size_t length, cre2_group *groups, int count) {
    if (groups == nullptr) {
        const re2::StringPiece subject(text, length);
        return pattern->expression->Match(subject, 0, length, re2::RE2::ANCHOR_BOTH, nullptr, 0) ? 1 : 0;
    }
    return match(pattern, text, length, 0, re2::RE2::ANCHOR_BOTH, groups, count);
}

int cre2_find(
    const cre2_pattern *pattern, const char *text, size_t length, size_t start, cre2_group *groups, int count) {
    return match(pattern, text, length, start, re2::RE2::UNANCHORED, groups, count);
}
}
