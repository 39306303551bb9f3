#include "search/ivf_index.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bitset.h"
#include "search/filter_refine.h"
#include "search/kmeans.h"
#include "base/errors.h"
#include "base/number.h"
#include "base/progress.h"
#include "search/coarse_quantizer.h"
#include "base/thread_pool.h"

enum {
	/* Blocks of a piece, where one query looks at all. */
	PIECE_BLOCKS = 1024,
	/* Queries that go through the cells together, at least and at most. */
	MIN_PANEL = 96,
	MAX_PANEL = 4096
};

/* ------------------------------------------------------------------- view */

bool ivf_index_exists(const struct model *model)
{
	return safetensors_find(&model->file, "index.embedding") != NULL;
}

/* Cells follow one another. */
static const char *check_starts(const struct ivf_index *index)
{
	bool fine = index->starts[0] == 0 &&
		    index->starts[index->cells] == (int64_t)index->blocks;

	for (size_t cell = 0; fine && cell < index->cells; cell++)
		fine = index->starts[cell] <= index->starts[cell + 1];
	return fine ? NULL : "tensor index.starts is damaged";
}

/* A tensor of the index, of that shape. */
static const char *view(const struct model *model, const char *name,
			enum dtype type, unsigned dims, size_t rows,
			size_t columns, void *place)
{
	const struct tensor *tensor;
	const char *error = safetensors_need(&model->file, name, type, dims,
					     rows, columns, &tensor);

	if (error == NULL)
		memcpy(place, &tensor->bytes, sizeof tensor->bytes);
	return error;
}

static const char *view_sizes(struct ivf_index *index,
			      const struct model *model)
{
	const struct tensor *centroids, *rows;
	const char *signal = safetensors_option(&model->file, "index.signal");
	int64_t number;
	const char *error =
		safetensors_need(&model->file, "index.centroids", DTYPE_F32, 2,
				 UINT64_MAX, model->k, &centroids);

	if (error == NULL)
		error = safetensors_need(&model->file, "index.rows", DTYPE_I32,
					 1, UINT64_MAX, 1, &rows);
	if (error != NULL)
		return error;
	if (centroids->shape[0] == 0 || rows->shape[0] % TILE_ROWS != 0)
		return "its index has no cells, or a block that is not whole";
	if (model->k > INT8_MAX_COLUMNS)
		return "its index has more dimensions than there can be";
	if (signal == NULL ||
	    !number_integer(signal, 0, (int64_t)model->matrix.n, &number))
		return "its metadata have no index.signal";
	index->nonzero = (size_t)number;
	index->cells = centroids->shape[0];
	index->blocks = rows->shape[0] / TILE_ROWS;
	return NULL;
}

static const char *check_embedding(const struct model *model)
{
	const struct tensor *tensor;
	unsigned char sum[8];
	const char *error =
		safetensors_need(&model->file, "index.embedding", DTYPE_U8, 1,
				 sizeof sum, 1, &tensor);

	if (error != NULL)
		return error;
	safetensors_sum(&model->file,
			safetensors_find(&model->file, "embedding"), sum);
	if (memcmp(tensor->bytes, sum, sizeof sum) != 0)
		return "its index is of another embedding: make it anew by "
		       "cs-index";
	return NULL;
}

const char *ivf_index_view(struct ivf_index *index, const struct model *model)
{
	const char *error = check_embedding(model);

	*index = (struct ivf_index){.n = model->matrix.n,
				    .d = model->k,
				    .rows_of = model->embedding};
	if (error == NULL)
		error = view_sizes(index, model);
	if (error != NULL)
		return error;
	size_t blocks = index->blocks, places = blocks * TILE_ROWS;
	size_t cells = index->cells, d = index->d;
	const struct {
		const char *name;
		enum dtype type;
		unsigned dims;
		size_t rows, columns;
		void *place;
	} tensors[] = {
		{"index.centroids", DTYPE_F32, 2, cells, d, &index->centroids},
		{"index.starts", DTYPE_I64, 1, cells + 1, 1, &index->starts},
		{"index.rows", DTYPE_I32, 1, places, 1, &index->rows},
		{"index.codes", DTYPE_U8, 2, blocks, int8_block_bytes(d),
		 &index->codes},
		{"index.scales", DTYPE_F32, 1, places, 1, &index->scales},
		{"index.residuals", DTYPE_F32, 1, places, 1, &index->residuals},
		{"index.units", DTYPE_F32, 2, blocks, d * TILE_ROWS,
		 &index->units},
		{"index.recall", DTYPE_F64, 2, cells, 2, &index->recall},
	};

	for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++) {
		error = view(model, tensors[i].name, tensors[i].type,
			     tensors[i].dims, tensors[i].rows,
			     tensors[i].columns, tensors[i].place);
		if (error != NULL)
			return error;
	}
	return check_starts(index);
}

size_t ivf_index_probes(const struct ivf_index *index, double recall)
{
	size_t probes = 1;

	while (probes < index->cells &&
	       !(index->recall[(probes - 1) * 2] >= recall))
		probes++;
	return probes;
}

/* ----------------------------------------------------------------- search */

struct ivf_job {
	const struct ivf_index *index;
	const struct exact_search *search;
	const struct search_query *queries;
	size_t count;
	struct search_result *results;
	struct filter_refine filter;      /* of many queries */
	const struct int8_kernel *bounds; /* of few */
	double *factors;     /* count: unit = vector * factor; 0: all zeros */
	struct topk *lists;  /* of each query, or place in the order */
	uint32_t **cells;    /* of each query: cells to look at; NULL: all */
	size_t *cell_counts; /* how many */
	uint32_t *order;     /* queries by their nearest cell */
	float *thresholds; /* of each place: a score must be above, by bytes */
	size_t *allowed_counts; /* of each cell: customers that are allowed */
	const size_t *counts;   /* the same, maybe of several indexes */
	size_t all_eligible;
	size_t panel;
	_Atomic size_t bad_row; /* a row that is damaged */
	_Atomic bool bad_place; /* a place has a row that there is not */
};

static bool is_allowed(const struct exact_search *search, size_t row)
{
	return search->allowed == NULL || bitset_test(search->allowed, row);
}

/* The row at a place, or ROW_NONE: there is none that may be an answer. */
static size_t row_at(struct ivf_job *job, size_t place, size_t self)
{
	int32_t row = job->index->rows[place];

	if (row < 0 || (size_t)row == self)
		return ROW_NONE;
	if ((size_t)row >= job->index->n) {
		job->bad_place = true;
		return ROW_NONE;
	}
	return is_allowed(job->search, (size_t)row) ? (size_t)row : ROW_NONE;
}

/* Offer a row with its exact score. */
static void push_row(struct ivf_job *job, struct topk *list, const float *unit,
		     size_t row, float *scratch)
{
	size_t d = job->index->d;
	const float *vector = job->index->rows_of + row * d;
	double square = dot_square_norm(vector, d);

	if (!isfinite(square) || square == 0) {
		job->bad_row = row;
		return;
	}
	dot_scale(scratch, vector, d, 1 / sqrt(square));
	topk_push(list, METRIC_COSINE,
		  job->filter.kernel->exact_pair(unit, scratch, d),
		  (uint32_t)row);
}

static void begin_lists(struct ivf_job *job, size_t first, size_t end)
{
	size_t limit = job->search->limit;

	if (limit > job->index->n)
		limit = job->index->n;
	for (size_t i = first; i < end; i++)
		topk_begin(&job->lists[i], limit, job->search->min_score);
}

/* What a score must have to be of use. */
static float threshold_of(const struct ivf_job *job, const struct topk *list)
{
	float least = (float)job->search->min_score;
	float bar = job->search->count_matching ? -INFINITY : list->threshold;

	if ((double)least > job->search->min_score)
		least = nextafterf(least, -INFINITY);
	return bar > least ? bar : least;
}

/* ------------------------------------------------------------ one by one */

/* Of a block that has more rows than so many candidates, all scores are worked
 * out at once: copies of a customer are many where there are some. */
enum { MAX_SINGLE_ROWS = 3 };

/* A query that goes through blocks. */
struct block_scan {
	struct int8_query int8;
	float *unit, *scratch; /* d each */
	float *packed;         /* the query as the first of a tile's */
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

/* Offer those of a block that are candidates. */
static void push_candidates(struct ivf_job *job, struct block_scan *block_scan,
			    struct topk *list, size_t block,
			    uint64_t candidates)
{
	size_t d = job->index->d, place = block * TILE_ROWS;
	_Alignas(64) float scores[TILE_QUERIES * TILE_ROWS];
	uint64_t above[TILE_QUERIES] = {candidates};
	bool whole_block = __builtin_popcountll(candidates) > MAX_SINGLE_ROWS;

	if (whole_block) {
		block_scan->thresholds[0] =
			score_below(METRIC_COSINE, threshold_of(job, list));
		job->filter.kernel->score_tile(
			block_scan->packed, job->index->units + place * d, d,
			block_scan->thresholds, NULL, scores, above);
	}
	for (candidates &= above[0]; candidates != 0;
	     candidates &= candidates - 1) {
		unsigned r = (unsigned)__builtin_ctzll(candidates);
		size_t row = row_at(job, place + r, block_scan->self);

		if (row == ROW_NONE)
			continue;
		if (whole_block)
			topk_push(list, METRIC_COSINE, scores[r],
				  (uint32_t)row);
		else
			push_row(job, list, block_scan->unit, row,
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
			threshold_of(job, list));

		if (above != 0)
			push_candidates(job, block_scan, list, block, above);
	}
}

/* Part of all blocks, for one query: pieces are query after query. */
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

/* Look at all customers, exactly. */
static void scan_all(struct ivf_job *job)
{
	struct full_scan full_scan = {.job = job};
	size_t pieces;

	begin_lists(job, 0, job->count);
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

/* The cells of one query. */
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

/* ----------------------------------------------------------- cell by cell */

/* One more than a query's nearest cell; 0: it looks at none. */
static size_t first_cell(const struct ivf_job *job, size_t query)
{
	return job->cell_counts[query] ? job->cells[query][0] + 1 : 0;
}

/* The queries in the order of their nearest cells, so that many of those that
 * go together look at the same. */
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

/* Who asks for each cell: queries of a panel by their places in the order,
 * cell after cell. */
struct cell_queries {
	size_t *starts; /* cells + 1 */
	uint32_t *places;
};

/* Of the queries at the places from first to end - 1 the cells from the
 * from-th to the to-th, less one, in their order of nearness. */
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

/* A thread's queries, and those of them that are at a cell. */
struct worker {
	struct ivf_job *job;
	struct query_batch batch; /* those from the first place on */
	struct panel panel;
	size_t first, block;
	const uint32_t *places; /* of the panel's queries */
};

/* A score of the query at a place must be above: those equal to the bar may
 * enter. */
static float list_threshold(const struct ivf_job *job, size_t place)
{
	float least = score_below(METRIC_COSINE,
				  threshold_of(job, &job->lists[place]));

	return least > job->thresholds[place] ? least : job->thresholds[place];
}

static void push_place(void *shared, size_t at, size_t place, float score)
{
	struct worker *worker = shared;
	struct ivf_job *job = worker->job;
	size_t query = job->order[worker->places[at]];
	size_t row = row_at(job, worker->block * TILE_ROWS + place,
			    job->queries[query].self);

	if (row == ROW_NONE)
		return;
	topk_push(&job->lists[worker->places[at]], METRIC_COSINE, score,
		  (uint32_t)row);
	float least = list_threshold(job, worker->places[at]);
	if (least > worker->panel.thresholds[at])
		worker->panel.thresholds[at] = least;
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

/* The places of a block that may be answers. */
static uint64_t allowed_places(struct ivf_job *job, size_t block)
{
	uint64_t rows = 0;

	for (size_t r = 0; r < TILE_ROWS; r++)
		rows |= (uint64_t)(row_at(job, block * TILE_ROWS + r,
					  ROW_NONE) != ROW_NONE)
			<< r;
	return rows;
}

/* Meet up to FILTER_RUN_BLOCKS blocks of a cell; first_run: most of the queries
 * have results nothing yet. */
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
		/* One of those that count may be the query. */
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

/* Each query's nearest cell comes first: what is results there leaves little of
 * the others. */
static void scan_panel(void *shared, size_t piece, unsigned thread)
{
	struct ivf_job *job = shared;
	size_t first = piece * job->panel, end = first + job->panel;
	struct worker worker = {.job = job, .first = first};

	(void)thread;
	if (end > job->count)
		end = job->count;
	begin_lists(job, first, end);
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

/* ------------------------------------------------------- cells of a query */

/* How many places from at on are filled_places, before those candidates over.
 */
static size_t filled_places(const struct ivf_index *index, size_t at)
{
	size_t low = 0, high = TILE_ROWS;

	while (low < high) {
		size_t middle = (low + high) / 2;
		if (index->rows[at + middle] >= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Only the last block of a cell has places candidates over. */
void ivf_index_count(const struct ivf_index *index, const uint64_t *allowed,
		     size_t *counts)
{
	const struct exact_search search = {.allowed = allowed};

	for (size_t cell = 0; cell < index->cells; cell++) {
		size_t at = (size_t)index->starts[cell] * TILE_ROWS;
		size_t end = (size_t)index->starts[cell + 1] * TILE_ROWS;

		if (allowed == NULL && end > at) {
			counts[cell] += end - at - TILE_ROWS +
					filled_places(index, end - TILE_ROWS);
			continue;
		}
		for (; at < end; at++) {
			int32_t row = index->rows[at];

			counts[cell] += row >= 0 && (size_t)row < index->n &&
					is_allowed(&search, (size_t)row);
		}
	}
}

/* Count who may be an answer; where cells are looked at, keep how many of each
 * may, unless the caller has said. */
static void count_eligible(struct ivf_job *job, const size_t *counts)
{
	const struct ivf_index *index = job->index;
	size_t *own = alloc(index->cells, sizeof *own);

	ivf_index_count(index, job->search->allowed, own);
	job->all_eligible = 0;
	for (size_t cell = 0; cell < index->cells; cell++)
		job->all_eligible += own[cell];
	job->allowed_counts = own;
	job->counts = counts ? counts : own;
}

/* Queries whose cells are chosen in one piece, in whole tiles. */
enum { CHOICE_QUERIES = 32 * TILE_QUERIES };

/* A cell_choice of cells for all queries. */
struct cell_choice {
	struct ivf_job *job;
	struct coarse_quantizer quantizer;
	size_t probes;
};

/* How many of the first cells, all of them or the nearest probes, have what is
 * wanted; more than there are where these have less. */
static size_t cells_needed(const struct ivf_job *job, const uint32_t *cells,
			   size_t count, size_t probes)
{
	/* One of those counted may be the query. */
	size_t wanted = job->search->limit + 1, seen = 0, needed = 0;

	for (; needed < probes || seen < wanted; needed++) {
		if (needed == count)
			return count + 1;
		seen += job->counts[cells[needed]];
	}
	return needed;
}

/* Keep the cells of a query, which has its place in the query_tile's tile: as
 * many as there are probes, and where those have too few customers, more. */
static void set_cells(const struct cell_choice *cell_choice,
		      struct coarse_query *query_tile, size_t i, size_t query,
		      uint32_t *cells)
{
	struct ivf_job *job = cell_choice->job;
	size_t count =
		coarse_query_take(query_tile, i, cell_choice->probes, cells);
	size_t needed = cells_needed(job, cells, count, cell_choice->probes);

	if (needed > count && count == cell_choice->probes) {
		count = coarse_query_take(query_tile, i, job->index->cells,
					  cells);
		needed = cells_needed(job, cells, count, cell_choice->probes);
	}
	if (needed < count)
		count = needed;
	job->cell_counts[query] = count;
	job->cells[query] = alloc(count, sizeof **job->cells);
	memcpy(job->cells[query], cells, count * sizeof *cells);
}

static void choose_piece(void *shared, size_t piece, unsigned thread)
{
	const struct cell_choice *cell_choice = shared;
	struct ivf_job *job = cell_choice->job;
	size_t first = piece * CHOICE_QUERIES, end = first + CHOICE_QUERIES;
	uint32_t *cells = alloc(job->index->cells, sizeof *cells);
	struct coarse_query query_tile;

	(void)thread;
	if (end > job->count)
		end = job->count;
	coarse_query_begin(&query_tile, &cell_choice->quantizer);
	for (size_t q = first; q < end; q += TILE_QUERIES) {
		size_t count = end - q < TILE_QUERIES ? end - q : TILE_QUERIES;

		for (size_t i = 0; i < TILE_QUERIES; i++)
			coarse_query_put(&query_tile, i,
					 i < count ? job->queries[q + i].vector
						   : NULL,
					 i < count ? job->factors[q + i] : 0);
		coarse_query_score(&query_tile);
		for (size_t i = 0; i < count; i++)
			set_cells(cell_choice, &query_tile, i, q + i, cells);
	}
	coarse_query_end(&query_tile);
	free(cells);
}

/* Choose the cells of each query, the nearest first; none for one of zeros. */
static const char *choose_cells(struct ivf_job *job, size_t probes)
{
	const struct ivf_index *index = job->index;
	struct cell_choice cell_choice = {.job = job, .probes = probes};

	if (probes > index->cells)
		cell_choice.probes = index->cells;
	if (!coarse_quantizer_begin(&cell_choice.quantizer, index->centroids,
				    index->cells, index->d, job->filter.kernel))
		return "tensor index.centroids is damaged";
	thread_pool_run(job->search->threads,
			(job->count + CHOICE_QUERIES - 1) / CHOICE_QUERIES,
			choose_piece, &cell_choice);
	coarse_quantizer_end(&cell_choice.quantizer);
	return NULL;
}

/* -------------------------------------------------------------- the whole */

static const char *prepare_queries(struct ivf_job *job)
{
	for (size_t q = 0; q < job->count; q++) {
		double square =
			dot_square_norm(job->queries[q].vector, job->index->d);

		if (!isfinite(square))
			return "a query's vector is not finite";
		job->factors[q] = square == 0 ? 0 : 1 / sqrt(square);
		job->results[q].zero = square == 0;
	}
	return NULL;
}

/* A customer is like itself by definition. */
static void finish_query(struct ivf_job *job, size_t place)
{
	size_t query = job->order ? job->order[place] : place;
	struct search_result *results = &job->results[query];
	struct topk *list = &job->lists[place];
	size_t self = job->queries[query].self;
	bool own = self != ROW_NONE && !results->zero &&
		   is_allowed(job->search, self);

	if (own && job->search->with_self)
		topk_push(list, METRIC_COSINE, 1, (uint32_t)self);
	results->hits = topk_finish(list);
	results->count = list->count;
	results->matching = list->matching;
	results->candidates =
		results->zero
			? 0
			: job->all_eligible - (own && !job->search->with_self);
}

static void search_cells(struct ivf_job *job)
{
	unsigned threads = job->search->threads;
	size_t panel = job->count / (2 * (size_t)threads) + 1;

	if (job->count <= IVF_INDEX_MIN_ROWS) {
		begin_lists(job, 0, job->count);
		thread_pool_run(threads, job->count, scan_query_cells, job);
		return;
	}
	order_queries(job);
	job->thresholds = alloc(job->count, sizeof *job->thresholds);
	job->panel = panel < MIN_PANEL   ? MIN_PANEL
		     : panel > MAX_PANEL ? MAX_PANEL
					 : panel;
	thread_pool_run(threads, (job->count + job->panel - 1) / job->panel,
			scan_panel, job);
}

static void free_job(struct ivf_job *job)
{
	for (size_t q = 0; job->cells != NULL && q < job->count; q++)
		free(job->cells[q]);
	free(job->cells);
	free(job->cell_counts);
	free(job->order);
	free(job->thresholds);
	free(job->allowed_counts);
	free(job->factors);
	free(job->lists);
}

const char *ivf_index_search(const struct ivf_index *index,
			     const struct exact_search *search,
			     const struct search_query *queries, size_t count,
			     size_t probes, const size_t *counts,
			     struct search_result *results, size_t *zeros)
{
	struct ivf_job job = {
		.index = index,
		.search = search,
		.queries = queries,
		.count = count,
		.results = results,
		.filter = exact_search_filter(search, count / index->cells),
		.bounds = index->bounds ? index->bounds : int8_kernel_best(),
		.factors = alloc(count, sizeof *job.factors),
		.lists = alloc(count, sizeof *job.lists),
		.bad_row = ROW_NONE,
		.all_eligible = index->nonzero,
	};
	const char *error;

	memset(results, 0, count * sizeof *results);
	*zeros = index->n - index->nonzero;
	error = prepare_queries(&job);
	if (error == NULL && (search->allowed != NULL || probes > 0))
		count_eligible(&job, counts);
	if (error == NULL && probes > 0) {
		job.cells = alloc(count, sizeof *job.cells);
		job.cell_counts = alloc(count, sizeof *job.cell_counts);
		error = choose_cells(&job, probes);
	}
	if (error == NULL && probes > 0)
		search_cells(&job);
	else if (error == NULL)
		scan_all(&job);
	if (error == NULL && job.bad_row != ROW_NONE)
		error = error_text("its index is damaged, or row %zu of the "
				   "embedding",
				   (size_t)job.bad_row);
	if (error == NULL && job.bad_place)
		error = "tensor index.rows is damaged";
	for (size_t q = 0; q < count && error == NULL; q++)
		finish_query(&job, q);
	for (size_t q = 0; q < count && error != NULL; q++)
		topk_free(&job.lists[q]);
	free_job(&job);
	return error;
}
