/* The protocol half of hiredis: its reader. Transport and requests are ours (Sources/Redis).
 *
 * One shape for 0.14 (Debian 12) and 1.x: the reader reports what it finds to a reply_sink, so that no
 * redisReply is ever made. RESP2 only: what only RESP3 has ends the reader with an error. */
#include <stddef.h>
#include <hiredis/hiredis.h>
#include <hiredis/read.h>

/* Told about each value as soon as it is complete, outermost array first. 0 refuses it: the reader fails. */
typedef struct reply_sink {
    void *owner;
    /* type: REDIS_REPLY_STRING, _STATUS or _ERROR */
    int (*string)(void *owner, int type, const char *bytes, size_t count);
    int (*integer)(void *owner, long long value);
    int (*array)(void *owner, size_t count);
    int (*null)(void *owner);
} reply_sink;

/* What hiredis keeps per value: it only asks that it is not NULL. */
static inline void *reply_seen(const redisReadTask *task, int accepted) {
    return accepted ? (void *)task : NULL;
}

static inline void *reply_on_string(const redisReadTask *task, char *bytes, size_t count) {
    const reply_sink *sink = task->privdata;
    return reply_seen(task, sink->string(sink->owner, task->type, bytes, count));
}

static inline void *reply_on_integer(const redisReadTask *task, long long value) {
    const reply_sink *sink = task->privdata;
    return reply_seen(task, sink->integer(sink->owner, value));
}

static inline void *reply_on_null(const redisReadTask *task) {
    const reply_sink *sink = task->privdata;
    return reply_seen(task, sink->null(sink->owner));
}

#if HIREDIS_MAJOR >= 1
static inline void *reply_on_array(const redisReadTask *task, size_t count) {
#else
static inline void *reply_on_array(const redisReadTask *task, int count) {
#endif
    const reply_sink *sink = task->privdata;
    if (task->type != REDIS_REPLY_ARRAY) return NULL;
    return reply_seen(task, sink->array(sink->owner, (size_t)count));
}

#if HIREDIS_MAJOR >= 1
static inline void *reply_on_double(const redisReadTask *task, double value, char *bytes, size_t count) {
    (void)task, (void)value, (void)bytes, (void)count;
    return NULL;
}

static inline void *reply_on_bool(const redisReadTask *task, int value) {
    (void)task, (void)value;
    return NULL;
}
#endif

static inline void reply_forget(void *seen) { (void)seen; }

/* The sink must outlive the reader. NULL: out of memory. */
static inline redisReader *reply_reader_new(reply_sink *sink) {
    static redisReplyObjectFunctions to_sink = {
        .createString = reply_on_string,
        .createArray = reply_on_array,
        .createInteger = reply_on_integer,
        .createNil = reply_on_null,
#if HIREDIS_MAJOR >= 1
        .createDouble = reply_on_double,
        .createBool = reply_on_bool,
#endif
        .freeObject = reply_forget,
    };
    redisReader *reader = redisReaderCreateWithFunctions(&to_sink);
    if (reader != NULL) reader->privdata = sink;
    return reader;
}

/* The type of the value that is not complete yet; negative when none was begun. */
static inline int reply_reader_unfinished(const redisReader *reader) {
    if (reader->ridx < 0) return -1;
#if HIREDIS_MAJOR >= 1
    return reader->task[reader->ridx]->type;
#else
    return reader->rstack[reader->ridx].type;
#endif
}
