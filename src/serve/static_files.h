/* web: the page and the description of the service, built into it. */
#ifndef SERVE_STATIC_FILES_H
#define SERVE_STATIC_FILES_H

struct web {
	const char *path, *type;
	const unsigned char *bytes, *end; /* of the last, one beyond */
};

/* The file of the path, or NULL. */
const struct web *web_find(const char *path);

#endif
