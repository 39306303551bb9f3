#include "serve/http_text.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "serve/static_files.h"
#include "text/percent.h"

/* Copy the id of a customer or a segment from a part of a path. */
static bool copy_id(const char *text, size_t size, char **id, size_t *length)
{
	*id = alloc_text(text, size);
	*length = percent_decode(*id, size, true);
	if (*length > 0 && *length != SIZE_MAX)
		return true;
	free(*id);
	*id = NULL;
	return false;
}

/* A path below /customers/. */
static enum route route_customer(const char *rest, char **id, size_t *length)
{
	size_t size = strcspn(rest, "/");
	enum route route = rest[size] == '\0' ? ROUTE_CUSTOMER : ROUTE_SIMILAR;

	if (route == ROUTE_SIMILAR && strcmp(rest + size, "/similar") != 0)
		return ROUTE_NONE;
	return copy_id(rest, size, id, length) ? route : ROUTE_NONE;
}

/* A path below /tags/ or /segments/: the route where an id alone follows. */
static enum route route_one(enum route route, const char *rest, char **id,
			    size_t *length)
{
	size_t size = strcspn(rest, "/");

	return rest[size] == '\0' && copy_id(rest, size, id, length)
		       ? route
		       : ROUTE_NONE;
}

enum route http_route(const char *path, char **id, size_t *length)
{
	static const struct {
		const char *path;
		enum route route;
	} fixed[] = {
		{"/", ROUTE_PAGE},
		{"/predict", ROUTE_PREDICT},
		{"/customers", ROUTE_CUSTOMERS},
		{"/segments", ROUTE_SEGMENTS},
		{"/model", ROUTE_MODEL},
		{"/overview", ROUTE_OVERVIEW},
		{"/tags", ROUTE_TAGS},
		{"/healthz", ROUTE_HEALTH},
		{"/readyz", ROUTE_READY},
		{"/metrics", ROUTE_METRICS},
		{"/openapi.json", ROUTE_OPENAPI},
	};
	static const char customers[] = "/customers/", tags[] = "/tags/";
	static const char segments[] = "/segments/";

	*id = NULL;
	for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
		if (strcmp(path, fixed[i].path) == 0)
			return fixed[i].route;
	if (strncmp(path, customers, strlen(customers)) == 0)
		return route_customer(path + strlen(customers), id, length);
	if (strncmp(path, tags, strlen(tags)) == 0)
		return route_one(ROUTE_TAG, path + strlen(tags), id, length);
	if (strncmp(path, segments, strlen(segments)) == 0)
		return route_one(ROUTE_SEGMENT, path + strlen(segments), id,
				 length);
	return static_file_find(path) ? ROUTE_PAGE : ROUTE_NONE;
}

const char *http_origin_path(const char *target, char **authority)
{
	static const char *const schemes[] = {"http://", "https://"};

	*authority = NULL;
	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
		size_t length = strlen(schemes[i]);

		if (strncasecmp(target, schemes[i], length) != 0)
			continue;
		target += length;
		length = strcspn(target, "/");
		*authority = alloc_text(target, length);
		return target[length] == '/' ? target + length : "/";
	}
	return target;
}

/* A weight such as 0.5, in thousandths; what is none is 0. */
static int read_weight(const char *text)
{
	int weight = *text == '1' ? 1000 : 0;

	if (text[0] != '0' || text[1] != '.')
		return weight;
	text += 2;
	for (int unit = 100; unit > 0 && *text >= '0' && *text <= '9';
	     unit /= 10)
		weight += unit * (*text++ - '0');
	return weight;
}

/* The weight among parameters such as ";q=0.5"; 1000 without. */
static int find_weight(const char *parameters, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		const char *name = parameters + i + 1;

		if (parameters[i] != ';')
			continue;
		name += strspn(name, " \t");
		if (strncasecmp(name, "q=", 2) == 0)
			return read_weight(name + 2);
	}
	return 1000;
}

/* The weight that the header Accept gives a media type by name, and 0 where it
 * does not; *place: how many ranges stand before it. */
static int weight_of(const char *accept, const char *type, size_t *place)
{
	for (*place = 0; *accept != '\0'; ++*place) {
		accept += strspn(accept, " \t");
		size_t size = strcspn(accept, ",");
		size_t name = strcspn(accept, " \t;,");

		if (name == strlen(type) &&
		    strncasecmp(accept, type, name) == 0)
			return find_weight(accept + name, size - name);
		accept += size + (accept[size] == ',');
	}
	return 0;
}

int http_weight_of(const char *list, const char *name)
{
	size_t place;

	return weight_of(list, name, &place);
}

bool http_wants_csv(const char *accept)
{
	size_t csv_place, json_place;
	int csv, json;

	if (accept == NULL)
		return false;
	csv = weight_of(accept, "text/csv", &csv_place);
	json = weight_of(accept, "application/json", &json_place);
	return csv > json || (csv == json && csv > 0 && csv_place < json_place);
}

bool http_token_matches(const char *authorization, const char *token)
{
	static const char scheme[] = "Bearer ";
	volatile unsigned char different = 0;
	size_t size, given;

	if (authorization == NULL ||
	    strncasecmp(authorization, scheme, strlen(scheme)) != 0)
		return false;
	authorization += strlen(scheme);
	authorization += strspn(authorization, " ");
	/* As long as what is given: not even the token's length is told. */
	size = strlen(token);
	given = strlen(authorization);
	while (given > 0 && strchr(" \t", authorization[given - 1]) != NULL)
		given--; /* white space behind a field is not of it */
	for (size_t i = 0; i < given; i++)
		different |=
			(unsigned char)(authorization[i] ^ token[i % size]);
	return different == 0 && given == size;
}

bool http_etag_matches(const char *if_none_match, const char *tag)
{
	return if_none_match != NULL && (strcmp(if_none_match, "*") == 0 ||
					 strstr(if_none_match, tag) != NULL);
}

static bool is_name(const char *host, size_t length, const char *name)
{
	return strlen(name) == length && strncasecmp(host, name, length) == 0;
}

/* Is it an address of IPv4, or of IPv6 in brackets? */
static bool is_address(const char *host, size_t length)
{
	char text[INET6_ADDRSTRLEN];
	unsigned char bytes[sizeof(struct in6_addr)];
	bool six = length > 2 && host[0] == '[' && host[length - 1] == ']';
	size_t size = six ? length - 2 : length;

	if (size >= sizeof text)
		return false;
	memcpy(text, host + six, size);
	text[size] = '\0';
	return inet_pton(six ? AF_INET6 : AF_INET, text, bytes) == 1;
}

bool http_host_is_known(const char *host, const char *bound,
			const char *const names[], size_t count)
{
	bool all = strcmp(bound, "0.0.0.0") == 0 || strcmp(bound, "::") == 0;
	size_t length = *host == '[' ? strcspn(host, "]") : strcspn(host, ":");
	const char *rest;
	bool six, loopback;

	length += host[length] == ']';
	rest = host + length;
	if (*rest == ':')
		rest += 1 + strspn(rest + 1, "0123456789");
	else
		while (length > 0 && strchr(" \t", host[length - 1]) != NULL)
			length--;
	if (rest[strspn(rest, " \t")] != '\0')
		return false;
	/* Of 127.0.0.0/8 all are this machine. */
	loopback = strncmp(host, "127.", 4) == 0 && is_address(host, length);
	six = length > 2 && *host == '[' && host[length - 1] == ']';
	if (is_name(host, length, "localhost") || loopback ||
	    is_name(host, length, "[::1]") || is_name(host, length, bound) ||
	    (six && is_name(host + 1, length - 2, bound)) ||
	    (all && is_address(host, length)))
		return true;
	for (size_t i = 0; i < count; i++)
		if (is_name(host, length, names[i]))
			return true;
	return false;
}
