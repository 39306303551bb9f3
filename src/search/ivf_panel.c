#include "search/ivf_panel.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/progress.h"
#include "base/thread_pool.h"
#include "search/filter_refine.h"

/* Bounds of the number of queries that scan cells together. */
enum { MIN_PANEL = 96, MAX_PANEL = 4096 };

/* The nearest cell of a query plus 1; 0 if it scans none. */
static size_t first_cell(const struct ivf_job *job, size_t query)
{
	return job->cell_counts[query] ? job->cells[query][0] + 1 : 0;
}

/* Order the queries by their nearest cells (counting sort), so that queries of
 * one panel scan many of the same cells. */
static void order_queries(struct ivf_job *job)
{
	size_t count = job->index->cells + 1;
	size_t *starts = alloc(count + 1, sizeof *starts);

	job->order = alloc(job->count, sizeof *job->order);
	for (size_t q = 0; q < job->count; q++)
		starts[first_cell(job, q) + 1]++;
	for (size_t cell = 0; cell < count; cell++)
		starts[cell + 1] += starts[cell];
	for (size_t q = 0; q < job->count; q++)
		job->order[starts[first_cell(job, q)]++] = (uint32_t)q;
	free(starts);
}

/* The queries of a panel that scan each cell, cell after cell, as places in
 * job->order. */
struct cell_queries {
	size_t *starts; /* cells + 1 */
	uint32_t *places;
};

/* For the places first to end - 1, the cells of ranks from to to - 1 by
 * nearness. */
static struct cell_queries cell_queries_make(const struct ivf_job *job,
					     size_t first, size_t end,
					     size_t from, size_t to)
{
	size_t cells = job->index->cells;
	struct cell_queries cell_queries = {
		.starts = alloc(cells + 2, sizeof(size_t))};
	size_t *next = cell_queries.starts + 1;

	for (size_t p = first; p < end; p++) {
		size_t q = job->order[p];

		for (size_t i = from; i < job->cell_counts[q] && i < to; i++)
			next[job->cells[q][i] + 1]++;
	}
	for (size_t cell = 0; cell < cells; cell++)
		next[cell + 1] += next[cell];
	cell_queries.places = alloc(next[cells], sizeof *cell_queries.places);
	for (size_t p = first; p < end; p++) {
		size_t q = job->order[p];

		for (size_t i = from; i < job->cell_counts[q] && i < to; i++)
			cell_queries.places[next[job->cells[q][i]]++] =
				(uint32_t)p;
	}
	return cell_queries;
}

/* Working memory of a thread: its queries, and the panel of those that scan the
 * current cell. */
struct worker {
	struct ivf_job *job;
	struct query_batch batch; /* of the places from first on */
	struct panel panel;
	size_t first, block;
	const uint32_t *places; /* of the panel's queries */
};

/* The threshold of the query at a place: rows are pushed in no order, so an
 * equal score may still enter. */
static float list_threshold(const struct ivf_job *job, size_t place)
{
	float threshold = score_below(
		METRIC_EMBEDDING, ivf_job_threshold(job, &job->lists[place]));

	return threshold > job->thresholds[place] ? threshold
						  : job->thresholds[place];
}

static void push_place(void *shared, size_t at, size_t place, float score)
{
	struct worker *worker = shared;
	struct ivf_job *job = worker->job;
	size_t query = job->order[worker->places[at]];
	size_t row = ivf_job_row(job, worker->block * TILE_ROWS + place,
				 job->queries[query].self);

	if (row == ROW_NONE)
		return;
	topk_push(&job->lists[worker->places[at]], METRIC_EMBEDDING, score,
		  (uint32_t)row);
	float threshold = list_threshold(job, worker->places[at]);
	if (threshold > worker->panel.thresholds[at])
		worker->panel.thresholds[at] = threshold;
}

static struct row_block block_at(const struct ivf_index *index, size_t block)
{
	size_t place = block * TILE_ROWS;

	return (struct row_block){
		.packed = index->units + place * index->d,
		.codes = index->codes + block * int8_block_bytes(index->d),
		.scales = index->scales + place,
		.residuals = index->residuals + place,
	};
}

/* The places of a block whose rows may be results. */
static uint64_t allowed_places(struct ivf_job *job, size_t block)
{
	uint64_t rows = 0;

	for (size_t r = 0; r < TILE_ROWS; r++)
		rows |= (uint64_t)(ivf_job_row(job, block * TILE_ROWS + r,
					       ROW_NONE) != ROW_NONE)
			<< r;
	return rows;
}

/* Score count blocks. first_run: most of the lists are empty, so that
 * thresholds may be raised by the run. */
static void score_run(struct worker *worker, size_t groups, size_t count,
		      bool first_run)
{
	struct ivf_job *job = worker->job;
	struct row_block blocks[FILTER_RUN_BLOCKS];
	uint64_t rows[FILTER_RUN_BLOCKS];
	struct block_run run = {.blocks = blocks, .count = count};

	for (size_t b = 0; b < count; b++)
		blocks[b] = block_at(job->index, worker->block + b);
	if (first_run && !job->search->count_matching) {
		for (size_t b = 0; b < count; b++)
			rows[b] = allowed_places(job, worker->block + b);
		run.rows = rows;
		/* One of the rows counted may be the query itself. */
		run.k = job->search->limit + 1;
	}
	panel_score(&worker->panel, groups, &run, NULL, push_place, worker);
}

static void scan_cell(struct worker *worker, size_t cell,
		      const uint32_t *places, size_t count, bool first_run)
{
	const struct ivf_job *job = worker->job;
	size_t groups = (count + TILE_QUERIES - 1) / TILE_QUERIES;
	size_t end = (size_t)job->index->starts[cell + 1], run;

	worker->places = places;
	for (size_t i = 0; i < groups * TILE_QUERIES; i++) {
		if (i >= count) {
			panel_set_query(&worker->panel, i,
					(struct panel_query){NULL, NULL});
			continue;
		}
		panel_set_query(&worker->panel, i,
				worker->batch.each[places[i] - worker->first]);
		worker->panel.thresholds[i] = list_threshold(job, places[i]);
	}
	for (worker->block = (size_t)job->index->starts[cell];
	     worker->block < end; worker->block += run) {
		run = end - worker->block < FILTER_RUN_BLOCKS
			      ? end - worker->block
			      : FILTER_RUN_BLOCKS;
		score_run(worker, groups, run, first_run);
		first_run = false;
	}
	for (size_t i = 0; i < count; i++)
		job->thresholds[places[i]] = worker->panel.thresholds[i];
}

static void scan_ranks(struct worker *worker, size_t end, size_t from,
		       size_t to)
{
	struct cell_queries cell_queries =
		cell_queries_make(worker->job, worker->first, end, from, to);

	for (size_t cell = 0; cell < worker->job->index->cells; cell++) {
		size_t begin = cell_queries.starts[cell];

		if (cell_queries.starts[cell + 1] > begin)
			scan_cell(worker, cell, cell_queries.places + begin,
				  cell_queries.starts[cell + 1] - begin,
				  from == 0);
	}
	free(cell_queries.starts);
	free(cell_queries.places);
}

/* The nearest cells are scanned first: they raise the thresholds for the
 * others. */
static void scan_panel(void *shared, size_t piece, unsigned thread)
{
	struct ivf_job *job = shared;
	size_t first = piece * job->panel, end = first + job->panel;
	struct worker worker = {.job = job, .first = first};

	(void)thread;
	if (end > job->count)
		end = job->count;
	ivf_job_begin_lists(job, first, end);
	query_batch_begin(&worker.batch, &job->filter, end - first);
	panel_begin(&worker.panel, &job->filter, end - first);
	for (size_t p = first; p < end; p++) {
		size_t q = job->order[p];

		job->thresholds[p] = -INFINITY;
		query_batch_put(&worker.batch, p - first,
				job->queries[q].vector, job->factors[q]);
	}
	scan_ranks(&worker, end, 0, 1);
	scan_ranks(&worker, end, 1, job->index->cells);
	query_batch_end(&worker.batch);
	panel_end(&worker.panel);
	progress_add(end - first);
}

void ivf_panel_cells(struct ivf_job *job)
{
	unsigned threads = job->search->threads;
	size_t panel = job->count / (2 * (size_t)threads) + 1;

	order_queries(job);
	job->thresholds = alloc(job->count, sizeof *job->thresholds);
	job->panel = panel < MIN_PANEL   ? MIN_PANEL
		     : panel > MAX_PANEL ? MAX_PANEL
					 : panel;
	thread_pool_run(threads, (job->count + job->panel - 1) / job->panel,
			scan_panel, job);
}
