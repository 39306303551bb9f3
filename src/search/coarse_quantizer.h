/* coarse_quantizer: ranks the centroids of an inverted-file index by their
 * cosine to queries (Jegou, Douze and Schmid, IEEE TPAMI 33, 2011, section
 * 4.1).  Scores and order are those of search/exact_search.h. */
#ifndef SEARCH_COARSE_QUANTIZER_H
#define SEARCH_COARSE_QUANTIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "search/dot_kernels.h"

struct coarse_quantizer {
	const struct dot_kernel *kernel;
	size_t count, blocks, d; /* blocks of TILE_ROWS centroids */
	float *units;            /* blocks x (d x TILE_ROWS), by dot_pack_rows;
				    owned */
};

/* Prepare rows (count x d, count > 0), which are copied.  False if one is not
 * finite; then there is nothing to end. */
bool coarse_quantizer_begin(struct coarse_quantizer *quantizer,
			    const float *rows, size_t count, size_t d,
			    const struct dot_kernel *kernel);
void coarse_quantizer_end(struct coarse_quantizer *quantizer);

/* The working memory of one thread, for TILE_QUERIES queries at a time. */
struct coarse_query {
	const struct coarse_quantizer *quantizer;
	float *unit;    /* d */
	float *packed;  /* d x TILE_QUERIES, by dot_pack_query */
	float *scores;  /* TILE_QUERIES x (TILE_ROWS blocks) */
	uint64_t *keys; /* TILE_ROWS blocks, of search/topk.h */
};

/* quantizer is borrowed until the end. */
void coarse_query_begin(struct coarse_query *query,
			const struct coarse_quantizer *quantizer);
void coarse_query_end(struct coarse_query *query);

/* Query i of the next tile becomes vector (d columns) times factor; 0: absent.
 */
void coarse_query_put(struct coarse_query *query, size_t i, const float *vector,
		      double factor);

/* Score the tile against all centroids. */
void coarse_query_score(struct coarse_query *query);

/* Write up to wanted of the nearest centroids of query i to rows, nearest
 * first, and return how many: zero vectors are not ranked. */
size_t coarse_query_nearest(struct coarse_query *query, size_t i, size_t wanted,
			    uint32_t *rows);

#endif
