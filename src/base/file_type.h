/* file_type: what an input is, by its first bytes. */
#ifndef BASE_FILE_TYPE_H
#define BASE_FILE_TYPE_H

#include <stdbool.h>
#include <stddef.h>

/* How many first bytes decide whether an input is a matrix or a model. */
enum { FILE_TYPE_PREFIX = 9 };

/* True for bytes that begin like a matrix or a model (model/safetensors.h): the
 * ninth byte is '{', the first of the JSON header. */
bool file_type_is_binary_stream(const unsigned char *bytes, size_t size);

/* True for bytes that begin like a file compressed by gzip (RFC 1952). */
bool file_type_is_gzip(const unsigned char *bytes, size_t size);

/* True for bytes that begin as the header line of profiles (cs-stream(5)). */
bool file_type_is_profiles(const unsigned char *bytes, size_t size);

/* What the first size bytes of an input are, as part of a message: "TSV", "an
 * empty input", "a file compressed by gzip".  A constant. */
const char *file_type_describe(const unsigned char *bytes, size_t size);

#endif
