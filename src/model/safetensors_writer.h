/* safetensors_writer: writes a file of the format of model/safetensors as a
 * stream: the header first, then the bytes of tensors in order, then checksums.
 *
 * As all outputs (base/io), it ends the process where a write fails or there is
 * no memory.  Bytes that do not match the announced tensors are an error of the
 * caller, found by assertions. */
#ifndef MODEL_SAFETENSORS_WRITER_H
#define MODEL_SAFETENSORS_WRITER_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/io.h"
#include "model/safetensors.h"

/* A stream being written. */
struct tensor_writer {
	struct output *output;  /* the caller's */
	struct tensor *tensors; /* with padding, without checksums */
	size_t count;
	size_t current; /* the tensor that the next byte belongs to */
	size_t done;    /* bytes of it written */
	void *state;    /* of the running checksum */
	uint64_t *sums; /* count + 1: of the header, then of each tensor */
};

/* Write the header.  tensors[0..count) have name, type, dims and shape set, in
 * the order in which their bytes will come; padding and checksums are added.
 * metadata is read, not kept; its keys are written in sorted order, with
 * "format" added. */
void tensor_writer_begin(struct tensor_writer *writer, struct output *output,
			 json_t *metadata, const struct tensor *tensors,
			 size_t count);

/* Write the next size bytes of the tensors; a call may end within a tensor, and
 * must not go beyond the end of one. */
void tensor_writer_put(struct tensor_writer *writer, const void *bytes,
		       size_t size);

/* Write the next tensor, whole, as it is in a file that was verified; its
 * checksum is taken from there. */
void tensor_writer_pass(struct tensor_writer *writer,
			const struct safetensors *file,
			const struct tensor *tensor);

/* Write the checksums and flush the output, which stays open; every tensor must
 * be complete.  Frees what the writer owns. */
void tensor_writer_end(struct tensor_writer *writer);

/* Free the writer before its end: the output is then not whole. */
void tensor_writer_discard(struct tensor_writer *writer);

/* Set metadata[key] to a printed string, which must be UTF-8. */
void metadata_set(json_t *metadata, const char *key, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
