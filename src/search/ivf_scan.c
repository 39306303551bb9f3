#include "search/ivf_scan.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/progress.h"
#include "base/thread_pool.h"

/* Blocks in a piece of work, where a query scans all. */
enum { PIECE_BLOCKS = 1024 };

/* A block with more candidates gets the exact scores of all rows at once: many
 * candidates mean many duplicates of a vector. */
enum { MAX_SINGLE_ROWS = 3 };

/* A query that scans blocks. */
struct block_scan {
	struct int8_query int8;
	float *unit, *scratch; /* d each */
	float *packed; /* d x TILE_QUERIES: the query as the first of a tile */
	float thresholds[TILE_QUERIES];
	size_t self;
};

static void block_scan_begin(struct block_scan *block_scan,
			     const struct ivf_job *job, size_t query)
{
	size_t d = job->index->d;

	block_scan->unit = alloc((2 + TILE_QUERIES) * d, sizeof(float));
	block_scan->scratch = block_scan->unit + d;
	block_scan->packed = block_scan->scratch + d;
	block_scan->self = job->queries[query].self;
	dot_scale(block_scan->unit, job->queries[query].vector, d,
		  job->factors[query]);
	dot_pack_query(block_scan->packed, 0, block_scan->unit, d);
	for (size_t i = 1; i < TILE_QUERIES; i++)
		block_scan->thresholds[i] = INFINITY;
	int8_query_begin(&block_scan->int8, d);
	int8_query_set(&block_scan->int8, block_scan->unit, d);
}

static void block_scan_end(struct block_scan *block_scan)
{
	int8_query_end(&block_scan->int8);
	free(block_scan->unit);
}

/* Push the candidates of a block. */
static void push_candidates(struct ivf_job *job, struct block_scan *block_scan,
			    struct topk *list, size_t block,
			    uint64_t candidates)
{
	size_t d = job->index->d, place = block * TILE_ROWS;
	_Alignas(64) float scores[TILE_QUERIES * TILE_ROWS];
	uint64_t above[TILE_QUERIES] = {candidates};
	bool whole_block = __builtin_popcountll(candidates) > MAX_SINGLE_ROWS;

	if (whole_block) {
		block_scan->thresholds[0] = score_below(
			METRIC_EMBEDDING, ivf_job_threshold(job, list));
		job->filter.kernel->score_tile(
			block_scan->packed, job->index->units + place * d, d,
			block_scan->thresholds, NULL, scores, above);
	}
	for (candidates &= above[0]; candidates != 0;
	     candidates &= candidates - 1) {
		unsigned r = (unsigned)__builtin_ctzll(candidates);
		size_t row = ivf_job_row(job, place + r, block_scan->self);

		if (row == ROW_NONE)
			continue;
		if (whole_block)
			topk_push(list, METRIC_EMBEDDING, scores[r],
				  (uint32_t)row);
		else
			ivf_job_push(job, list, block_scan->unit, row,
				     block_scan->scratch);
	}
}

static void scan_blocks(struct ivf_job *job, struct block_scan *block_scan,
			struct topk *list, size_t first, size_t end)
{
	const struct ivf_index *index = job->index;
	size_t size = int8_block_bytes(index->d);

	for (size_t block = first; block < end; block++) {
		size_t place = block * TILE_ROWS;
		uint64_t above = job->bounds->mask_query(
			&block_scan->int8, index->codes + block * size,
			index->scales + place, index->residuals + place,
			ivf_job_threshold(job, list));

		if (above != 0)
			push_candidates(job, block_scan, list, block, above);
	}
}

/* An exact scan of all blocks; pieces are numbered query after query. */
struct full_scan {
	struct ivf_job *job;
	size_t pieces; /* of each query */
	struct topk *lists;
};

static void full_scan_piece(void *shared, size_t piece, unsigned thread)
{
	struct full_scan *full_scan = shared;
	struct ivf_job *job = full_scan->job;
	size_t query = piece / full_scan->pieces;
	size_t first = piece % full_scan->pieces * PIECE_BLOCKS;
	size_t end = first + PIECE_BLOCKS;
	size_t limit = job->lists[query].limit;
	struct block_scan block_scan;

	(void)thread;
	if (limit > PIECE_BLOCKS * TILE_ROWS)
		limit = PIECE_BLOCKS * TILE_ROWS;
	topk_begin(&full_scan->lists[piece], limit, job->search->min_score);
	if (job->factors[query] == 0)
		return;
	block_scan_begin(&block_scan, job, query);
	scan_blocks(job, &block_scan, &full_scan->lists[piece], first,
		    end < job->index->blocks ? end : job->index->blocks);
	block_scan_end(&block_scan);
}

/* Scan all blocks. */
void ivf_scan_all(struct ivf_job *job)
{
	struct full_scan full_scan = {.job = job};
	size_t pieces;

	ivf_job_begin_lists(job, 0, job->count);
	full_scan.pieces =
		(job->index->blocks + PIECE_BLOCKS - 1) / PIECE_BLOCKS;
	pieces = alloc_product(full_scan.pieces, job->count);
	full_scan.lists = alloc(pieces, sizeof *full_scan.lists);
	thread_pool_run(job->search->threads, pieces, full_scan_piece,
			&full_scan);
	for (size_t i = 0; i < pieces; i++)
		topk_merge(&job->lists[i / full_scan.pieces],
			   &full_scan.lists[i]);
	free(full_scan.lists);
	progress_add(job->count);
}

/* Scan the cells of a query. */
static void scan_query_cells(void *shared, size_t query, unsigned thread)
{
	struct ivf_job *job = shared;
	struct block_scan block_scan;

	(void)thread;
	progress_add(1);
	if (job->factors[query] == 0)
		return;
	block_scan_begin(&block_scan, job, query);
	for (size_t i = 0; i < job->cell_counts[query]; i++) {
		size_t cell = job->cells[query][i];

		scan_blocks(job, &block_scan, &job->lists[query],
			    (size_t)job->index->starts[cell],
			    (size_t)job->index->starts[cell + 1]);
	}
	block_scan_end(&block_scan);
}

void ivf_scan_cells(struct ivf_job *job)
{
	ivf_job_begin_lists(job, 0, job->count);
	thread_pool_run(job->search->threads, job->count, scan_query_cells,
			job);
}
