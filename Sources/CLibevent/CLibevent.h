/* Before libevent: its util.h defines _GNU_SOURCE, which would give this module another fd_set than Glibc's. */
#include <sys/types.h>
#include <sys/prctl.h>

#include <event2/event.h>
#include <event2/thread.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <event2/dns.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <event2/util.h>

/* prctl is variadic, which Swift does not import; pthread_setname_np hides behind _GNU_SOURCE. */
static inline void loop_name_this_thread(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }
