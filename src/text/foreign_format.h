/* foreign_format: files that are not CSV in UTF-8, by their first bytes, and
 * the commands that make CSV of them. */
#ifndef TEXT_FOREIGN_FORMAT_H
#define TEXT_FOREIGN_FORMAT_H

#include <stdbool.h>
#include <stddef.h>

/* Another format, and the command that makes CSV of it: before and after stand
 * around the file's name, options behind that of the program.  Constants; where
 * there is no command before is NULL, and options may be. */
struct foreign_format {
	const char *what, *before, *after, *options;
	char table[64]; /* of SQL, in the place of TABLE in before; or "" */
};

/* Set *format to that of a file that begins with the size bytes; false where
 * they may be CSV.  converted: the file's encoding is converted, so UTF-16 is
 * no reason to refuse it. */
bool foreign_format_find(const unsigned char *bytes, size_t size,
			 bool converted, struct foreign_format *format);

/* The command that makes CSV of a file of the format, whose path, where it is
 * NULL, is written FILE; valid as error_text's. */
const char *foreign_format_command(const struct foreign_format *format,
				   const char *path);

#endif
