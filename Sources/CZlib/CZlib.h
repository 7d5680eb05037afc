/* zlib, with what Swift cannot call put into a function: deflateInit2 is a macro. */
#include <zlib.h>

/* One gzip member with everything; the size, or 0 when it did not fit into `most`. */
static inline unsigned long gzip_whole(
    const unsigned char *bytes, unsigned long size, unsigned char *into, unsigned long most) {
    z_stream stream = {0};
    /* A window of 32 KiB, and gzip's header rather than zlib's. */
    if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) return 0;
    stream.next_in = (unsigned char *)bytes;
    stream.avail_in = (unsigned)size;
    stream.next_out = into;
    stream.avail_out = (unsigned)most;
    int code = deflate(&stream, Z_FINISH);
    unsigned long made = stream.total_out;
    deflateEnd(&stream);
    return code == Z_STREAM_END ? made : 0;
}
