/* foreign_format: files that are not CSV in UTF-8, by their first bytes, and
 * the commands that make CSV of them. */
#ifndef TEXT_FOREIGN_FORMAT_H
#define TEXT_FOREIGN_FORMAT_H

#include <stdbool.h>
#include <stddef.h>

/* Constants; before and after are what stands around the file's name in the
 * command, and NULL where there is none. */
struct foreign_format {
	const char *what, *before, *after;
};

/* Set *format to that of a file that begins with the size bytes; false where
 * they may be CSV.  converted: the file's encoding is converted, so UTF-16 is
 * no reason to refuse it. */
bool foreign_format_find(const unsigned char *bytes, size_t size,
			 bool converted, struct foreign_format *format);

#endif
