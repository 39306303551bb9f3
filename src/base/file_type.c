#include "base/file_type.h"

#include <string.h>

/* How many first bytes of an input of another kind are looked at. */
enum { SEEN = 4096 };

bool file_type_is_binary_stream(const unsigned char *bytes, size_t size)
{
	return size >= FILE_TYPE_PREFIX && bytes[FILE_TYPE_PREFIX - 1] == '{';
}

bool file_type_is_gzip(const unsigned char *bytes, size_t size)
{
	return size >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b;
}

bool file_type_is_profiles(const unsigned char *bytes, size_t size)
{
	static const char events[] = "\tevents\t";
	size_t seen = size < SEEN ? size : SEEN;
	const unsigned char *end = seen ? memchr(bytes, '\n', seen) : NULL;

	return seen > 0 && memmem(bytes, end ? (size_t)(end - bytes) : seen,
				  events, sizeof events - 1) != NULL;
}

const char *file_type_describe(const unsigned char *bytes, size_t size)
{
	size_t seen = size < SEEN ? size : SEEN;
	const unsigned char *line = memchr(bytes, '\n', seen);
	size_t first = line ? (size_t)(line - bytes) : seen;

	if (size == 0)
		return "an empty input";
	if (file_type_is_binary_stream(bytes, size))
		return "a matrix or a model";
	if (file_type_is_gzip(bytes, size))
		return "a file compressed by gzip";
	for (size_t i = 0; i < seen; i++)
		if (bytes[i] < 32 && memchr("\t\n\r\f", bytes[i], 4) == NULL)
			return "a binary file of another kind";
	if (first > 5 && memcmp(bytes, "query\t", 6) == 0)
		return "neighbours (TSV)";
	if (file_type_is_profiles(bytes, first))
		return "profiles (TSV)";
	if (memchr(bytes, '\t', first) != NULL)
		return "TSV";
	return "text";
}
