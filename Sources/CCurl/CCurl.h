/* libcurl's multi interface, with what Swift cannot call put into functions: its options are variadic. */
#include <sys/types.h>
#define CURL_DISABLE_TYPECHECK
#define CURL_DISABLE_DEPRECATION
#define CURL_NO_OLDIES
#include <curl/curl.h>

/* One transfer's request; all of it is copied. */
typedef struct http_order {
    const char *method;
    const char *url;
    const void *body;
    size_t body_size;
    const struct curl_slist *headers; /* must live until the transfer has ended */
    long connect_ms;
    long total_ms;
    void *context; /* of on_body */
    size_t (*on_body)(char *bytes, size_t size, size_t count, void *context);
} http_order;

static inline CURLMcode http_multi_prepare(
    CURLM *multi, void *context, curl_socket_callback on_socket, curl_multi_timer_callback on_timer) {
    CURLMcode code = curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    if (code == CURLM_OK) code = curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, context);
    if (code == CURLM_OK) code = curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
    if (code == CURLM_OK) code = curl_multi_setopt(multi, CURLMOPT_TIMERDATA, context);
    /* Idle connections that are kept for the next request. */
    if (code == CURLM_OK) code = curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, 32L);
    return code;
}

/* http and https only, no redirects, certificates and host names are checked, no signals. */
static inline CURLcode http_easy_prepare(CURL *easy, const http_order *order) {
    CURLcode code = CURLE_OK;
#define SET(option, value) if (code == CURLE_OK) code = curl_easy_setopt(easy, option, value)
    SET(CURLOPT_URL, order->url);
#if LIBCURL_VERSION_NUM >= 0x075500
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
#else
    SET(CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_NOPROGRESS, 1L);
    SET(CURLOPT_CONNECTTIMEOUT_MS, order->connect_ms);
    SET(CURLOPT_TIMEOUT_MS, order->total_ms);
    SET(CURLOPT_HTTPHEADER, order->headers);
    if (order->body != NULL) {
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)order->body_size);
        SET(CURLOPT_COPYPOSTFIELDS, order->body);
    }
    SET(CURLOPT_CUSTOMREQUEST, order->method);
    SET(CURLOPT_WRITEFUNCTION, order->on_body);
    SET(CURLOPT_WRITEDATA, order->context);
#undef SET
    return code;
}

/* The next transfer that ended, and how; NULL when there is none. */
static inline CURL *http_multi_ended(CURLM *multi, CURLcode *result) {
    int left = 0;
    for (CURLMsg *said; (said = curl_multi_info_read(multi, &left)) != NULL;) {
        if (said->msg != CURLMSG_DONE) continue;
        *result = said->data.result;
        return said->easy_handle;
    }
    return NULL;
}

/* 0 when there was no answer. */
static inline long http_easy_status(CURL *easy) {
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

/* Seconds, from Retry-After as a number or a date; 0 when there was none. */
static inline long http_easy_retry_after(CURL *easy) {
    curl_off_t seconds = 0;
    curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &seconds);
    return (long)seconds;
}
