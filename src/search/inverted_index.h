/* inverted_index: lists of rows by tag (postings), and codes of 4 bits of the
 * embeddings, for exact search by the similarities of search/combined_score.h.
 *
 * Rows stand in blocks of INDEX_BLOCK_ROWS.  For each tag and block there is a
 * list of postings {row in the block, w}, rows ascending, w = round(32767 v),
 * v the value over |a|.  A tag that more than 1 / INDEX_COLUMN_SHARE of the
 * rows have (a head tag) is kept as a dense column of all w, too; at most
 * INDEX_COLUMNS of them.
 * Sums of products of two rows' w are exact in int32: by Cauchy's inequality
 * they are below (32767 + sqrt(m) / 2)^2 < 2^31 for up to 10^8 tags.
 *
 * The embedding over its length is kept in 4 bits a column: x_j / |x| is about
 * scale * (code - INDEX_CODE_ZERO), residual bounds the length of the
 * difference.  Of each 64 columns, byte i of 32 has column i in its lower half,
 * and column i + 32 in its upper one.
 *
 * Rows are in bins by |x|, as many of about equal size as INDEX_BINS.
 *
 * Nothing depends on alpha: one index serves every similarity.  It takes 4
 * bytes a stored value, d / 2 (d rounded up to 64) + 17 a row, and 2 a row for
 * each column. */
#ifndef SEARCH_INVERTED_INDEX_H
#define SEARCH_INVERTED_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/csr_matrix.h"

enum {
	INDEX_BLOCK_ROWS = 1 << 16,
	INDEX_COLUMN_SHARE = 16,
	INDEX_COLUMNS = 64,
	INDEX_BINS = 32,
	INDEX_WEIGHT_ONE = 32767,
	INDEX_CODE_MOST = 7,    /* codes are -7 to 7, */
	INDEX_CODE_ZERO = 8,    /* plus this as stored */
	INDEX_QUERY_MOST = 127, /* a query has codes of a byte */
	INDEX_PAD = 64          /* rows to spare after the last, all zeros */
};

struct posting {
	uint16_t row;
	int16_t weight;
};

/* Of a row's embedding. */
struct index_row {
	float scale, residual; /* of the codes */
	float sqrt_g;          /* of g = |x| / |a| */
	float residual_share;  /* 1 - g^2: of |a|^2, what x does not hold */
};

/* The smallest and the largest g of a bin's rows; low > high: it has none. */
struct index_bin {
	double low, high;
};

struct inverted_index {
	const struct csr_matrix *matrix;
	const float *embedding; /* n x d */
	size_t d;
	size_t blocks;
	uint32_t *starts; /* m * blocks + 1: postings of tag t in block b are
			     [starts[t * blocks + b], starts[t * blocks + b +
			     1]) */
	struct posting *postings;
	int16_t **columns;      /* column_count: the dense column of a head
				   tag, by row; NULL for other tags */
	size_t column_count;    /* m; read when the matrix may be closed */
	uint8_t *codes;         /* n x code_columns / 2, aligned to 64 */
	size_t code_columns;    /* d, rounded up to 64; 0: it is too large for
				   codes */
	struct index_row *rows; /* n */
	uint8_t *bin;           /* n + INDEX_PAD */
	struct index_bin bins[INDEX_BINS];
	uint64_t *weighted; /* bit of each row that has |a| > 0 */
	size_t zeros;       /* rows without */
};

/* Index the rows of a matrix and of their embedding (n x d, row major), both
 * borrowed until inverted_index_free.  O(values + n d).  The same index by any
 * number of threads.  NULL or an error text: a row is damaged, its embedding
 * is not finite, or there are 2^32 values or more; there is nothing to free
 * then. */
const char *inverted_index_build(struct inverted_index *index,
				 const struct csr_matrix *matrix,
				 const float *embedding, size_t d,
				 unsigned threads);
void inverted_index_free(struct inverted_index *index);

/* Write the d codes of the vector over its length, -most to most; returns the
 * scale, and in residual the bound of the difference's length. */
float index_quantize(const float *vector, double length, size_t d, int most,
		     int8_t *codes, float *residual);

/* Set packed to codes -7 to 7 of as many columns, a multiple of 64. */
void index_pack(uint8_t *packed, const int8_t *codes, size_t columns);

#endif
