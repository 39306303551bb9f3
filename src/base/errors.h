/* errors: messages on standard error, "program: message", one write each.
 * Control characters in them become question marks. */
#ifndef BASE_ERRORS_H
#define BASE_ERRORS_H

#include <stdarg.h>
#include <stdbool.h>

/* Exit statuses of every program. */
enum status { STATUS_DONE = 0, STATUS_NOT_FOUND = 1, STATUS_WRONG = 2 };

/* The name in front of every message; options_begin sets it. */
extern const char *program;

/* Print "program: message" to standard error. */
void warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same for what is no error but should be known; nothing where notices are
 * switched off (--quiet). */
void notice(const char *format, ...) __attribute__((format(printf, 1, 2)));
void notices_enable(bool enabled);

/* Print "program: message" and end with status 2, or leave the work of
 * base/recovery.h. */
_Noreturn void die(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/* The same with an error text of error_text; nothing where it is NULL. */
void die_if(const char *error);

/* The same for wrong usage: a line that names --help follows. */
_Noreturn void die_usage(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/* A text that says what is wrong, for functions that must not end the process:
 * they return NULL where all is well, and otherwise such a text.  It is kept
 * for the calling thread, up to 1023 bytes (a longer one loses its middle), and
 * valid until that thread's call after the next; arguments may be an earlier
 * one. */
const char *error_text(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

#endif
