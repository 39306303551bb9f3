/* listener: the socket that a service listens on. */
#ifndef SERVE_LISTENER_H
#define SERVE_LISTENER_H

#include <netdb.h>
#include <stdbool.h>
#include <stddef.h>

/* A socket, non-blocking, that listens on the port of an address, of IPv6 in
 * brackets or without, or a name; of a name with several addresses, on the
 * first that can be had.  Returns NULL,
 * or an error text where there is none. */
const char *listener_open(const char *address, const char *port, int *fd);

/* Room for a URL of listener_url. */
enum { LISTENER_URL = 1100 };

/* Write "http://ADDRESS:PORT/" of the socket; returns url. */
char *listener_url(int fd, char url[LISTENER_URL]);

/* Write the address of the socket; returns address. */
char *listener_address(int fd, char address[NI_MAXHOST]);

/* Can others than this machine reach the socket's address? */
bool listener_is_public(int fd);

/* Set *connections to how many there are descriptors for, at most limit, and
 * raise the process's limit on open files as far as it may.  Returns NULL, or
 * an error text where there are hardly any. */
const char *listener_count_connections(unsigned limit, unsigned *connections);

#endif
