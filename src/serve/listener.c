#include "serve/listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/errors.h"

enum {
	BACKLOG = 1024,
	OTHER_FILES = 64 /* descriptors that are no connections */
};

/* A socket that listens there, or -1. */
static int listen_at(const struct addrinfo *place)
{
	int one = 1, error;
	int fd = socket(place->ai_family,
			SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(fd, place->ai_addr, place->ai_addrlen) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

/* An address of IPv6 as URLs have it, [::1], without its brackets; others as
 * they are.  Free it. */
static char *without_brackets(const char *address)
{
	size_t length = strlen(address);

	if (length > 2 && address[0] == '[' && address[length - 1] == ']')
		return alloc_text(address + 1, length - 2);
	return alloc_text(address, length);
}

const char *listener_open(const char *address, const char *port, int *fd)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
				 .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	struct addrinfo *places;
	const char *error = NULL;

	if (*address == '\0')
		return "the address is empty";
	char *name = without_brackets(address);
	int status = getaddrinfo(name, port, &hints, &places);
	free(name);
	if (status != 0)
		return error_text("%s: %s", address, gai_strerror(status));
	*fd = -1;
	for (struct addrinfo *a = places; a != NULL && *fd < 0; a = a->ai_next)
		*fd = listen_at(a);
	if (*fd < 0)
		error = error_text("%s, port %s: %s", address, port,
				   strerror(errno));
	freeaddrinfo(places);
	return error;
}

char *listener_url(int fd, char url[LISTENER_URL])
{
	struct sockaddr_storage address = {0};
	socklen_t length = sizeof address;
	char host[NI_MAXHOST] = "", port[NI_MAXSERV] = "";

	getsockname(fd, (struct sockaddr *)&address, &length);
	getnameinfo((struct sockaddr *)&address, length, host, sizeof host,
		    port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
	snprintf(url, LISTENER_URL,
		 address.ss_family == AF_INET6 ? "http://[%s]:%s/"
					       : "http://%s:%s/",
		 host, port);
	return url;
}

char *listener_address(int fd, char text[NI_MAXHOST])
{
	struct sockaddr_storage address = {0};
	socklen_t length = sizeof address;

	*text = '\0';
	getsockname(fd, (struct sockaddr *)&address, &length);
	getnameinfo((struct sockaddr *)&address, length, text, NI_MAXHOST, NULL,
		    0, NI_NUMERICHOST);
	return text;
}

bool listener_is_public(int fd)
{
	char address[NI_MAXHOST];

	listener_address(fd, address);
	return strncmp(address, "127.", 4) != 0 && strcmp(address, "::1") != 0;
}

const char *listener_count_connections(unsigned limit, unsigned *connections)
{
	struct rlimit files;

	*connections = limit / 8;
	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		return NULL;
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	getrlimit(RLIMIT_NOFILE, &files);
	if (files.rlim_cur < 2 * OTHER_FILES)
		return error_text("only %llu files may be open",
				  (unsigned long long)files.rlim_cur);
	*connections = files.rlim_cur < limit + OTHER_FILES
			       ? (unsigned)files.rlim_cur - OTHER_FILES
			       : limit;
	return NULL;
}
