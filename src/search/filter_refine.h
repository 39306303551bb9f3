/* sieve: scores of a panel of queries by blocks of rows, most of them passed
 * over.
 *
 * The pairs of a group of queries and a block are sifted by their bytes
 * (codes.h): those whose bound is below their bar are out.  What is left is
 * guessed, in whatever order is fastest, and what may still be above its bar
 * gets the exact score of tile.h: filter and refine (Seidl and Kriegel, SIGMOD
 * 1998, section 3).  So the pairs above their bars are those that tile.h
 * finds, with the same scores.  Where bytes tell too little (bars are low at
 * first, or many rows are near), a group goes without them for a while; where
 * they cost more than they save there is no sieve, and all pairs are scored. */
#ifndef SEARCH_FILTER_REFINE_H
#define SEARCH_FILTER_REFINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "search/int8_quantization.h"
#include "search/dot_kernels.h"

struct sieve {
	const struct kernel *kernel;
	const struct bounds *bounds; /* NULL: pairs are not sifted */
	size_t d;
};

/* TILE_ROWS rows.  Either of vectors and units may be NULL. */
struct block {
	const float *vectors; /* TILE_ROWS x d, of length 1 or to be scored as
				 they are; one that begins with a NaN is above
				 nothing */
	const float *units;   /* the same as tile.h has them */
	const uint8_t *codes; /* as codes.h has them; these and the next are
				 not looked at where there is no sieve */
	const float *scales, *residuals;
};

/* A query: a vector of length 1, or to be scored as it is, and its bytes, not
 * looked at where there is no sieve.  NULL: none, whose scores are NaN. */
struct asker {
	const float *vector;
	const struct probe *probe;
};

/* A group of TILE_QUERIES queries. */
struct group {
	struct asker askers[TILE_QUERIES];
	float *units; /* as tile.h has them; made where they are needed */
	bool packed;
	struct probes probes;
	unsigned pause, rest; /* blocks without a sieve: next time, now */
};

/* A pair that is left. */
struct pair {
	uint32_t query;
	uint32_t row; /* of the run */
};

enum {
	SIEVE_PAIRS = 256, /* that are guessed together */
	SIEVE_RUN = 16     /* blocks that are met together, at most */
};

/* Queries in groups, and what a thread needs to have them meet blocks. */
struct panel {
	const struct sieve *sieve;
	size_t groups_count;
	struct group *groups;
	float *units; /* of the groups */
	float *least; /* of each query: a score must be above it; the
			 caller's, but infinite to begin with */
	/* private: */
	struct block run[SIEVE_RUN]; /* in hand */
	float *turned[SIEVE_RUN];    /* vectors, or units, where it has none */
	uint64_t turned_rows[SIEVE_RUN]; /* those of vectors that are there */
	float *products; /* TILE_QUERIES x SIEVE_RUN TILE_ROWS: what they are,
			    or are at least */
	size_t pairs_count;
	struct pair pairs[SIEVE_PAIRS];
	const float *pair_queries[SIEVE_PAIRS], *pair_rows[SIEVE_PAIRS];
	float scores[SIEVE_PAIRS];
};

/* How many queries at once are fastest, whole groups: what is looked at of each
 * for every block stays in the second-level cache. */
size_t sieve_panel(const struct sieve *sieve);

/* How many blocks at once, SIEVE_RUN at most: when the last of them is packed
 * the first is in the cache. */
size_t sieve_run(const struct sieve *sieve);

/* Room for so many queries, in whole groups. */
void panel_begin(struct panel *panel, const struct sieve *sieve, size_t count);

/* Query i; what it points to stays for the meetings. */
void panel_put(struct panel *panel, size_t i, struct asker asker);
void panel_end(struct panel *panel);

/* Room for queries. */
struct askers {
	const struct sieve *sieve;
	size_t count;
	float *vectors;
	struct probe *probes; /* NULL where there is no sieve */
	int8_t *codes;        /* of the probes */
	struct asker *each;
};

void askers_begin(struct askers *askers, const struct sieve *sieve,
		  size_t count);

/* each[i] is vector times factor; none for a factor of 0. */
void askers_put(struct askers *askers, size_t i, const float *vector,
		double factor);
void askers_end(struct askers *askers);

/* Blocks to be met: each but the last of TILE_ROWS rows. */
struct run {
	const struct block *blocks;
	size_t count; /* up to SIEVE_RUN */
	/* Bit r of rows[b] is set where row r of block b may be an answer;
	 * where wanted of them reach a score, a lower one is of no use to
	 * anybody.  NULL: nothing is known. */
	const uint64_t *rows;
	size_t wanted;
};

/* Raise least of the first groups_count groups by what the bytes of a run
 * tell. */
void panel_raise(struct panel *panel, size_t groups_count,
		 const struct run *run);

/* Meet a run, the first groups_count groups, having raised least by it: offer
 * is called with each pair whose score is above least of the query or, unless
 * rows_least is NULL and for a run of one block only, above that of the row,
 * and may raise both, which are looked at again before each call.  Rows are
 * numbered from that of the first block on; those of one query come in
 * ascending order. */
void panel_meet(struct panel *panel, size_t groups_count, const struct run *run,
		const float rows_least[TILE_ROWS],
		void (*offer)(void *shared, size_t query, size_t row,
			      float score),
		void *shared);

/* Room for a block. */
struct packed {
	const struct sieve *sieve;
	struct block block;
	float *vectors, *scales, *residuals;
	uint8_t *codes;
};

void packed_begin(struct packed *packed, const struct sieve *sieve);

/* Pack the rows from the first on (end x d, and no more than there are), each
 * times its factor; one with a factor of 0 is above nothing, nor is one that
 * there is not, and bit r of what is returned is not set for it. */
uint64_t packed_fill(struct packed *packed, const float *rows,
		     const double *factors, size_t first, size_t end);
void packed_end(struct packed *packed);

#endif
