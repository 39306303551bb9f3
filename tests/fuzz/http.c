/* Any bytes on a connection to the service, of a small model: whatever comes,
 * the service answers by HTTP or closes the connection.  A socket pair joins
 * the fuzzer and the daemon's thread. */
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/alloc.h"
#include "base/json_memory.h"
#include "fuzz.h"
#include "serve/http_daemon.h"
#include "serve/http_reply.h"
#include "serve/routes.h"

/* Members that an input sets are those of the next. */
static struct http_server_options options = {
	.model = "tests/fuzz/seeds-model/model",
	.threads = 1,
	.version = "1",
	.per_client = 1000000,
	.log = false,
	.suggest = true};
static struct http_service service;
static struct sockaddr_un address = {.sun_family = AF_UNIX};

int LLVMFuzzerInitialize(int *count, char ***arguments);

static int listen_on(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	/* A name without a file. */
	snprintf(address.sun_path + 1, sizeof address.sun_path - 1,
		 "fuzz-http-%d", getpid());
	if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
	    listen(fd, 16) != 0)
		__builtin_trap();
	return fd;
}

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
	static struct http_daemon http;

	(void)count;
	(void)arguments;
	json_memory_begin();
	signal(SIGPIPE, SIG_IGN);
	service.options = &options;
	snprintf(service.bound, sizeof service.bound, "127.0.0.1");
	service.no_memory = http_no_memory_response();
	connection_list_begin(&service.connections);
	reply_cache_begin(&service.cache);
	service.reload = (struct model_reload){
		.options = {.path = options.model, .labels = &options.labels},
		.metrics = &service.metrics};
	if (service.no_memory == NULL ||
	    model_reload_begin(&service.reload) != NULL)
		__builtin_trap();
	service.queue = (struct batch_queue){.threads = 1,
					     .limit = 64,
					     .context = &service,
					     .run = routes_run_jobs};
	if (batch_queue_begin(&service.queue) != NULL ||
	    http_daemon_begin(&http, &service, listen_on(), 1, 64) != NULL)
		__builtin_trap();
	return 0;
}

/* Wait until there is something to read.  A request that lacks its end is
 * waited for by the service: its time is over when all that came is answered.
 * The timer of libFuzzer interrupts poll every 11 seconds; to go on with recv
 * then would be to wait for such a request until the next time. */
static void await(int fd)
{
	struct pollfd file = {.fd = fd, .events = POLLIN};
	enum { WAIT_MILLISECONDS = 10 };

	while (poll(&file, 1, WAIT_MILLISECONDS) <= 0)
		connection_list_sweep(&service.connections,
				      connection_clock() + 3600, true);
}

/* Send the bytes on a connection of its own, and read the replies. */
static void exchange(const uint8_t *data, size_t size)
{
	static char reply[1 << 16];
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ssize_t got;
	size_t held = 0;

	if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
		__builtin_trap();
	if (send(fd, data, size, MSG_NOSIGNAL) >= 0)
		shutdown(fd, SHUT_WR);
	do {
		await(fd);
		got = recv(fd, reply + held, sizeof reply - held, 0);
		if (got > 0 && held < 16)
			held += (size_t)got;
	} while (got > 0);
	if (held >= 5 && memcmp(reply, "HTTP/", 5) != 0)
		__builtin_trap();
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char token[] = "token";
	size_t failing = fuzz_failing(data, size);
	bool guarded = size > 0 && *data == '!';

	/* Behind a mark come requests to a service with a token. */
	data += guarded;
	size -= guarded;
	options.token = guarded ? token : NULL;
	options.origin = guarded ? "https://a.example" : NULL;
	exchange(data, size);
	if (failing > 0) {
		atomic_store(&fuzz_allocations, failing);
		exchange(data, size);
		atomic_store(&fuzz_allocations, 0);
	}
	return 0;
}
