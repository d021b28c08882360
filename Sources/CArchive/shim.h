#pragma once
#include <archive.h>
#include <archive_entry.h>
#include <zlib.h>

// zlib's initialisers are macros. zlib and not libarchive's gzip filter, because that one does not check the CRC.
static inline int zlib_start_gzip(z_stream *stream, int level) {
    return deflateInit2(stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
}
static inline int zlib_start_gunzip(z_stream *stream) { return inflateInit2(stream, 15 + 16); }

static inline void archive_set_error_text(struct archive *archive, int code, const char *text) {
    archive_set_error(archive, code, "%s", text);
}
