/* io: inputs and outputs with a name for messages.  Unless a function says
 * otherwise, it ends the process with a message that names the file where
 * something fails; a closed pipe (EPIPE) ends it without a message, with status
 * 141. */
#ifndef BASE_IO_H
#define BASE_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Bytes that a reader asks for at a time: what is made of them should stay in
 * the cache.  The flavour "fuzz" asks for few, so that inputs of a few thousand
 * bytes are cut anywhere. */
#ifndef READ_BLOCK
#define READ_BLOCK (1 << 18)
#endif

/* An input: a file, or standard input for NULL and "-". */
struct input {
	int fd;
	const char *name; /* for messages: the path or "standard input" */
	bool regular;     /* a regular file, read from its beginning */
	size_t size;      /* bytes, where regular or mapped */
	const unsigned char *bytes; /* after input_map, else NULL */
	size_t read;                /* bytes that input_read gave */
	bool copied; /* fd is an unlinked file that nobody else writes */
	bool text;   /* set before it is copied: a NUL byte ends the copy */
	struct mapped_input *mapped; /* of base/mapped_inputs.h, or NULL */
};

/* Open; a directory is refused, and standard input for the second time.  A
 * notice says so where the process will wait for what is typed at a terminal.
 */
void input_open(struct input *input, const char *path);

/* The same for what must not end the process: NULL or an error text that does
 * not name the file; input.name is set. */
const char *input_try(struct input *input, const char *path);

/* Read up to size bytes; 0 at the end, which of a regular file is not before
 * the size that it had when it was opened: a shorter one ends the process. */
size_t input_read(struct input *input, void *bytes, size_t size);

/* Map the whole input read-only: bytes[0..size).  What is not a regular file is
 * copied to an unlinked file in $TMPDIR first, whole where it is a binary
 * stream of ours (base/file_type.h); else at least its first bytes are.  An
 * empty input has size 0.  A file that changes from then on ends the process
 * when an output is closed, or before (base/mapped_inputs.h). */
void input_map(struct input *input);

/* The same; NULL or an error text. */
const char *input_try_map(struct input *input);

/* Copy the input to an unlinked file in $TMPDIR, and map that, so that what
 * becomes of the file changes nothing.  NULL or an error text. */
const char *input_try_copy(struct input *input);

/* Unmap and close.  An input that is all zero is left alone. */
void input_close(struct input *input);

/* An output: FILE, written to a temporary file beside it, or standard output
 * for NULL, "-" and "/dev/stdout".  What is no regular file (a device, a pipe)
 * is written straight.  Several outputs get their names together, when the last
 * is closed; what is not closed is removed (base/output_files.h). */
struct output {
	int fd;
	const char *name;         /* for messages */
	struct output_file *file; /* of base/output_files.h; NULL for others */
	bool synchronized;        /* fsync before it is closed */
	unsigned char *buffer;    /* what is not yet written */
	size_t held;              /* bytes in it */
	size_t written;           /* bytes handed to output_write in all */
	size_t room;              /* of the buffer, of one in memory */
	/* Of one to a function, or NULL; private. */
	void (*take)(void *context, const unsigned char *bytes, size_t size);
	void *context;
};

/* path is kept, not copied. */
void output_open(struct output *output, const char *path);

/* The same, but path must not exist and is written under its own name, for
 * files of a directory that is itself temporary; name is for messages, and
 * kept, not copied. */
void output_open_new(struct output *output, const char *path, const char *name);

/* Append bytes; a text that ends with a zero byte, without that; what printf
 * would print. */
void output_write(struct output *output, const void *bytes, size_t size);
void output_text(struct output *output, const char *text);
void output_print(struct output *output, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Hand what is buffered to the kernel; nothing for an output in memory. */
void output_flush(struct output *output);

/* Flush; for a file fsync, and a rename when no other output is open; report
 * every failure. */
void output_close(struct output *output);

/* Close without a file: what was written is lost. */
void output_discard(struct output *output);

/* An output that stays in memory: what is written to it is buffer[0..held),
 * which the caller may take back by setting held to 0, and frees. */
void output_memory(struct output *output);

/* An output to a function, which gets all bytes in order; what one call of
 * output_write has written comes in one call.  output_close flushes it. */
void output_function(struct output *output,
		     void (*take)(void *context, const unsigned char *bytes,
				  size_t size),
		     void *context);

/* True where bytes would go to a terminal. */
bool output_terminal(const struct output *output);

/* Flush the C library's stdout (--help and the like) and check it. */
void io_finish_stdout(void);

#endif
