#include "search/exact_panel.h"

#include <stdatomic.h>

#include "search/filter_refine.h"

/* A panel of queries that is scored against a range of rows. */
struct panel_scan {
	struct exact_job *job;
	struct query_batch batch;
	struct panel panel;
	struct packed_block rows[FILTER_RUN_BLOCKS];
	struct topk *lists; /* of the panel's queries */
	const struct search_query *queries;
	size_t block; /* the first row of the current block */
};

static void push_row(void *shared, size_t query, size_t row, float score)
{
	struct panel_scan *panel_scan = shared;
	const struct search_options *search = panel_scan->job->search;
	struct topk *list = &panel_scan->lists[query];

	if (panel_scan->block + row !=
	    exact_job_skipped(search, panel_scan->queries[query].self))
		topk_push(list, search->metric, score,
			  (uint32_t)(panel_scan->block + row));
	if (exact_job_threshold(panel_scan->job, list) >
	    panel_scan->panel.thresholds[query])
		panel_scan->panel.thresholds[query] =
			exact_job_threshold(panel_scan->job, list);
}

/* Make the threshold reached in one range known to the others of the query. */
static void raise_shared_threshold(struct exact_job *job, size_t query,
				   const struct topk *list)
{
	const struct search_options *search = job->search;
	_Atomic float *threshold = &job->thresholds[query];
	float old = *threshold, new;

	if (search->count_matching || list->limit < search->limit)
		return;
	new = score_below(search->metric, list->threshold);
	while (new > old)
		if (atomic_compare_exchange_weak(threshold, &old, new))
			return;
}

static void panel_scan_begin(struct panel_scan *panel_scan,
			     struct exact_job *job, size_t first, size_t count)
{
	query_batch_begin(&panel_scan->batch, &job->filter, count);
	panel_begin(&panel_scan->panel, &job->filter, count);
	for (size_t i = 0; i < count; i++) {
		double factor = job->factors[first + i];

		query_batch_put(&panel_scan->batch, i,
				job->queries[first + i].vector, factor);
		panel_set_query(&panel_scan->panel, i,
				panel_scan->batch.each[i]);
		if (factor != 0)
			panel_scan->panel.thresholds[i] =
				job->thresholds[first + i];
	}
}

static void panel_scan_end(struct panel_scan *panel_scan)
{
	query_batch_end(&panel_scan->batch);
	panel_end(&panel_scan->panel);
	for (size_t b = 0; b < FILTER_RUN_BLOCKS; b++)
		packed_block_end(&panel_scan->rows[b]);
}

/* Score the next count blocks, up to row end. first_run: the lists are empty,
 * so that thresholds may be raised by the run. */
static void score_run(struct panel_scan *panel_scan, size_t end, size_t count,
		      bool first_run)
{
	const struct exact_job *job = panel_scan->job;
	struct row_block blocks[FILTER_RUN_BLOCKS];
	uint64_t rows[FILTER_RUN_BLOCKS];
	const struct block_run run = {
		.blocks = blocks,
		.count = count,
		.rows = first_run ? rows : NULL,
		.k = job->search->limit + job->self_answers,
	};

	for (size_t b = 0; b < count; b++) {
		struct packed_block *packed = &panel_scan->rows[b];

		if (packed->filter == NULL)
			packed_block_begin(packed, &job->filter);
		rows[b] = packed_block_fill(
			packed, job->search->rows, job->row_factors,
			panel_scan->block + b * TILE_ROWS, end);
		blocks[b] = packed->block;
	}
	panel_score(&panel_scan->panel, panel_scan->panel.group_count, &run,
		    NULL, push_row, panel_scan);
	panel_scan->block += count * TILE_ROWS;
}

void exact_panel_score(struct exact_job *job, size_t first, size_t count,
		       size_t range, size_t begin, size_t end)
{
	const struct search_options *search = job->search;
	struct panel_scan panel_scan = {
		.job = job,
		.lists = job->lists + range * job->count + first,
		.queries = job->queries + first,
		.block = begin,
	};
	size_t run = (end - begin + TILE_ROWS - 1) / TILE_ROWS;
	size_t most = filter_run_length(&job->filter);

	panel_scan_begin(&panel_scan, job, first, count);
	/* Scoring several blocks together evicts the panel from the cache; it
	 * pays only while lists are empty and no earlier range has raised a
	 * threshold. */
	if (search->metric == METRIC_EMBEDDING && !search->count_matching &&
	    panel_scan.panel.thresholds[0] == job->threshold)
		score_run(&panel_scan, end, run < most ? run : most, true);
	while (panel_scan.block < end)
		score_run(&panel_scan, end, 1, false);
	panel_scan_end(&panel_scan);
	for (size_t i = 0; i < count; i++)
		raise_shared_threshold(job, first + i, &panel_scan.lists[i]);
}
