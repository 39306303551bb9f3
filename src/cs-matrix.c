/* cs-matrix: profiles made a sparse, weighted matrix of customers x tags.
 *
 * Rows are worked out anew in every pass over them, so that in memory stand
 * the tags, and of the customers no more than -S allows. */
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "model/fold_in.h"
#include "model/safetensors.h"
#include "model/matrix_builder.h"
#include "base/string_table.h"
#include "base/options.h"
#include "base/tempfile.h"
#include "base/io.h"
#include "model/weighting.h"

enum {
	KEY_VALUE = 256,
	KEY_DAMP,
	KEY_WEIGHT,
	KEY_NORM,
	KEY_WEIGHTS,
	KEY_MIN_USERS,
	KEY_MIN_TAGS,
	KEY_AS
};
/* The bounds of --weights.  A sum is below 10^29 and a logarithm below 45, so
 * that no weighted value is beyond 32 bits, and no square beyond 64. */
static const double least_weight = 1e-6, most_weight = 1e6;

static const struct option_row rows[] = {
	{"value:", KEY_VALUE, "value", "V",
	 "mean, sum, events, one, auto [auto]"},
	{NULL, KEY_DAMP, "damp", "D", "none, log (of 1 + it), sqrt [sqrt]"},
	{"weight:", KEY_WEIGHT, "weight", "W",
	 "none, idf, sqrt-idf, smooth [smooth]"},
	{NULL, KEY_WEIGHTS, "weights", "W,W,...",
	 "of each of several FILEs [1,1,...]"},
	{NULL, KEY_NORM, "norm", "N", "of a row: none, l2 [l2]"},
	{"keep:", KEY_MIN_USERS, "min-users", "N",
	 "tags of at least N customers [1]"},
	{NULL, KEY_MIN_TAGS, "min-tags", "N",
	 "then customers of at least N tags [0]"},
	{"fold in:", KEY_AS, "as", "MODEL",
	 "columns, weights and options are MODEL's"},
	{"memory:", 'S', "buffer-size", "SIZE",
	 "of rows kept out of scratch files [64M]"},
	OPTION_OUTPUT("output:"),
	OPTION_COMMON};

static const struct options_text text = {
	.name = "cs-matrix",
	.usage = "cs-matrix [OPTION]... [FILE]...",
	.purpose =
		"Make profiles (from cs-aggregate) a sparse, weighted matrix "
		"of customers by\n"
		"tags.  Several FILEs are blocks of columns side by side, each "
		"scaled to the\n"
		"same size; without one, or for \"-\", standard input is read.",
	.footer =
		"exit: 0 done; 1 --as: a customer has no tag of MODEL; 2 wrong use, "
		"input, output\n"
		"  cs-matrix profiles.tsv | cs-svd -o emb.bin\n"
		"  cs-matrix --weights 1,0.5 views.tsv interests.tsv -o "
		"both.bin\n"
		"The manual page, cs-matrix(1), has the rest.",
	.rows = rows,
};

struct choices {
	enum value value;
	bool automatic; /* the value was chosen by the profiles */
	enum damp damp;
	enum weight weight;
	enum norm norm;
	double *weights; /* of each file, or NULL: all 1 */
	size_t weight_count;
	size_t min_users, min_tags;
	size_t memory; /* bytes of rows kept out of scratch files */
	const char *output;
	const char *as;    /* a model to fold into, or NULL */
	const char *taken; /* an option that is the model's then */
};

/* A pair of the matrix. */
struct item {
	int32_t column;
	double raw; /* what --value gave */
};

struct work {
	struct choices choices;
	size_t files;
	struct matrix_builder gather;
	struct fold_in fold;  /* with --as */
	size_t lost;          /* customers without a tag of its */
	size_t n, m, nnz;     /* customers, tags and pairs that are kept */
	uint32_t *order;      /* n: place to row, or NULL: they are equal */
	int32_t *column;      /* of each tag gathered, or -1: dropped */
	uint32_t *column_tag; /* m: the reverse; not with --as */
	size_t *column_users; /* m: customers with a pair */
	double *weight;       /* m: with the file's factor */
	int64_t *tenths;      /* m x TENTHS */
	int64_t tenth_size[TENTHS];
	struct tempfile active; /* n uint32_t: tags that a customer has */
	struct tempfile tenth;  /* n bytes */
	struct item *items;     /* count of them: the row at hand */
	double *values;         /* count, after weigh_row */
	size_t count, room, value_room;
};

/* --------------------------------------------------------- what is kept */

/* Drop rare tags and number the others by their names. */
static void keep_tags(struct work *work)
{
	struct matrix_builder *gather = &work->gather;
	size_t count = gather->tags.count;
	uint32_t *rank = alloc(count, sizeof *rank);

	string_table_rank(&gather->tags, rank);
	work->column = alloc(count, sizeof *work->column);
	work->column_tag = alloc(count, sizeof *work->column_tag);
	for (size_t i = 0; i < count; i++)
		work->column_tag[rank[i]] = (uint32_t)i;
	for (size_t i = 0; i < count; i++) {
		uint32_t tag = work->column_tag[i];
		bool stays = gather->tag_users[tag] >= work->choices.min_users;
		work->column[tag] = stays ? (int32_t)work->m : -1;
		if (stays)
			work->column_tag[work->m++] = tag;
	}
	free(rank);
}

static size_t row_at(const struct work *work, size_t place)
{
	return work->order ? work->order[place] : place;
}

static int by_column(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	return (x->column > y->column) - (x->column < y->column);
}

/* Set work->items to the row's pairs that are kept, in the order of columns. */
static void read_row(struct work *work, size_t row)
{
	size_t pairs;
	const struct builder_pair *pair =
		matrix_builder_row(&work->gather, row, &pairs);
	bool ascending = true;
	int32_t last = -1;

	work->items = alloc_grow(work->items, &work->room, pairs,
				 sizeof *work->items);
	work->count = 0;
	for (size_t i = 0; i < pairs; i++) {
		int32_t column = work->column[pair[i].tag];
		if (column < 0)
			continue;
		work->items[work->count++] = (struct item){
			column, matrix_builder_raw(&work->gather, &pair[i])};
		ascending = ascending && column > last;
		last = column;
	}
	/* They are, but for several files and for names with escapes. */
	if (!ascending)
		qsort(work->items, work->count, sizeof *work->items, by_column);
}

static int by_name(const void *a, const void *b, void *context)
{
	size_t x_length, y_length;
	const char *x =
		matrix_builder_name(context, *(const uint32_t *)a, &x_length);
	const char *y =
		matrix_builder_name(context, *(const uint32_t *)b, &y_length);

	return string_table_compare(x, x_length, y, y_length);
}

/* Drop customers with too few tags, and put the others in order. */
static void keep_customers(struct work *work)
{
	struct matrix_builder *gather = &work->gather;

	work->n = gather->n;
	if (gather->in_order && work->choices.min_tags == 0 &&
	    work->choices.as == NULL)
		return;
	if (gather->n > UINT32_MAX)
		die("more than 2^32 - 1 customers to choose from");
	work->order = alloc(gather->n, sizeof *work->order);
	work->n = 0;
	for (size_t row = 0; row < gather->n; row++) {
		read_row(work, row);
		if (work->count >= work->choices.min_tags)
			work->order[work->n++] = (uint32_t)row;
	}
	if (!gather->in_order)
		qsort_r(work->order, work->n, sizeof *work->order, by_name,
			gather);
}

/* With --as columns are the model's; tags that it lacks are told of. */
static void match_tags(struct work *work)
{
	const struct matrix_builder *gather = &work->gather;
	const struct text_array *tags = &work->fold.model.matrix.tags;
	size_t count = gather->tags.count, lacking = 0, pairs = 0, first = 0;

	work->m = tags->count;
	work->column = alloc(count, sizeof *work->column);
	for (size_t i = 0; i < count; i++) {
		size_t column = text_array_find(
			tags, string_table_text(&gather->tags, i),
			string_table_length(&gather->tags, i));
		work->column[i] = column == SIZE_MAX ? -1 : (int32_t)column;
		if (column != SIZE_MAX)
			continue;
		first = lacking++ == 0 ? i : first;
		pairs += gather->tag_users[i];
	}
	if (lacking > 0 && !options_quiet)
		warn("%zu of %zu tags (%zu pairs) are not in %s and are left "
		     "out: the first is %s",
		     lacking, count, pairs, work->fold.model.input.name,
		     string_table_text(&gather->tags, first));
}

/* Leave out, and name, the customers who have none of the model's tags. */
static void match_customers(struct work *work)
{
	size_t kept = 0;

	for (size_t i = 0; i < work->n; i++) {
		size_t row = row_at(work, i), length;
		read_row(work, row);
		if (work->count > 0) {
			work->order[kept++] = (uint32_t)row;
			continue;
		}
		const char *name =
			matrix_builder_name(&work->gather, row, &length);
		warn("customer %.*s has no tag that %s knows, and is left out",
		     (int)length, name, work->fold.model.input.name);
		work->lost++;
	}
	work->n = kept;
	if (kept == 0)
		exit(STATUS_NOT_FOUND);
}

static void keep(struct work *work)
{
	if (work->choices.as != NULL) {
		match_tags(work);
		keep_customers(work);
		match_customers(work);
		return;
	}
	keep_tags(work);
	keep_customers(work);
	if (work->m == 0)
		die("no tag has the %zu customers of --min-users",
		    work->choices.min_users);
	if (work->n == 0)
		die("no customer has the %zu tags of --min-tags",
		    work->choices.min_tags);
}

/* ------------------------------------------------------- tenths, weights */

/* Count the customers of each tag and the tags of each customer. */
static void tally(struct work *work)
{
	tempfile_begin(&work->active, work->choices.memory / 16);
	work->column_users = alloc(work->m, sizeof *work->column_users);
	for (size_t i = 0; i < work->n; i++) {
		uint32_t active = 0;
		read_row(work, row_at(work, i));
		for (size_t j = 0; j < work->count; j++) {
			work->column_users[work->items[j].column]++;
			active += work->items[j].raw > 0;
		}
		work->nnz += work->count;
		tempfile_add(&work->active, &active, sizeof active);
	}
	if (work->nnz == 0)
		die("--min-users leaves no customer a tag: a matrix without "
		    "entries cannot be made");
}

static void weigh_columns(struct work *work)
{
	work->weight = alloc(work->m, sizeof *work->weight);
	for (size_t i = 0; i < work->m; i++)
		work->weight[i] = weighting_column(
			work->choices.weight, work->n, work->column_users[i]);
}

/* Cut the customers into tenths by their number of tags, ties by name: a
 * counting sort. */
static void cut_tenths(struct work *work)
{
	const uint32_t *active = tempfile_bytes(&work->active);
	size_t *next = alloc(work->m + 1, sizeof *next), before = 0;

	for (size_t i = 0; i < work->n; i++)
		next[active[i]]++;
	for (size_t i = 0; i <= work->m; i++) {
		size_t here = next[i];
		next[i] = before;
		before += here;
	}
	tempfile_begin(&work->tenth, work->choices.memory / 16);
	for (size_t i = 0; i < work->n; i++) {
		/* Exact for up to 2^60 customers. */
		size_t tenth = next[active[i]]++ * TENTHS / work->n;
		tempfile_add(&work->tenth,
			     &(unsigned char){(unsigned char)tenth}, 1);
		work->tenth_size[tenth]++;
	}
	free(next);
}

static double weighted(const struct work *work, const struct item *item)
{
	return weighting_damp(work->choices.damp, item->raw) *
	       work->weight[item->column];
}

/* Count customers by tag and tenth; squares[f] becomes the sum of squares of
 * the block of file f. */
static void count_tenths(struct work *work, double *squares)
{
	const unsigned char *tenth = tempfile_bytes(&work->tenth);

	work->tenths =
		alloc(alloc_product(work->m, TENTHS), sizeof *work->tenths);
	for (size_t i = 0; i < work->n; i++) {
		read_row(work, row_at(work, i));
		for (size_t j = 0; j < work->count; j++) {
			const struct item *item = &work->items[j];
			uint32_t tag = work->column_tag[item->column];
			if (item->raw > 0)
				work->tenths[(size_t)item->column * TENTHS +
					     tenth[i]]++;
			if (work->files == 1)
				continue;
			double value = weighted(work, item);
			squares[work->gather.tag_file[tag]] += value * value;
		}
	}
}

/* Divide the weights of each file's tags by the Frobenius norm of its block,
 * and multiply them by its --weights. */
static void balance(struct work *work, const double *squares)
{
	const double *weights = work->choices.weights;

	for (size_t i = 0; i < work->m; i++) {
		size_t file = work->gather.tag_file[work->column_tag[i]];
		double factor = weights ? weights[file] : 1;
		if (squares[file] > 0)
			work->weight[i] *= factor / sqrt(squares[file]);
	}
}

/* With --as weights are the model's, and so are the tenths. */
static void weigh_as(struct work *work)
{
	const struct csr_matrix *matrix = &work->fold.model.matrix;
	size_t weights = work->m * sizeof *work->weight;
	size_t tenths = work->m * TENTHS * sizeof *work->tenths;
	const uint32_t *active = tempfile_bytes(&work->active);

	work->weight = memcpy(alloc(1, weights), matrix->weight, weights);
	work->tenths = memcpy(alloc(1, tenths), matrix->tenths, tenths);
	memcpy(work->tenth_size, matrix->tenth_size, sizeof work->tenth_size);
	tempfile_begin(&work->tenth, work->choices.memory / 16);
	for (size_t i = 0; i < work->n; i++) {
		unsigned char tenth = fold_in_tenth(&work->fold, active[i]);
		tempfile_add(&work->tenth, &tenth, 1);
	}
}

static void weigh(struct work *work)
{
	if (work->choices.as != NULL) {
		tally(work);
		weigh_as(work);
		return;
	}

	double *squares = alloc(work->files, sizeof *squares);

	tally(work);
	weigh_columns(work);
	cut_tenths(work);
	count_tenths(work, squares);
	if (work->files > 1)
		balance(work, squares);
	free(squares);
}

/* --------------------------------------------------------------- writing */

static void put_begins(struct work *work, struct tensor_writer *writer)
{
	int64_t at = 0;

	tensor_writer_put(writer, &at, sizeof at);
	for (size_t i = 0; i < work->n; i++) {
		read_row(work, row_at(work, i));
		at += (int64_t)work->count;
		tensor_writer_put(writer, &at, sizeof at);
	}
}

/* Set work->values to the row's, weighted and of its norm. */
static void weigh_row(struct work *work)
{
	work->values = alloc_grow(work->values, &work->value_room, work->count,
				  sizeof *work->values);
	for (size_t i = 0; i < work->count; i++)
		work->values[i] = weighted(work, &work->items[i]);
	weighting_normalize(work->choices.norm, work->values, work->count);
}

enum part { PART_COLUMN, PART_VALUE, PART_RAW };

/* One of the three tensors that have an item of 32 bits for each pair. */
static void put_pairs(struct work *work, struct tensor_writer *writer,
		      enum part part)
{
	union {
		int32_t column;
		float real;
	} *cells = NULL;
	size_t room = 0;

	for (size_t i = 0; i < work->n; i++) {
		read_row(work, row_at(work, i));
		if (part == PART_VALUE)
			weigh_row(work);
		cells = alloc_grow(cells, &room, work->count, sizeof *cells);
		for (size_t j = 0; j < work->count; j++)
			if (part == PART_COLUMN)
				cells[j].column = work->items[j].column;
			else
				cells[j].real =
					(float)(part == PART_RAW
							? work->items[j].raw
							: work->values[j]);
		tensor_writer_put(writer, cells, work->count * sizeof *cells);
	}
	free(cells);
}

static void put_users(struct work *work, struct tensor_writer *writer)
{
	size_t length;
	int64_t at = 0;

	tensor_writer_put(writer, &at, sizeof at);
	for (size_t i = 0; i < work->n; i++) {
		matrix_builder_name(&work->gather, row_at(work, i), &length);
		at += (int64_t)length;
		tensor_writer_put(writer, &at, sizeof at);
	}
	for (size_t i = 0; i < work->n; i++) {
		const char *name = matrix_builder_name(
			&work->gather, row_at(work, i), &length);
		tensor_writer_put(writer, name, length);
	}
}

/* The name of a column. */
static const char *tag_at(const struct work *work, size_t column,
			  size_t *length)
{
	const struct string_table *tags = &work->gather.tags;

	if (work->choices.as != NULL)
		return text_array_at(&work->fold.model.matrix.tags, column,
				     length);
	*length = string_table_length(tags, work->column_tag[column]);
	return string_table_text(tags, work->column_tag[column]);
}

static void put_tags(struct work *work, struct tensor_writer *writer)
{
	size_t length;
	int64_t at = 0;

	tensor_writer_put(writer, &at, sizeof at);
	for (size_t i = 0; i < work->m; i++) {
		tag_at(work, i, &length);
		at += (int64_t)length;
		tensor_writer_put(writer, &at, sizeof at);
	}
	for (size_t i = 0; i < work->m; i++) {
		const char *tag = tag_at(work, i, &length);
		tensor_writer_put(writer, tag, length);
	}
}

static json_t *describe(const struct work *work)
{
	const struct choices *choices = &work->choices;
	char *const *columns = work->gather.columns;
	json_t *metadata = json_object();

	if (choices->as != NULL) {
		fold_in_describe(&work->fold, metadata);
		metadata_set(metadata, "matrix.version", "%s", options_version);
		return metadata;
	}
	metadata_set(metadata, "columns.customer", "%s", columns[0]);
	metadata_set(metadata, "columns.tag", "%s", columns[1]);
	metadata_set(metadata, "columns.value", "%s",
		     columns[choices->value == VALUE_EVENTS ? 2 : 3]);
	metadata_set(metadata, "matrix.version", "%s", options_version);
	metadata_set(metadata, "matrix.value", "%s",
		     value_words[choices->value]);
	if (choices->automatic)
		metadata_set(metadata, "matrix.repeated", "%.6g",
			     work->gather.repeated);
	metadata_set(metadata, "matrix.damp", "%s", damp_words[choices->damp]);
	metadata_set(metadata, "matrix.weight", "%s",
		     weight_words[choices->weight]);
	metadata_set(metadata, "matrix.norm", "%s", norm_words[choices->norm]);
	metadata_set(metadata, "matrix.min-users", "%zu", choices->min_users);
	metadata_set(metadata, "matrix.min-tags", "%zu", choices->min_tags);
	metadata_set(metadata, "matrix.files", "%zu", work->files);
	for (size_t i = 0; work->files > 1 && i < work->files; i++) {
		char key[64];
		snprintf(key, sizeof key, "matrix.weights.%zu", i + 1);
		metadata_set(metadata, key, "%.17g",
			     choices->weights ? choices->weights[i] : 1);
	}
	return metadata;
}

static void begin(struct work *work, struct tensor_writer *writer,
		  struct output *output)
{
	size_t n = work->n, m = work->m, nnz = work->nnz;
	size_t user_bytes = 0, tag_bytes = 0, length;
	json_t *metadata = describe(work);

	for (size_t i = 0; i < n; i++) {
		matrix_builder_name(&work->gather, row_at(work, i), &length);
		user_bytes += length;
	}
	for (size_t i = 0; i < m; i++) {
		tag_at(work, i, &length);
		tag_bytes += length;
	}
	const struct tensor tensors[] = {
		{"profile.indptr", DTYPE_I64, 1, {n + 1, 1}, NULL, 0, 0},
		{"profile.indices", DTYPE_I32, 1, {nnz, 1}, NULL, 0, 0},
		{"profile.values", DTYPE_F32, 1, {nnz, 1}, NULL, 0, 0},
		{"profile.raw", DTYPE_F32, 1, {nnz, 1}, NULL, 0, 0},
		{"users.offsets", DTYPE_I64, 1, {n + 1, 1}, NULL, 0, 0},
		{"users.bytes", DTYPE_U8, 1, {user_bytes, 1}, NULL, 0, 0},
		{"users.tenth", DTYPE_U8, 1, {n, 1}, NULL, 0, 0},
		{"tags.offsets", DTYPE_I64, 1, {m + 1, 1}, NULL, 0, 0},
		{"tags.bytes", DTYPE_U8, 1, {tag_bytes, 1}, NULL, 0, 0},
		{"tags.weight", DTYPE_F64, 1, {m, 1}, NULL, 0, 0},
		{"tags.tenths", DTYPE_I64, 2, {m, TENTHS}, NULL, 0, 0},
		{"tenths", DTYPE_I64, 1, {TENTHS, 1}, NULL, 0, 0},
	};
	tensor_writer_begin(writer, output, metadata, tensors,
			    sizeof tensors / sizeof *tensors);
	json_decref(metadata);
}

static void write_matrix(struct work *work, struct output *output)
{
	struct tensor_writer writer;

	begin(work, &writer, output);
	put_begins(work, &writer);
	put_pairs(work, &writer, PART_COLUMN);
	put_pairs(work, &writer, PART_VALUE);
	put_pairs(work, &writer, PART_RAW);
	put_users(work, &writer);
	tensor_writer_put(&writer, tempfile_bytes(&work->tenth), work->n);
	put_tags(work, &writer);
	tensor_writer_put(&writer, work->weight,
			  work->m * sizeof *work->weight);
	tensor_writer_put(&writer, work->tenths,
			  work->m * TENTHS * sizeof *work->tenths);
	tensor_writer_put(&writer, work->tenth_size, sizeof work->tenth_size);
	tensor_writer_end(&writer);
}

/* --------------------------------------------------------------- options */

/* "1,0.5": one for each file. */
static void read_weights(struct choices *choices)
{
	const char *rest = optarg;
	size_t room = 0;

	choices->weight_count = 0;
	for (;;) {
		char one[NUMBER_TEXT];
		size_t length = strcspn(rest, ",");
		double value = 0;
		snprintf(one, sizeof one, "%.*s", (int)length, rest);
		if (length >= sizeof one || !number_real(one, &value) ||
		    value < least_weight || value > most_weight)
			die_usage("--weights: \"%s\": expected numbers from %g "
				  "to %g, with commas between",
				  optarg, least_weight, most_weight);
		choices->weights = alloc_grow(choices->weights, &room,
					      choices->weight_count + 1,
					      sizeof *choices->weights);
		choices->weights[choices->weight_count++] = value;
		if (rest[length] == '\0')
			return;
		rest += length + 1;
	}
}

/* Options that --as takes from the model. */
static const struct {
	int key;
	const char *name;
} taken[] = {
	{KEY_VALUE, "--value"},       {KEY_DAMP, "--damp"},
	{KEY_WEIGHT, "--weight"},     {KEY_NORM, "--norm"},
	{KEY_WEIGHTS, "--weights"},   {KEY_MIN_USERS, "--min-users"},
	{KEY_MIN_TAGS, "--min-tags"},
};

static void read_option(struct choices *choices, int key)
{
	for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
		if (key == taken[i].key)
			choices->taken = taken[i].name;
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
		free(choices->weights);
		choices->weights = NULL;
		read_weights(choices);
		break;
	case KEY_MIN_USERS:
		choices->min_users = (size_t)options_integer(1, INT64_MAX);
		break;
	case KEY_MIN_TAGS:
		choices->min_tags = (size_t)options_integer(0, INT64_MAX);
		break;
	case KEY_AS:
		choices->as = options_once(choices->as);
		break;
	case 'S':
		choices->memory = options_size();
		break;
	case 'o':
		choices->output = options_once(choices->output);
		break;
	}
}

/* Take the value that the profiles decided, and say which. */
static void take_value(struct work *work)
{
	struct choices *choices = &work->choices;

	choices->automatic = choices->value == VALUE_AUTO;
	choices->value = work->gather.value;
	if (choices->automatic && !options_quiet)
		warn("--value %s: %.1f %% of pairs have more than one event",
		     value_words[choices->value], 100 * work->gather.repeated);
}

/* How many files there are; with --weights there must be one for each. */
static size_t count_files(const struct choices *choices, int operands)
{
	size_t files = operands > 0 ? (size_t)operands : 1;

	if (choices->weights == NULL)
		return files;
	if (files == 1)
		die_usage("--weights: it weighs several files, and there is "
			  "one");
	if (choices->weight_count != files)
		die_usage("--weights: %zu weights for %zu files",
			  choices->weight_count, files);
	return files;
}

/* Open the model of --as, and take its options. */
static void begin_fold(struct work *work)
{
	struct choices *choices = &work->choices;
	const char *error;

	if (choices->taken != NULL)
		die_usage("%s: with --as it is the model's", choices->taken);
	error = fold_in_open(&work->fold, choices->as);
	if (error != NULL)
		die("%s: %s", work->fold.model.input.name, error);
	choices->value = work->fold.value;
	choices->damp = work->fold.damp;
	choices->norm = work->fold.norm;
}

static void release(struct work *work)
{
	if (work->choices.as != NULL)
		fold_in_close(&work->fold);
	matrix_builder_free(&work->gather);
	tempfile_end(&work->active);
	tempfile_end(&work->tenth);
	free(work->choices.weights);
	free(work->order);
	free(work->column);
	free(work->column_tag);
	free(work->column_users);
	free(work->weight);
	free(work->tenths);
	free(work->items);
	free(work->values);
}

int main(int argc, char *argv[])
{
	struct work work = {.choices = {.value = VALUE_AUTO,
					.damp = DAMP_SQRT,
					.weight = WEIGHT_SMOOTH,
					.norm = NORM_L2,
					.min_users = 1,
					.memory = 64 << 20}};
	struct output output;
	int key;

	options_begin(&text, argc, argv);
	while ((key = options_next()) != -1)
		read_option(&work.choices, key);
	work.files = count_files(&work.choices, argc - optind);
	output_open(&output, work.choices.output);
	if (output_terminal(&output))
		die("a matrix is binary and standard output is a terminal: "
		    "use > FILE or -o FILE");

	if (work.choices.as != NULL)
		begin_fold(&work);
	matrix_builder_read(&work.gather, argv + optind,
			    (size_t)(argc - optind), work.choices.value,
			    work.choices.memory / 4 * 3);
	take_value(&work);
	keep(&work);
	weigh(&work);
	write_matrix(&work, &output);
	output_close(&output);
	enum status status = work.lost ? STATUS_NOT_FOUND : STATUS_DONE;
	release(&work);
	return status;
}
