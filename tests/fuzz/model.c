/* Any bytes as a model, a matrix or a tally: what is not one is refused with an
 * error text, what is read can be described and searched, and what passes all
 * checks can be served.  The mutator makes the checksums right, so that bytes
 * of tensors and of the header come through to what reads them. */
#include <jansson.h>
#include <math.h>
#include <sys/stat.h>
#include <xxhash.h>

#include "base/alloc.h"
#include "explain/model_description.h"
#include "explain/neighbours_profiles.h"
#include "fuzz.h"
#include "model/fold_in.h"
#include "model/model_verify.h"
#include "model/tally.h"
#include "search/sharded_search.h"
#include "serve/served_model.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t room);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room,
			       unsigned seed);

/* ---------------------------------------------------------------- mutator */

/* The bytes of a tensor, counted from the start of the file. */
struct extent {
	size_t begin, end;
};

/* A file as its header has it; count is 0 where that cannot be read. */
struct layout {
	size_t header; /* where it ends */
	struct extent tensors[64], sums;
	size_t count;
};

static int by_begin(const void *a, const void *b)
{
	const struct extent *x = a, *y = b;

	return (x->begin > y->begin) - (x->begin < y->begin);
}

static void lay_out(struct layout *layout, const uint8_t *data, size_t size)
{
	uint64_t length;
	const char *key;
	json_t *header, *about;

	*layout = (struct layout){0};
	if (size < 8)
		return;
	memcpy(&length, data, 8);
	if (length > size - 8)
		return;
	layout->header = 8 + (size_t)length;
	header = json_loadb((const char *)data + 8, (size_t)length, 0, NULL);
	json_object_foreach(header, key, about)
	{
		json_t *places = json_object_get(about, "data_offsets");
		size_t begin =
			(size_t)json_integer_value(json_array_get(places, 0));
		size_t end =
			(size_t)json_integer_value(json_array_get(places, 1));
		struct extent extent = {layout->header + begin,
					layout->header + end};

		if (places == NULL || begin > end ||
		    end > size - layout->header || layout->count == 64)
			continue;
		if (strcmp(key, "checksum") == 0)
			layout->sums = extent;
		else
			layout->tensors[layout->count++] = extent;
	}
	json_decref(header);
	qsort(layout->tensors, layout->count, sizeof *layout->tensors,
	      by_begin);
}

static void sum_up(const struct layout *layout, uint8_t *data)
{
	uint8_t *sums = data + layout->sums.begin;
	size_t room = layout->sums.end - layout->sums.begin;

	if (room < 8 * (layout->count + 1))
		return;
	for (size_t i = 0; i <= layout->count; i++) {
		const struct extent *extent =
			i > 0 ? &layout->tensors[i - 1]
			      : &(struct extent){0, layout->header};
		XXH64_hash_t sum = XXH3_64bits(data + extent->begin,
					       extent->end - extent->begin);

		memcpy(sums + 8 * i, &sum, 8);
	}
}

/* An item of a tensor changed, often to a number at an edge. */
static void change_item(uint8_t *data, const struct extent *extent,
			unsigned draw)
{
	static const int64_t edges[] = {0,         -1,        1, INT32_MAX,
					INT64_MAX, INT64_MIN, 64};
	static const double reals[] = {NAN, INFINITY, -1, 0, 1e300, 1, 2};
	size_t width = (size_t)1 << draw % 4,
	       size = extent->end - extent->begin;
	uint8_t *at;

	if (size < width)
		return;
	at = data + extent->begin + draw / 4 % (size / width) * width;
	if (draw % 3 == 0)
		memcpy(at, &edges[draw % 7], width);
	else if (draw % 3 == 1 && width == 8)
		memcpy(at, &reals[draw % 7], width);
	else if (width == 4)
		memcpy(at, &(float){(float)reals[draw % 7]}, width);
	else
		LLVMFuzzerMutate(at, width, width);
}

/* The count-th of an object's keys, or NULL. */
static const char *key_at(json_t *object, size_t count)
{
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value) if (count-- == 0) return key;
	return NULL;
}

/* Change an entry of the header, which stays JSON: a string of the metadata, or
 * a tensor's dtype or shape; or take it away. */
static void change_entry(json_t *header, unsigned draw)
{
	static const char *const texts[] = {
		"0",   "-1",  "1e400", "nan", "us", "none", "auto", "sum",
		"F32", "I32", "I64",   "F64", "U8", "mean", "2",    ""};
	json_t *metadata = json_object_get(header, "__metadata__");
	json_t *of = draw % 2 == 0 ? metadata : header;
	const char *text = texts[draw / 4 % 16];
	size_t count = json_object_size(of);
	const char *key = count > 0 ? key_at(of, draw / 64 % count) : NULL;
	json_t *value = json_object_get(of, key);

	if (key == NULL)
		return;
	if (draw % 16 < 2)
		json_object_del(of, key);
	else if (json_is_string(value))
		json_object_set_new(of, key, json_string(text));
	else if (draw % 4 == 1)
		json_object_set_new(value, "dtype", json_string(text));
	else
		json_array_set_new(json_object_get(value, "shape"),
				   draw / 4 % 2,
				   json_integer((json_int_t)(draw / 8 % 16)));
}

/* Change the header where what it becomes is no longer than it was. */
static void change_header(uint8_t *data, const struct layout *layout,
			  unsigned draw)
{
	size_t room = layout->header - 8, length;
	json_t *header = json_loadb((const char *)data + 8, room, 0, NULL);
	char *text;

	change_entry(header, draw);
	text = json_dumps(header, JSON_COMPACT | JSON_ENSURE_ASCII);
	length = text != NULL ? strlen(text) : room + 1;
	if (length <= room) {
		memset(data + 8, ' ', room);
		memcpy(data + 8, text, length);
	}
	free(text);
	json_decref(header);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room,
			       unsigned seed)
{
	struct layout layout;

	lay_out(&layout, data, size);
	if (layout.count == 0 || seed % 16 == 0)
		return LLVMFuzzerMutate(data, size, room);
	if (seed % 16 == 1) /* the header, its length as it was */
		LLVMFuzzerMutate(data + 8, layout.header - 8,
				 layout.header - 8);
	else if (seed % 16 < 6)
		change_header(data, &layout, seed / 16 * 2654435761U >> 4);
	else
		for (unsigned i = 0; i <= seed / 16 % 3; i++)
			change_item(data,
				    &layout.tensors[seed / 64 % layout.count],
				    seed / 64 * 2654435761U + i);
	lay_out(&layout, data, size);
	sum_up(&layout, data);
	return size;
}

/* ------------------------------------------------------------------ readers */

/* A model in shards, of which the first is the input. */
static char folder[64];

int LLVMFuzzerInitialize(int *count, char ***arguments);

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
	static const char *const names[] = {"manifest.json", "1.bin"};
	char here[4096];

	(void)count;
	(void)arguments;
	fuzz_folder(folder);
	if (getcwd(here, sizeof here) == NULL)
		__builtin_trap();
	for (size_t i = 0; i < 2; i++) {
		char from[4200], to[96];

		snprintf(from, sizeof from, "%s/tests/fuzz/shards/%s", here,
			 names[i]);
		snprintf(to, sizeof to, "%s/%s", folder, names[i]);
		if (symlink(from, to) != 0)
			__builtin_trap();
	}
	return 0;
}

static void describe(void *context)
{
	struct model_description description;
	struct output output;
	struct model model;
	char near[128];

	output_memory(&output);
	if (model_open_any(&model, context) == NULL &&
	    model_description_begin(&description, &model, 0) == NULL &&
	    model_description_measure(&description) == NULL) {
		model_description_write_text(&description, &output);
		model_description_write_json(&description, &output);
		model_find(&model, "1", 1);
		model_near(&model, "12", 2, near, sizeof near);
	}
	model_close(&model);
	free(output.buffer);
}

/* As cs-knn writes what summaries are made of. */
static void write_profiles(void *context)
{
	struct profile_writer writer;
	struct output output;
	struct model model;
	const char *error = model_open(&model, context);

	output_memory(&output);
	if (error == NULL) {
		profile_writer_init(&writer, &model);
		for (size_t row = 0;
		     error == NULL && row < model.matrix.n && row < 8; row++)
			error = profile_writer_write_profile(
				&writer, &output, &model, row, row % 2 == 0);
		if (error == NULL)
			profile_writer_write_tags(&writer, &output);
		profile_writer_free(&writer);
	}
	model_close(&model);
	free(output.buffer);
}

/* As cs-knn, which looks at what it reads as it goes. */
static void search(void *context)
{
	static const char *const none[] = {NULL};
	struct model_checksums sums;
	struct sharded_model shards;
	char *paths[] = {context};
	const char *error = sharded_model_open(&shards, paths, 1, false);
	struct search_options how = {.metric = METRIC_EMBEDDING,
				     .limit = 3,
				     .min_score = -INFINITY,
				     .threads = 1,
				     .quiet = true};

	for (size_t row = 0;
	     error == NULL && row < shards.whole.matrix.n && row < 4; row++) {
		struct search_query query;
		struct search_result result;
		struct search_batch batch = {&query, 1, &result, 0};

		shards.probes = row % 2 != 0 && shards.indexes[0].cells > 0;
		how.d = shards.whole.k;
		error = sharded_model_query(&shards, &shards.whole, row,
					    &query);
		query.self = query.row = row;
		if (error == NULL)
			error = sharded_search_run(&shards, &how, &batch);
		if (error == NULL)
			search_results_free(&result, 1);
	}
	if (error == NULL) {
		model_checksums_begin(&sums, shards.models, 1, none, 1);
		model_checksums_end(&sums);
	}
	sharded_model_close(&shards);
}

static void verify(void *context)
{
	struct model_description description;
	struct model model;
	struct tally tally;
	struct fold_in fold;

	tally_is(context);
	if (model_open_matrix(&model, context, 1) == NULL)
		csr_matrix_check_rows(&model.matrix);
	model_close(&model);
	if (model_open_verified(&model, context, 1) == NULL)
		model_norm_squared(&model);
	model_close(&model);
	if (model_open_any(&model, context) == NULL)
		model_description_begin(&description, &model, 1);
	model_close(&model);
	if (tally_open(&tally, context) == NULL &&
	    tally_check_whole(&tally) == NULL)
		tally_use(&tally, VALUE_AUTO, 1);
	tally_close(&tally);
	if (fold_in_open(&fold, context) == NULL)
		fold_in_compare(&fold.model, &fold.model);
	fold_in_close(&fold);
}

static void serve(void *context)
{
	static struct display_names names;
	const struct served_model_options options = {.path = context,
						     .labels = &names};
	const char *error;

	served_model_release(served_model_open(&options, 1, &error));
}

static const char *count_rows(const struct model *model, void *rows)
{
	*(size_t *)rows += model->matrix.n;
	return NULL;
}

/* As the first of two shards. */
static void open_shards(void *context)
{
	struct model model;
	char first[80];
	size_t rows = 0;

	snprintf(first, sizeof first, "%s/0.bin", folder);
	unlink(first);
	if (symlink(context, first) != 0)
		__builtin_trap();
	model_open_columns(&model, folder, 1, count_rows, &rows);
	model_close(&model);
	model_open_any(&model, folder);
	model_close(&model);
}

/* Load it with an allocation that fails: the service has a model less, and no
 * descriptor more. */
static void serve_with_failure(const uint8_t *data, size_t size, size_t failing)
{
	char path[64];
	int first_fd = fuzz_first_fd(), fd = fuzz_file(data, size, path);

	atomic_store(&fuzz_allocations, failing);
	serve(path);
	atomic_store(&fuzz_allocations, 0);
	close(fd);
	if (fuzz_first_fd() != first_fd)
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const readers[])(void *path) = {
		describe, write_profiles, search, verify, serve, open_shards};
	size_t failing = fuzz_failing(data, size);

	fuzz_readers(data, size, readers, sizeof readers / sizeof *readers);
	if (failing > 0)
		serve_with_failure(data, size, failing);
	return 0;
}
