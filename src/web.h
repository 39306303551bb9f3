/* web: the page and the description of the service, built into it. */
#ifndef WEB_H
#define WEB_H

struct web {
	const char *path, *type;
	const unsigned char *bytes, *end; /* of the last, one beyond */
};

/* The file of the path, or NULL. */
const struct web *web_find(const char *path);

#endif
