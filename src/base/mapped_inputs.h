/* mapped_inputs: mapped files that another process may change meanwhile.
 *
 * A page of a mapped file that became shorter, or that its disk does not give,
 * raises SIGBUS; contents that changed after they were checked may raise
 * SIGSEGV, SIGFPE or SIGABRT.  For these the process removes what
 * base/pending_files.h lists; it ends with a message that names the file, and
 * status 2, where one did change, and by the signal where none did. */
#ifndef BASE_MAPPED_INPUTS_H
#define BASE_MAPPED_INPUTS_H

#include <stddef.h>

struct mapped_input;

/* Watch the file fd, mapped at bytes[0..size), its whole length; the name is
 * copied.  NULL, with *error set, where the length is another by now. */
struct mapped_input *mapped_inputs_add(const char *name, int fd,
				       const void *bytes, size_t size,
				       const char **error);

/* Before fd is closed: watch it no more, and keep in mind whether the file
 * changed.  NULL is left alone. */
void mapped_inputs_drop(struct mapped_input *input);

/* NULL, or an error text where a file that is or was watched has another length
 * or time of modification than in the beginning. */
const char *mapped_inputs_error(void);

#endif
