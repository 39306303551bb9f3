/* filter_refine: scores of a panel of queries by blocks of rows, most of them
 * passed over.
 *
 * The pairs of a group of queries and a block are sifted by their bytes
 * (search/int8_quantization.h): those whose bound is below their bar are out.
 * What is left is guessed, in whatever order is fastest, and what may still be
 * above its bar gets the exact score of search/dot_kernels.h: filter and refine
 * (Seidl and Kriegel, SIGMOD 1998, section 3).  So the pairs above their bars
 * are those that search/dot_kernels.h finds, with the same scores.  Where bytes
 * tell too little (bars are low at first, or many rows are near), a group goes
 * without them for a while; where they cost more than they save there is no
 * sieve, and all pairs are scored. */
#ifndef SEARCH_FILTER_REFINE_H
#define SEARCH_FILTER_REFINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "search/int8_quantization.h"
#include "search/dot_kernels.h"

struct filter_refine {
	const struct dot_kernel *kernel;
	const struct int8_kernel *bounds; /* NULL: pairs are not sifted */
	size_t d;
};

/* TILE_ROWS rows.  Either of vectors and units may be NULL. */
struct row_block {
	const float *vectors; /* TILE_ROWS x d, of length 1 or to be scored as
				 they are; one that begins with a NaN is above
				 nothing */
	const float *units;   /* the same as search/dot_kernels.h has them */
	const uint8_t
		*codes; /* as search/int8_quantization.h has them; these and the
			   next are not looked at where there is no sieve */
	const float *scales, *residuals;
};

/* A query: a vector of length 1, or to be scored as it is, and its bytes, not
 * looked at where there is no sieve.  NULL: none, whose scores are NaN. */
struct panel_query {
	const float *vector;
	const struct int8_query *probe;
};

/* A group of TILE_QUERIES queries. */
struct query_group {
	struct panel_query askers[TILE_QUERIES];
	float *units; /* as search/dot_kernels.h has them; made where they are
			 needed */
	bool packed;
	struct int8_query_group probes;
	unsigned pause, rest; /* blocks without a sieve: next time, now */
};

/* A pair that is left. */
struct candidate_pair {
	uint32_t query;
	uint32_t row; /* of the run */
};

enum {
	FILTER_PAIRS = 256,    /* that are guessed together */
	FILTER_RUN_BLOCKS = 16 /* blocks that are met together, at most */
};

/* Queries in groups, and what a thread needs to have them meet blocks. */
struct panel {
	const struct filter_refine *sieve;
	size_t group_by_count;
	struct query_group *groups;
	float *units; /* of the groups */
	float *least; /* of each query: a score must be above it; the
			 caller's, but infinite to begin with */
	/* private: */
	struct row_block run[FILTER_RUN_BLOCKS]; /* in hand */
	float *turned[FILTER_RUN_BLOCKS]; /* vectors, or units, where it has
					     none */
	uint64_t turned_rows[FILTER_RUN_BLOCKS]; /* those of vectors that are
						    there */
	float *products; /* TILE_QUERIES x FILTER_RUN_BLOCKS TILE_ROWS: what
			    they are, or are at least */
	size_t similarity_quantiles_count;
	struct candidate_pair pairs[FILTER_PAIRS];
	const float *pair_queries[FILTER_PAIRS], *pair_rows[FILTER_PAIRS];
	float scores[FILTER_PAIRS];
};

/* How many queries at once are fastest, whole groups: what is looked at of each
 * for every block stays in the second-level cache. */
size_t filter_panel_size(const struct filter_refine *sieve);

/* How many blocks at once, FILTER_RUN_BLOCKS at most: when the last of them is
 * packed the first is in the cache. */
size_t filter_run_length(const struct filter_refine *sieve);

/* Room for so many queries, in whole groups. */
void panel_begin(struct panel *panel, const struct filter_refine *sieve,
		 size_t count);

/* Query i; what it points to stays for the meetings. */
void panel_set_query(struct panel *panel, size_t i, struct panel_query asker);
void panel_end(struct panel *panel);

/* Room for queries. */
struct query_batch {
	const struct filter_refine *sieve;
	size_t count;
	float *vectors;
	struct int8_query *probes; /* NULL where there is no sieve */
	int8_t *codes;             /* of the probes */
	struct panel_query *each;
};

void query_batch_begin(struct query_batch *askers,
		       const struct filter_refine *sieve, size_t count);

/* each[i] is vector times factor; none for a factor of 0. */
void query_batch_put(struct query_batch *askers, size_t i, const float *vector,
		     double factor);
void query_batch_end(struct query_batch *askers);

/* Blocks to be met: each but the last of TILE_ROWS rows. */
struct block_run {
	const struct row_block *blocks;
	size_t count; /* up to FILTER_RUN_BLOCKS */
	/* Bit r of rows[b] is set where row r of block b may be an answer;
	 * where wanted of them reach a score, a lower one is of no use to
	 * anybody.  NULL: nothing is known. */
	const uint64_t *rows;
	size_t wanted;
};

/* Raise least of the first group_by_count groups by what the bytes of a run
 * tell. */
void panel_raise_thresholds(struct panel *panel, size_t group_by_count,
			    const struct block_run *run);

/* Meet a run, the first group_by_count groups, having raised least by it: offer
 * is called with each pair whose score is above least of the query or, unless
 * rows_least is NULL and for a run of one block only, above that of the row,
 * and may raise both, which are looked at again before each call.  Rows are
 * numbered from that of the first block on; those of one query come in
 * ascending order. */
void panel_score(struct panel *panel, size_t group_by_count,
		 const struct block_run *run, const float rows_least[TILE_ROWS],
		 void (*offer)(void *shared, size_t query, size_t row,
			       float score),
		 void *shared);

/* Room for a block. */
struct packed_block {
	const struct filter_refine *sieve;
	struct row_block block;
	float *vectors, *scales, *residuals;
	uint8_t *codes;
};

void packed_block_begin(struct packed_block *packed,
			const struct filter_refine *sieve);

/* Pack the rows from the first on (end x d, and no more than there are), each
 * times its factor; one with a factor of 0 is above nothing, nor is one that
 * there is not, and bit r of what is returned is not set for it. */
uint64_t packed_block_fill(struct packed_block *packed, const float *rows,
			   const double *factors, size_t first, size_t end);
void packed_block_end(struct packed_block *packed);

#endif
