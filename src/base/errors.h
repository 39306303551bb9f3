/* errors: who failed, where and why. */
#ifndef BASE_ERRORS_H
#define BASE_ERRORS_H

#include <stdarg.h>

/* Exit statuses of every program. */
enum status { STATUS_DONE = 0, STATUS_NOT_FOUND = 1, STATUS_WRONG = 2 };

/* The name in front of every message; options_begin sets it. */
extern const char *program;

/* Print "program: message" to standard error. */
void warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Print "program: message" and end with status 2. */
_Noreturn void die(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/* The same for wrong usage: a line that names --help follows. */
_Noreturn void die_usage(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/* A error_text that says what is wrong, for functions that must not end the
 * process: they return NULL when all is well and a error_text otherwise.  It is
 * kept for the calling thread and valid until that thread's next error_text;
 * arguments may be an earlier error_text. */
const char *error_text(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

#endif
