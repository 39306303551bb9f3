#include "base/errors.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/control_chars.h"
#include "base/recovery.h"

const char *program = "cs";
static bool notices_enabled = true;

/* What printf would print, in room bytes.  A longer text, as of a long path,
 * loses its middle: what is wrong is said at its end. */
__attribute__((format(printf, 3, 0))) static void
format_text(char *text, size_t room, const char *format, va_list arguments)
{
	static const char gap[] = "...";
	va_list again;

	va_copy(again, arguments);
	int length = vsnprintf(text, room, format, arguments);
	if (length >= (int)room) {
		char *whole = malloc((size_t)length + 1);
		size_t half = (room - sizeof gap) / 2;

		if (whole != NULL) {
			vsnprintf(whole, (size_t)length + 1, format, again);
			snprintf(text, room, "%.*s%s%s", (int)half, whole, gap,
				 whole + length - half);
		}
		free(whole);
	}
	va_end(again);
}

/* Make what was quoted from an input harmless to a terminal, and keep it from
 * looking like another message.  Our own line ends, which go on with two
 * blanks, stay. */
static void replace_controls(char *text)
{
	for (char *end; (end = strstr(text, "\n  ")) != NULL; text = end + 1) {
		*end = '\0';
		control_chars_replace(text);
		*end = '\n';
	}
	control_chars_replace(text);
}

/* Taken by the first thread that ends the process, so that it does so alone;
 * never given back. */
static void lock_ending(void)
{
	static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

	pthread_mutex_lock(&lock);
}

/* One write for each message, so that lines of several programs in a pipe do
 * not mix. */
__attribute__((format(printf, 1, 0))) static void
say(const char *format, va_list arguments, const char *after)
{
	char text[2048];

	format_text(text, sizeof text, format, arguments);
	replace_controls(text);
	fflush(stdout);
	fprintf(stderr, "%s: %s\n%s", program, text, after);
	fflush(stderr);
}

void warn(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(format, arguments, "");
	va_end(arguments);
}

void notices_enable(bool enabled)
{
	notices_enabled = enabled;
}

void notice(const char *format, ...)
{
	va_list arguments;

	if (!notices_enabled)
		return;
	va_start(arguments, format);
	say(format, arguments, "");
	va_end(arguments);
}

void die(const char *format, ...)
{
	va_list arguments;

	if (recovery_current() != NULL) {
		va_start(arguments, format);
		say(format, arguments, "");
		va_end(arguments);
		recovery_leave();
	}
	lock_ending();
	va_start(arguments, format);
	say(format, arguments, "");
	va_end(arguments);
	exit(STATUS_WRONG);
}

void die_if(const char *error)
{
	if (error != NULL)
		die("%s", error);
}

void die_usage(const char *format, ...)
{
	va_list arguments;
	char after[128];

	snprintf(after, sizeof after, "  \"%s --help\" lists the options\n",
		 program);
	lock_ending();
	va_start(arguments, format);
	say(format, arguments, after);
	va_end(arguments);
	exit(STATUS_WRONG);
}

const char *error_text(const char *format, ...)
{
	/* Two buffers are used alternately: the last text may be an argument.
	 */
	static _Thread_local char buffers[2][1024];
	static _Thread_local int next;
	va_list arguments;

	next = !next;
	va_start(arguments, format);
	format_text(buffers[next], sizeof buffers[next], format, arguments);
	va_end(arguments);
	return buffers[next];
}
