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

/* One without a token, and one that has one: a service may still be at work on
 * a request when its connection is closed, so its options stay. */
enum { OPEN, GUARDED, SERVICES };

static struct served {
	struct http_server_options options;
	struct http_service service;
	struct http_daemon http;
	struct sockaddr_un address;
} served[SERVICES];

int LLVMFuzzerInitialize(int *count, char ***arguments);

static int listen_on(struct served *one)
{
	struct sockaddr_un *address = &one->address;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	/* A name without a file. */
	address->sun_family = AF_UNIX;
	snprintf(address->sun_path + 1, sizeof address->sun_path - 1,
		 "fuzz-http-%d-%td", getpid(), one - served);
	if (bind(fd, (struct sockaddr *)address, sizeof *address) != 0 ||
	    listen(fd, 16) != 0)
		__builtin_trap();
	return fd;
}

static void begin(struct served *one)
{
	static char token[] = "token";
	struct http_service *service = &one->service;

	one->options = (struct http_server_options){
		.model = "tests/fuzz/seeds-model/model",
		.threads = 1,
		.version = "1",
		.per_client = 1000000,
		.suggest = true,
		.token = one == &served[GUARDED] ? token : NULL,
		.origin = one == &served[GUARDED] ? "https://a.example" : NULL};
	service->options = &one->options;
	snprintf(service->bound, sizeof service->bound, "127.0.0.1");
	service->no_memory = http_no_memory_response();
	connection_list_begin(&service->connections);
	reply_cache_begin(&service->cache);
	service->reload = (struct model_reload){
		.options = {.path = one->options.model,
			    .labels = &one->options.labels},
		.metrics = &service->metrics};
	if (service->no_memory == NULL ||
	    model_reload_begin(&service->reload) != NULL)
		__builtin_trap();
	service->queue = (struct batch_queue){.threads = 1,
					      .limit = 64,
					      .context = service,
					      .run = routes_run_jobs};
	if (batch_queue_begin(&service->queue) != NULL ||
	    http_daemon_begin(&one->http, service, listen_on(one), 1, 64) !=
		    NULL)
		__builtin_trap();
}

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
	(void)count;
	(void)arguments;
	json_memory_begin();
	signal(SIGPIPE, SIG_IGN);
	begin(&served[OPEN]);
	begin(&served[GUARDED]);
	return 0;
}

/* Wait until there is something to read.  A request that lacks its end is
 * waited for by the service: its time is over when all that came is answered.
 * The timer of libFuzzer interrupts poll every 11 seconds; to go on with recv
 * then would be to wait for such a request until the next time. */
static void await(struct served *one, int fd)
{
	struct pollfd file = {.fd = fd, .events = POLLIN};
	enum { WAIT_MILLISECONDS = 10 };

	while (poll(&file, 1, WAIT_MILLISECONDS) <= 0)
		connection_list_sweep(&one->service.connections,
				      connection_clock() + 3600, true);
}

/* Nothing is left of the requests of a connection that has ended. */
static void await_end(const struct served *one)
{
	enum { MILLISECONDS = 20000 };

	for (int i = 0; atomic_load(&one->service.active) != 0; i++) {
		if (i == MILLISECONDS)
			__builtin_trap();
		poll(NULL, 0, 1);
	}
}

/* Send the bytes on a connection of its own, and read the replies. */
static void exchange(struct served *one, const uint8_t *data, size_t size)
{
	static char reply[1 << 16];
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ssize_t got;
	size_t held = 0;

	if (connect(fd, (struct sockaddr *)&one->address,
		    sizeof one->address) != 0)
		__builtin_trap();
	if (send(fd, data, size, MSG_NOSIGNAL) >= 0)
		shutdown(fd, SHUT_WR);
	do {
		await(one, fd);
		got = recv(fd, reply + held, sizeof reply - held, 0);
		if (got > 0 && held < 16)
			held += (size_t)got;
	} while (got > 0);
	if (held >= 5 && memcmp(reply, "HTTP/", 5) != 0)
		__builtin_trap();
	close(fd);
	await_end(one);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t failing = fuzz_failing(data, size);
	bool guarded = size > 0 && *data == '!';

	/* Behind a mark come requests to a service with a token. */
	data += guarded;
	size -= guarded;
	struct served *one = &served[guarded ? GUARDED : OPEN];

	exchange(one, data, size);
	if (failing > 0) {
		atomic_store(&fuzz_allocations, failing);
		exchange(one, data, size);
		atomic_store(&fuzz_allocations, 0);
	}
	return 0;
}
