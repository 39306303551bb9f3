#include "serve/http_gzip.h"

#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/alloc.h"
#include "serve/http_text.h"

enum {
	MIN_BYTES = 1000, /* less fits into a packet as it is */
	LEVEL = 1, /* JSON of replies shrinks to a fifth by the fastest */
	WINDOW_BITS = 15 + 16, /* the largest window; 16: a gzip header */
	MEMORY_LEVEL = 8       /* zlib's default */
};

bool http_gzip_is_accepted(const char *accept_encoding)
{
	return accept_encoding != NULL &&
	       http_weight_of(accept_encoding, "gzip") > 0;
}

/* Compress into to, of room bytes; returns how many were written, or 0. */
static size_t compress_into(const struct output *body, unsigned char *to,
			    size_t room, z_stream *stream)
{
	stream->next_in = body->buffer;
	stream->avail_in = (uInt)body->held;
	stream->next_out = to;
	stream->avail_out = (uInt)room;
	return deflate(stream, Z_FINISH) == Z_STREAM_END ? stream->total_out
							 : 0;
}

bool http_gzip(struct output *body)
{
	/* What does not shrink is sent as it is: no more room is needed. */
	size_t room = body->held, size = 0;
	z_stream stream = {0};
	unsigned char *to;

	if (body->held < MIN_BYTES || body->held > UINT_MAX)
		return false;
	to = alloc_or_null(room, 1);
	if (to != NULL &&
	    deflateInit2(&stream, LEVEL, Z_DEFLATED, WINDOW_BITS, MEMORY_LEVEL,
			 Z_DEFAULT_STRATEGY) == Z_OK) {
		size = compress_into(body, to, room, &stream);
		deflateEnd(&stream);
	}
	if (size == 0) {
		free(to);
		return false;
	}
	free(body->buffer);
	body->buffer = to;
	body->held = size;
	body->room = room;
	return true;
}
