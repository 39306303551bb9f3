/* fixed_reply: libmicrohttpd with a handler that answers the bytes of a file,
 * the most that a service on top of it can serve.
 *
 * usage: fixed_reply PORT FILE */
#include <microhttpd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

struct body {
	char *bytes;
	size_t size;
};

static enum MHD_Result answer(void *shared, struct MHD_Connection *connection,
			      const char *path, const char *method,
			      const char *version, const char *upload,
			      size_t *upload_size, void **context)
{
	static int seen;
	const struct body *body = shared;
	struct MHD_Response *response;
	enum MHD_Result result;

	(void)path;
	(void)method;
	(void)version;
	(void)upload;
	/* The head comes first, and then parts of the request's body. */
	if (*context == NULL) {
		*context = &seen;
		return MHD_YES;
	}
	if (*upload_size > 0) {
		*upload_size = 0;
		return MHD_YES;
	}
	response = MHD_create_response_from_buffer(body->size, body->bytes,
						   MHD_RESPMEM_PERSISTENT);
	MHD_add_response_header(response, "Content-Type", "application/json");
	result = MHD_queue_response(connection, MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	return result;
}

static struct body read_body(const char *path)
{
	struct body body = {.bytes = malloc(1 << 20)};
	FILE *file = fopen(path, "rb");

	if (file == NULL || body.bytes == NULL) {
		perror(path);
		exit(2);
	}
	body.size = fread(body.bytes, 1, 1 << 20, file);
	fclose(file);
	return body;
}

int main(int argc, char **argv)
{
	struct MHD_Daemon *daemon;
	struct body body;
	sigset_t signals;
	int number;

	if (argc != 3) {
		fprintf(stderr, "usage: fixed_reply PORT FILE\n");
		return 2;
	}
	body = read_body(argv[2]);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD,
				  (uint16_t)atoi(argv[1]), NULL, NULL, answer,
				  &body, MHD_OPTION_END);
	if (daemon == NULL) {
		fprintf(stderr, "fixed_reply: cannot listen\n");
		return 2;
	}
	sigwait(&signals, &number);
	MHD_stop_daemon(daemon);
	free(body.bytes);
	return 0;
}
