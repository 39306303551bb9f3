/* static_files: the page and the description of the service, built into it. */
#ifndef SERVE_STATIC_FILES_H
#define SERVE_STATIC_FILES_H

struct static_file {
	const char *path, *type;
	const unsigned char *bytes, *end; /* of the last, one beyond */
};

/* The file of the path, or NULL. */
const struct static_file *static_file_find(const char *path);

#endif
