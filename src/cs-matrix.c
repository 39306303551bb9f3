/* cs-matrix: profiles made a sparse, weighted matrix of customers x tags.
 *
 * Rows pass through scratch files: in memory stand the tags, and for each
 * customer where its row and its name begin. */
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "die.h"
#include "format.h"
#include "names.h"
#include "options.h"
#include "profiles.h"
#include "progress.h"
#include "scratch.h"
#include "stream.h"
#include "weigh.h"

enum { KEY_VALUE = 256, KEY_DAMP, KEY_WEIGHT, KEY_NORM, KEY_WEIGHTS,
       KEY_MIN_USERS, KEY_MIN_TAGS };
enum { TENTHS = 10 };

static const struct option_row rows[] = {
	{ "value:", KEY_VALUE, "value", "V",
	  "mean, sum, events or one of each pair [sum]" },
	{ NULL, KEY_DAMP, "damp", "D",
	  "none, log (of 1 + it), sqrt [log]" },
	{ "weight:", KEY_WEIGHT, "weight", "W",
	  "of a tag: none, idf, sqrt-idf [idf]" },
	{ NULL, KEY_WEIGHTS, "weights", "W,W,...",
	  "of each FILE, when there are several [1,1,...]" },
	{ NULL, KEY_NORM, "norm", "N", "of a row: none, l2 [l2]" },
	{ "keep:", KEY_MIN_USERS, "min-users", "N",
	  "tags of at least N customers [1]" },
	{ NULL, KEY_MIN_TAGS, "min-tags", "N",
	  "then customers of at least N tags [0]" },
	{ "memory:", 'S', "buffer-size", "SIZE",
	  "of rows kept out of scratch files [64M]" },
	OPTION_OUTPUT("output:"),
	OPTION_COMMON
};

static const struct options_text text = {
	.name = "cs-matrix",
	.usage = "cs-matrix [OPTION]... [FILE]...",
	.purpose =
"Make profiles (from cs-aggregate) a sparse, weighted matrix of customers by\n"
"tags.  Several FILEs are blocks of columns side by side, each scaled to the\n"
"same size; without one, or for \"-\", standard input is read.",
	.footer =
"exit: 0 done; 2 wrong use, input or output\n"
"  cs-matrix profiles.tsv | cs-svd -o emb.bin\n"
"  cs-matrix --weights 1,0.5 views.tsv interests.tsv -o both.bin\n"
"The manual page, cs-matrix(1), has the rest.",
	.rows = rows,
};

struct choices {
	enum value value;
	enum damp damp;
	enum weight weight;
	enum norm norm;
	double *weights;	/* of each file */
	size_t weight_count;
	size_t min_users, min_tags;
	size_t memory;		/* bytes of row data kept in memory */
	const char *output;
};

/* A pair as it is kept between the passes. */
struct cell {
	uint32_t tag;		/* in the order first seen; later its column */
	double raw;		/* what --value gave */
};

struct work {
	struct choices choices;
	char *columns[4];
	struct names tags;
	uint32_t *tag_file;	/* which file a tag stands in */
	size_t tag_file_room;
	size_t *tag_users;	/* customers that have a pair with it */
	size_t tag_users_room;
	struct scratch cells, users;	/* struct cell; bytes of names */
	size_t n;		/* customers */
	int64_t *row_begin;	/* n + 1: in cells */
	int64_t *user_begin;	/* n + 1: in users */
	size_t row_room, user_room;
	bool in_order;		/* names ascend as they stand */
	uint32_t *order;	/* n: place to row, or NULL where in_order */
	/* After the columns are settled: */
	size_t m;
	int64_t *column;	/* of each tag first seen, or -1: dropped */
	uint32_t *column_tag;	/* the reverse: m */
	double *weight;		/* m: with the file's factor */
	int64_t *tenths;	/* m x 10 */
	int64_t tenth_size[TENTHS];
	/* The finished rows: */
	struct scratch indices, values, raws, tenth;
};

/* ------------------------------------------------------------ first pass */

static void add_cell(struct work *work, const struct profiles *profiles,
		     const struct entry *entry)
{
	const char *tag = profiles->texts + entry->tag;
	size_t before = work->tags.count;
	size_t index = names_add(&work->tags, tag, entry->length);
	struct cell cell = { .tag = (uint32_t)index };

	if (index == before) {
		work->tag_file = alloc_grow(work->tag_file,
					    &work->tag_file_room, index + 1,
					    sizeof *work->tag_file);
		work->tag_users = alloc_grow(work->tag_users,
					     &work->tag_users_room, index + 1,
					     sizeof *work->tag_users);
		work->tag_file[index] = (uint32_t)entry->file;
		work->tag_users[index] = 0;
	} else if (work->tag_file[index] != entry->file) {
		profiles_die(profiles, entry, "tag %s stands in %s, too: to "
			     "tell them apart, cs-aggregate --prefix STR",
			     tag, profiles_name(profiles,
						work->tag_file[index]));
	}
	cell.raw = weigh_value(work->choices.value, entry->events,
			       entry->value);
	if (fabs(cell.raw) > (double)__FLT_MAX__)
		profiles_die(profiles, entry, "the value is too large for "
			     "32 bits: scale the column");
	work->tag_users[index]++;
	scratch_add(&work->cells, &cell, sizeof cell);
}

static void add_customer(struct work *work, const struct profiles *profiles,
			 const char *last, size_t last_length)
{
	size_t i = work->n++;

	work->row_begin = alloc_grow(work->row_begin, &work->row_room, i + 2,
				     sizeof *work->row_begin);
	work->user_begin = alloc_grow(work->user_begin, &work->user_room, i + 2,
				      sizeof *work->user_begin);
	work->row_begin[0] = work->user_begin[0] = 0;
	scratch_add(&work->users, profiles->customer,
		    profiles->customer_length);
	for (size_t j = 0; j < profiles->count; j++)
		add_cell(work, profiles, &profiles->entries[j]);
	work->row_begin[i + 1] = (int64_t)(work->cells.size /
					   sizeof(struct cell));
	work->user_begin[i + 1] = (int64_t)work->users.size;
	if (i > 0 && names_compare(last, last_length, profiles->customer,
				   profiles->customer_length) > 0)
		work->in_order = false;
}

static void read_profiles(struct work *work, char **paths, size_t count)
{
	struct profiles profiles;
	char *last = NULL;
	size_t last_length = 0, last_room = 0;

	profiles_open(&profiles, paths, count);
	scratch_begin(&work->cells, work->choices.memory / 4);
	scratch_begin(&work->users, work->choices.memory / 4);
	work->in_order = true;
	progress_begin("customers", 0);
	while (profiles_next(&profiles)) {
		add_customer(work, &profiles, last, last_length);
		last_length = profiles.customer_length;
		last = alloc_grow(last, &last_room, last_length + 1, 1);
		memcpy(last, profiles.customer, last_length + 1);
		progress_add(1);
	}
	progress_end();
	if (work->n == 0)
		die("%s: a header alone: a matrix without entries cannot be "
		    "made", profiles_name(&profiles, 0));
	for (int i = 0; i < 4; i++)
		work->columns[i] = alloc_text(profiles.columns[i],
					      strlen(profiles.columns[i]));
	profiles_close(&profiles);
	free(last);
}

/* --------------------------------------------------------- what is kept */

static const struct cell *cells(struct work *work)
{
	return scratch_bytes(&work->cells);
}

static const char *user(struct work *work, size_t row, size_t *length)
{
	*length = (size_t)(work->user_begin[row + 1] - work->user_begin[row]);
	return (const char *)scratch_bytes(&work->users) +
		work->user_begin[row];
}

static int by_name(const void *a, const void *b, void *context)
{
	size_t x_length, y_length;
	const char *x = user(context, *(const uint32_t *)a, &x_length);
	const char *y = user(context, *(const uint32_t *)b, &y_length);

	return names_compare(x, x_length, y, y_length);
}

static size_t row_at(const struct work *work, size_t place)
{
	return work->order ? work->order[place] : place;
}

/* Drop rare tags, number the columns by name, and drop customers with too few
 * tags: work->order holds those that stay. */
static void keep(struct work *work)
{
	size_t count = work->tags.count, kept = 0;
	uint32_t *rank = alloc(count, sizeof *rank);

	names_rank(&work->tags, rank);
	work->column = alloc(count, sizeof *work->column);
	work->column_tag = alloc(count, sizeof *work->column_tag);
	for (size_t i = 0; i < count; i++)
		work->column_tag[rank[i]] = (uint32_t)i;
	for (size_t i = 0; i < count; i++) {
		uint32_t tag = work->column_tag[i];
		bool stays = work->tag_users[tag] >= work->choices.min_users;
		work->column[tag] = stays ? (int64_t)work->m : -1;
		if (stays)
			work->column_tag[work->m++] = tag;
	}
	free(rank);
	if (work->in_order && work->choices.min_tags == 0)
		return;
	if (work->n > UINT32_MAX)
		die("more than 2^32 - 1 customers that must be put in order");
	work->order = alloc(work->n, sizeof *work->order);
	for (size_t row = 0; row < work->n; row++) {
		size_t tags = 0;
		for (int64_t i = work->row_begin[row];
		     i < work->row_begin[row + 1]; i++)
			tags += work->column[cells(work)[i].tag] >= 0;
		if (tags >= work->choices.min_tags)
			work->order[kept++] = (uint32_t)row;
	}
	work->n = kept;
	if (!work->in_order)
		qsort_r(work->order, work->n, sizeof *work->order, by_name,
			work);
}

/* ------------------------------------------------------- tenths, weights */

/* How many tags the customer has: pairs whose value is above zero. */
static size_t active_tags(struct work *work, size_t row)
{
	size_t tags = 0;

	for (int64_t i = work->row_begin[row]; i < work->row_begin[row + 1];
	     i++)
		tags += work->column[cells(work)[i].tag] >= 0 &&
			cells(work)[i].raw > 0;
	return tags;
}

/* Cut the customers into tenths by their number of tags, ties by name, by a
 * counting sort; count customers of each tag and tenth. */
static void make_tenths(struct work *work)
{
	size_t *begin = alloc(work->m + 2, sizeof *begin), before = 0;

	for (size_t i = 0; i < work->n; i++)
		begin[active_tags(work, row_at(work, i))]++;
	for (size_t i = 0; i <= work->m; i++) {
		size_t here = begin[i];
		begin[i] = before;
		before += here;
	}
	scratch_begin(&work->tenth, work->choices.memory / 4);
	work->tenths = alloc(work->m * TENTHS, sizeof *work->tenths);
	for (size_t i = 0; i < work->n; i++) {
		size_t row = row_at(work, i);
		size_t place = begin[active_tags(work, row)]++;
		/* Exact for up to 2^60 customers. */
		unsigned char tenth = (unsigned char)(place * TENTHS / work->n);
		scratch_add(&work->tenth, &tenth, 1);
		work->tenth_size[tenth]++;
		for (int64_t j = work->row_begin[row];
		     j < work->row_begin[row + 1]; j++) {
			const struct cell *cell = &cells(work)[j];
			int64_t column = work->column[cell->tag];
			if (column >= 0 && cell->raw > 0)
				work->tenths[column * TENTHS + tenth]++;
		}
	}
	free(begin);
}

static double weighted(const struct work *work, const struct cell *cell)
{
	return weigh_damp(work->choices.damp, cell->raw) *
		work->weight[work->column[cell->tag]];
}

/* Divide the weights of each file's tags by the Frobenius norm of its block,
 * and multiply them by its --weights. */
static void balance(struct work *work, size_t files)
{
	double *squares = alloc(files, sizeof *squares);

	for (size_t i = 0; i < work->n; i++) {
		size_t row = row_at(work, i);
		for (int64_t j = work->row_begin[row];
		     j < work->row_begin[row + 1]; j++) {
			const struct cell *cell = &cells(work)[j];
			if (work->column[cell->tag] < 0)
				continue;
			double value = weighted(work, cell);
			squares[work->tag_file[cell->tag]] += value * value;
		}
	}
	for (size_t i = 0; i < work->m; i++) {
		size_t file = work->tag_file[work->column_tag[i]];
		double factor = work->choices.weights ?
			work->choices.weights[file] : 1;
		if (squares[file] > 0)
			factor /= sqrt(squares[file]);
		work->weight[i] *= factor;
	}
	free(squares);
}

static void make_weights(struct work *work, size_t files)
{
	size_t *users = alloc(work->m, sizeof *users);

	for (size_t i = 0; i < work->n; i++) {
		size_t row = row_at(work, i);
		for (int64_t j = work->row_begin[row];
		     j < work->row_begin[row + 1]; j++) {
			int64_t column = work->column[cells(work)[j].tag];
			if (column >= 0)
				users[column]++;
		}
	}
	work->weight = alloc(work->m, sizeof *work->weight);
	for (size_t i = 0; i < work->m; i++)
		work->weight[i] = weigh_column(work->choices.weight, work->n,
					       users[i]);
	free(users);
	if (files > 1)
		balance(work, files);
}

/* ------------------------------------------------------------- the rows */

struct item {
	int32_t index;
	float raw;
	double value;
};

static int by_index(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	return (x->index > y->index) - (x->index < y->index);
}

static void finish_row(struct work *work, struct item *items, size_t count,
		       size_t row)
{
	double squares = 0, norm = 1;
	size_t length;

	qsort(items, count, sizeof *items, by_index);
	for (size_t i = 0; i < count; i++)
		squares += items[i].value * items[i].value;
	if (work->choices.norm == NORM_L2 && squares > 0)
		norm = sqrt(squares);
	for (size_t i = 0; i < count; i++) {
		float value = (float)(items[i].value / norm);
		if (!isfinite(value) || !isfinite(norm)) {
			const char *name = user(work, row, &length);
			die("customer %.*s: its values are too large once "
			    "weighted: scale the column", (int)length, name);
		}
		scratch_add(&work->indices, &items[i].index,
			    sizeof items[i].index);
		scratch_add(&work->values, &value, sizeof value);
		scratch_add(&work->raws, &items[i].raw, sizeof items[i].raw);
	}
}

static void make_rows(struct work *work)
{
	struct item *items = NULL;
	size_t room = 0;

	scratch_begin(&work->indices, work->choices.memory / 8);
	scratch_begin(&work->values, work->choices.memory / 8);
	scratch_begin(&work->raws, work->choices.memory / 8);
	for (size_t i = 0; i < work->n; i++) {
		size_t row = row_at(work, i), count = 0;
		int64_t begin = work->row_begin[row];
		int64_t end = work->row_begin[row + 1];
		items = alloc_grow(items, &room, (size_t)(end - begin),
				   sizeof *items);
		for (; begin < end; begin++) {
			const struct cell *cell = &cells(work)[begin];
			int64_t column = work->column[cell->tag];
			if (column >= 0)
				items[count++] = (struct item){
					.index = (int32_t)column,
					.raw = (float)cell->raw,
					.value = weighted(work, cell),
				};
		}
		finish_row(work, items, count, row);
	}
	free(items);
}

/* --------------------------------------------------------------- writing */

static void put_offsets(struct work *work, struct writer *writer, bool names)
{
	int64_t at = 0;

	writer_put(writer, &at, sizeof at);
	for (size_t i = 0; i < work->n; i++) {
		size_t row = row_at(work, i);
		if (names) {
			at += work->user_begin[row + 1] - work->user_begin[row];
		} else {
			for (int64_t j = work->row_begin[row];
			     j < work->row_begin[row + 1]; j++)
				at += work->column[cells(work)[j].tag] >= 0;
		}
		writer_put(writer, &at, sizeof at);
	}
}

static void put_users(struct work *work, struct writer *writer)
{
	size_t length;

	put_offsets(work, writer, true);
	for (size_t i = 0; i < work->n; i++) {
		const char *name = user(work, row_at(work, i), &length);
		writer_put(writer, name, length);
	}
}

static void put_tags(struct work *work, struct writer *writer)
{
	int64_t at = 0;

	writer_put(writer, &at, sizeof at);
	for (size_t i = 0; i < work->m; i++) {
		at += (int64_t)names_length(&work->tags, work->column_tag[i]);
		writer_put(writer, &at, sizeof at);
	}
	for (size_t i = 0; i < work->m; i++)
		writer_put(writer, names_text(&work->tags, work->column_tag[i]),
			   names_length(&work->tags, work->column_tag[i]));
}

static json_t *describe(struct work *work, size_t files)
{
	const struct choices *choices = &work->choices;
	json_t *metadata = json_object();

	metadata_set(metadata, "columns.customer", "%s", work->columns[0]);
	metadata_set(metadata, "columns.tag", "%s", work->columns[1]);
	metadata_set(metadata, "columns.value", "%s", work->columns[3]);
	metadata_set(metadata, "matrix.version", "%s", options_version);
	metadata_set(metadata, "matrix.value", "%s",
		     value_words[choices->value]);
	metadata_set(metadata, "matrix.damp", "%s", damp_words[choices->damp]);
	metadata_set(metadata, "matrix.weight", "%s",
		     weight_words[choices->weight]);
	metadata_set(metadata, "matrix.norm", "%s", norm_words[choices->norm]);
	metadata_set(metadata, "matrix.min-users", "%zu", choices->min_users);
	metadata_set(metadata, "matrix.min-tags", "%zu", choices->min_tags);
	metadata_set(metadata, "matrix.files", "%zu", files);
	for (size_t i = 0; i < choices->weight_count; i++) {
		char key[64];
		snprintf(key, sizeof key, "matrix.weights.%zu", i + 1);
		metadata_set(metadata, key, "%.17g", choices->weights[i]);
	}
	return metadata;
}

static size_t name_bytes(struct work *work)
{
	size_t bytes = 0;

	for (size_t i = 0; i < work->n; i++) {
		size_t length;
		user(work, row_at(work, i), &length);
		bytes += length;
	}
	return bytes;
}

static void write_matrix(struct work *work, struct output *output, size_t files)
{
	size_t n = work->n, m = work->m, tag_bytes = 0;
	size_t nnz = work->indices.size / sizeof(int32_t);
	struct writer writer;

	for (size_t i = 0; i < m; i++)
		tag_bytes += names_length(&work->tags, work->column_tag[i]);
	const struct tensor tensors[] = {
		{ "profile.indptr", DTYPE_I64, 1, { n + 1, 1 }, NULL, 0, 0 },
		{ "profile.indices", DTYPE_I32, 1, { nnz, 1 }, NULL, 0, 0 },
		{ "profile.values", DTYPE_F32, 1, { nnz, 1 }, NULL, 0, 0 },
		{ "profile.raw", DTYPE_F32, 1, { nnz, 1 }, NULL, 0, 0 },
		{ "users.offsets", DTYPE_I64, 1, { n + 1, 1 }, NULL, 0, 0 },
		{ "users.bytes", DTYPE_U8, 1, { name_bytes(work), 1 },
		  NULL, 0, 0 },
		{ "users.tenth", DTYPE_U8, 1, { n, 1 }, NULL, 0, 0 },
		{ "tags.offsets", DTYPE_I64, 1, { m + 1, 1 }, NULL, 0, 0 },
		{ "tags.bytes", DTYPE_U8, 1, { tag_bytes, 1 }, NULL, 0, 0 },
		{ "tags.weight", DTYPE_F64, 1, { m, 1 }, NULL, 0, 0 },
		{ "tags.tenths", DTYPE_I64, 2, { m, TENTHS }, NULL, 0, 0 },
		{ "tenths", DTYPE_I64, 1, { TENTHS, 1 }, NULL, 0, 0 },
	};
	json_t *metadata = describe(work, files);

	writer_begin(&writer, output, metadata, tensors,
		     sizeof tensors / sizeof *tensors);
	put_offsets(work, &writer, false);
	writer_put(&writer, scratch_bytes(&work->indices), nnz * 4);
	writer_put(&writer, scratch_bytes(&work->values), nnz * 4);
	writer_put(&writer, scratch_bytes(&work->raws), nnz * 4);
	put_users(work, &writer);
	writer_put(&writer, scratch_bytes(&work->tenth), n);
	put_tags(work, &writer);
	writer_put(&writer, work->weight, m * sizeof *work->weight);
	writer_put(&writer, work->tenths, m * TENTHS * sizeof *work->tenths);
	writer_put(&writer, work->tenth_size, sizeof work->tenth_size);
	writer_end(&writer);
	json_decref(metadata);
}

/* --------------------------------------------------------------- options */

/* "1,0.5": one for each file. */
static void read_weights(struct choices *choices)
{
	const char *rest = optarg;
	size_t room = 0;

	for (;;) {
		char one[NUMBER_TEXT];
		size_t length = strcspn(rest, ",");
		double value = -1;
		snprintf(one, sizeof one, "%.*s", (int)length, rest);
		if (length >= sizeof one || !number_real(one, &value) ||
		    value < 0)
			die_usage("--weights: \"%s\": expected numbers from 0 "
				  "on, with commas between", optarg);
		choices->weights = alloc_grow(choices->weights, &room,
					      choices->weight_count + 1,
					      sizeof *choices->weights);
		choices->weights[choices->weight_count++] = value;
		if (rest[length] == '\0')
			return;
		rest += length + 1;
	}
}

static void read_option(struct choices *choices, int key)
{
	switch (key) {
	case KEY_VALUE:
		choices->value = (enum value)options_choice(value_words);
		break;
	case KEY_DAMP:
		choices->damp = (enum damp)options_choice(damp_words);
		break;
	case KEY_WEIGHT:
		choices->weight = (enum weight)options_choice(weight_words);
		break;
	case KEY_NORM:
		choices->norm = (enum norm)options_choice(norm_words);
		break;
	case KEY_WEIGHTS:
		read_weights(choices);
		break;
	case KEY_MIN_USERS:
		choices->min_users = (size_t)options_integer(1, INT64_MAX);
		break;
	case KEY_MIN_TAGS:
		choices->min_tags = (size_t)options_integer(0, INT64_MAX);
		break;
	case 'S':
		choices->memory = options_size();
		break;
	case 'o':
		choices->output = optarg;
		break;
	}
}

int main(int argc, char *argv[])
{
	struct work work = { .choices = { .value = VALUE_SUM, .damp = DAMP_LOG,
					  .weight = WEIGHT_IDF, .norm = NORM_L2,
					  .min_users = 1,
					  .memory = 64 << 20 } };
	struct output output;
	int key;

	options_begin(&text, argc, argv);
	while ((key = options_next()) != -1)
		read_option(&work.choices, key);
	size_t files = argc > optind ? (size_t)(argc - optind) : 1;
	if (work.choices.weights && work.choices.weight_count != files)
		die_usage("--weights has %zu weights for %zu files",
			  work.choices.weight_count, files);
	output_open(&output, work.choices.output);
	if (output_terminal(&output))
		die("a matrix is binary and standard output is a terminal: "
		    "use > FILE or -o FILE");

	read_profiles(&work, argv + optind, (size_t)(argc - optind));
	keep(&work);
	if (work.m == 0 || work.n == 0)
		die("--min-users and --min-tags leave nothing");
	make_tenths(&work);
	make_weights(&work, files);
	make_rows(&work);
	if (work.indices.size == 0)
		die("no entries are left: a matrix without entries cannot be "
		    "made");

	write_matrix(&work, &output, files);
	output_close(&output);
	return STATUS_DONE;
}
