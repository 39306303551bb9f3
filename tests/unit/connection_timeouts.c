/* connection_timeouts: those that are late in their phase are shut down, and no
 * others; idle ones at the end, unless a byte waits; clients are counted. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "serve/connection_timeouts.h"

static int failed;

static void check(int holds, const char *what)
{
	if (!holds) {
		printf("%s\n", what);
		failed = 1;
	}
}

/* Was the other end of the pair shut down? */
static int is_shut(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_DONTWAIT) == 0;
}

/* Is a connection shut that was in the phase for so many seconds? */
static int is_late(enum connection_phase phase, double seconds)
{
	struct connection_list list;
	struct connection *connection;
	int ends[2], late;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
		return -1;
	connection_list_begin(&list);
	connection = connection_list_add(&list, ends[0], NULL);
	connection_enter(connection, phase);
	connection_list_sweep(&list, connection_clock() + seconds, false);
	late = is_shut(ends[1]);
	connection_list_remove(&list, connection);
	connection_list_end(&list);
	close(ends[0]);
	close(ends[1]);
	return late;
}

static void check_phases(void)
{
	check(is_late(CONNECTION_READ, 9) == 0, "9 s of reading");
	check(is_late(CONNECTION_READ, 11) == 1, "11 s of reading");
	check(is_late(CONNECTION_IDLE, 74) == 0, "74 s idle");
	check(is_late(CONNECTION_IDLE, 76) == 1, "76 s idle");
	check(is_late(CONNECTION_SEND, 59) == 0, "59 s of sending");
	check(is_late(CONNECTION_SEND, 61) == 1, "61 s of sending");
	check(is_late(CONNECTION_WORK, 1e6) == 0, "work has no limit");
}

/* At the end idle ones are shut, but not one of which a byte waits. */
static void check_idle(void)
{
	struct connection_list list;
	struct connection *one, *two, *three;
	int first[2], second[2], third[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, first) != 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, second) != 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, third) != 0)
		return;
	connection_list_begin(&list);
	one = connection_list_add(&list, first[0], NULL);
	two = connection_list_add(&list, second[0], NULL);
	three = connection_list_add(&list, third[0], NULL);
	connection_enter(three, CONNECTION_WORK);
	check(write(second[1], "G", 1) == 1, "a byte is sent");
	connection_list_sweep(&list, connection_clock(), true);
	check(is_shut(first[1]), "an idle one");
	check(!is_shut(second[1]), "one of which a byte waits");
	check(!is_shut(third[1]), "one that is worked on");
	/* From the middle, the front and the end. */
	connection_list_remove(&list, two);
	connection_list_remove(&list, three);
	connection_list_remove(&list, one);
	check(list.first == NULL, "an empty list");
	connection_list_end(&list);
	for (int i = 0; i < 2; i++) {
		close(first[i]);
		close(second[i]);
		close(third[i]);
	}
}

static struct sockaddr_in four(const char *text, in_port_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = port};

	inet_pton(AF_INET, text, &address.sin_addr);
	return address;
}

static struct sockaddr_in6 six(const char *text)
{
	struct sockaddr_in6 address = {.sin6_family = AF_INET6};

	inet_pton(AF_INET6, text, &address.sin6_addr);
	return address;
}

static void check_clients(void)
{
	struct sockaddr_in a = four("10.0.0.1", 5), b = four("10.0.0.1", 6);
	struct sockaddr_in c = four("10.0.0.2", 5);
	struct sockaddr_in6 d = six("fe80::1"), mapped = six("::ffff:10.0.0.1");
	struct sockaddr_in6 e = six("::1"), f = six("::ffff:127.1.2.3");
	struct sockaddr_in local = four("127.0.0.1", 5);
	struct connection_list list;
	struct connection *all[4];

	connection_list_begin(&list);
	all[0] = connection_list_add(&list, -1, (struct sockaddr *)&a);
	all[1] = connection_list_add(&list, -1, (struct sockaddr *)&b);
	all[2] = connection_list_add(&list, -1, (struct sockaddr *)&c);
	all[3] = connection_list_add(&list, -1, (struct sockaddr *)&d);
	check(connection_list_count(&list, (struct sockaddr *)&a) == 2 &&
		      connection_list_count(&list, (struct sockaddr *)&c) ==
			      1 &&
		      connection_list_count(&list, (struct sockaddr *)&d) ==
			      1 &&
		      connection_list_count(&list, (struct sockaddr *)&e) == 0,
	      "connections of a client, whatever the port");
	check(connection_list_count(&list, (struct sockaddr *)&mapped) == 2,
	      "an address of version 4 in one of version 6");
	check(connection_is_loopback((struct sockaddr *)&local) &&
		      connection_is_loopback((struct sockaddr *)&e) &&
		      connection_is_loopback((struct sockaddr *)&f),
	      "this machine");
	check(!connection_is_loopback((struct sockaddr *)&a) &&
		      !connection_is_loopback((struct sockaddr *)&d) &&
		      !connection_is_loopback(NULL),
	      "other machines");
	for (size_t i = 0; i < 4; i++)
		connection_list_remove(&list, all[i]);
	connection_list_end(&list);
}

int main(void)
{
	check_phases();
	check_idle();
	check_clients();
	return failed;
}
