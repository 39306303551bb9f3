#include "model/tally.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "model/safetensors_writer.h"
#include "model/profile_store.h"

const char *const tally_words[] = {[TALLY_TAGS] = "tags",
				   [TALLY_COUNTS] = "counts",
				   [TALLY_TENTHS] = "tenths",
				   NULL};

/* ---------------------------------------------------------------- reading */

bool tally_is(const char *path)
{
	struct stat status;
	struct input input = {0};
	struct safetensors format = {0};
	bool is = false;

	if (stat(path, &status) != 0 || !S_ISREG(status.st_mode))
		return false;
	if (input_try(&input, path) == NULL && input_try_map(&input) == NULL &&
	    safetensors_read(&format, input.bytes, input.size) == NULL)
		is = safetensors_option(&format, "tally.stage") != NULL;
	safetensors_free(&format);
	input_close(&input);
	return is;
}

static const char *read_stage(struct tally *tally)
{
	const char *word = safetensors_option(&tally->format, "tally.stage");
	int stage = 0;

	if (word == NULL)
		return "no tally: cs-matrix --tally makes them";
	while (tally_words[stage] != NULL &&
	       strcmp(tally_words[stage], word) != 0)
		stage++;
	if (tally_words[stage] == NULL)
		return error_text("its metadata have tally.stage \"%.40s\", "
				  "which is unknown",
				  word);
	tally->stage = (enum tally_stage)stage;
	return NULL;
}

/* Copy a tensor of counts, none of which is negative or above limit. */
static const char *copy_counts(const struct tally *tally, const char *name,
			       unsigned dims, size_t rows, size_t columns,
			       uint64_t limit, void *counts)
{
	const struct tensor *tensor;
	const char *error = safetensors_need(&tally->format, name, DTYPE_I64,
					     dims, rows, columns, &tensor);

	if (error != NULL)
		return error;
	const int64_t *items = tensor->bytes;
	for (size_t i = 0; i < rows * columns; i++)
		if (items[i] < 0 || (uint64_t)items[i] > limit)
			return error_text("tensor %s is damaged: item %zu",
					  name, i);
	memcpy(counts, items, rows * columns * sizeof *items);
	return NULL;
}

static const char *read_tags(struct tally *tally)
{
	const struct tensor *file;
	struct text_array texts;
	const char *error =
		text_array_view(&texts, &tally->format, "tags.offsets",
				"tags.bytes", UINT64_MAX);

	if (error == NULL && texts.count > INT32_MAX)
		error = "more than 2^31 - 1 tags";
	if (error == NULL)
		error = text_array_check(&texts, "tags");
	if (error == NULL)
		error = safetensors_need(&tally->format, "tags.file", DTYPE_I32,
					 1, texts.count, 1, &file);
	if (error != NULL)
		return error;
	tally->m = texts.count;
	tally->tags = alloc(tally->m, sizeof *tally->tags);
	tally->file = alloc(tally->m, sizeof *tally->file);
	for (size_t i = 0; i < tally->m; i++)
		tally->tags[i].text =
			text_array_at(&texts, i, &tally->tags[i].length);
	if (tally->m > 0)
		memcpy(tally->file, file->bytes,
		       tally->m * sizeof *tally->file);
	for (size_t i = 0; i < tally->m; i++)
		if (tally->file[i] < 0)
			return error_text(
				"tensor tags.file is damaged: item %zu", i);
	return NULL;
}

static const char *read_squares(struct tally *tally)
{
	const struct tensor *tensor;
	const char *error;

	if (safetensors_find(&tally->format, "tags.squares") == NULL)
		return NULL;
	error = safetensors_need(&tally->format, "tags.squares", DTYPE_I64, 2,
				 tally->m, EXACT_SUM_LIMBS, &tensor);
	if (error != NULL)
		return error;
	tally->counts.squares = alloc(tally->m, sizeof(struct exact_sum));
	if (tally->m > 0)
		memcpy(tally->counts.squares, tensor->bytes,
		       tally->m * sizeof(struct exact_sum));
	return NULL;
}

/* Those of active must be all customers who stay. */
static const char *check_active(const struct tally *tally)
{
	uint64_t sum = 0;

	for (size_t i = 0; i <= tally->m; i++)
		sum += tally->counts.active[i];
	return sum == tally->counts.customers
		       ? NULL
		       : "tensor active is damaged: another sum than totals";
}

static const char *read_counts(struct tally *tally)
{
	struct tag_tally *counts = &tally->counts;
	uint64_t *totals = tally->totals;
	const char *error = copy_counts(tally, "totals", 1, TALLY_TOTALS, 1,
					INT64_MAX >> 4, totals);

	tag_tally_begin(counts, tally->m, false);
	counts->customers = totals[TALLY_STAYING];
	if (error == NULL)
		error = copy_counts(tally, "tags.users", 1, tally->m, 1,
				    totals[TALLY_CUSTOMERS], counts->users);
	if (error != NULL || tally->stage == TALLY_TAGS)
		return error;
	error = copy_counts(tally, "active", 1, tally->m + 1, 1,
			    counts->customers, counts->active);
	if (error == NULL)
		error = check_active(tally);
	if (error == NULL)
		error = read_squares(tally);
	if (error != NULL || tally->stage == TALLY_COUNTS)
		return error;
	error = copy_counts(tally, "tags.tenths", 2, tally->m, TENTHS,
			    counts->customers, counts->tenths);
	return error != NULL
		       ? error
		       : copy_counts(tally, "tenths", 1, TENTHS, 1,
				     counts->customers, counts->tenth_size);
}

const char *tally_open(struct tally *tally, const char *path)
{
	const char *error;

	*tally = (struct tally){0};
	error = input_try(&tally->input, path);
	if (error == NULL)
		error = input_try_map(&tally->input);
	if (error == NULL)
		error = safetensors_read(&tally->format, tally->input.bytes,
					 tally->input.size);
	if (error == NULL)
		error = safetensors_verify_all(&tally->format, 1);
	if (error == NULL)
		error = read_stage(tally);
	if (error == NULL)
		error = read_tags(tally);
	if (error == NULL)
		error = read_counts(tally);
	if (error == NULL)
		tally->metadata =
			alloc_check(json_deep_copy(tally->format.metadata));
	return error;
}

const char *tally_check_whole(const struct tally *tally)
{
	const uint64_t *totals = tally->totals;

	if (totals[TALLY_READ] != totals[TALLY_CUSTOMERS])
		return error_text("its round counted %llu customers and the "
				  "one before it %llu: a shard is missing in "
				  "it, or counted twice",
				  (unsigned long long)totals[TALLY_READ],
				  (unsigned long long)totals[TALLY_CUSTOMERS]);
	if (totals[TALLY_CUSTOMERS] == 0)
		return "no customer is in it: a matrix without entries cannot "
		       "be made";
	return NULL;
}

static void select_tags(struct tally *tally, uint64_t min_users)
{
	size_t stay = 0;

	for (size_t i = 0; i < tally->m; i++) {
		if (tally->counts.users[i] < min_users)
			continue;
		tally->tags[stay] = tally->tags[i];
		tally->file[stay] = tally->file[i];
		tally->counts.users[stay++] = tally->counts.users[i];
	}
	tally->m = tally->counts.m = stay;
}

const char *tally_use(struct tally *tally, enum value asked, size_t min_users)
{
	if (tally->stage == TALLY_TAGS)
		select_tags(tally, min_users);
	if (tally->m == 0)
		return error_text("no tag has the %zu customers of --min-users",
				  min_users);
	if (tally->stage > TALLY_TAGS && tally->counts.customers == 0)
		return "no customer has the tags of --min-tags";
	tally->value = profile_store_choose(asked, tally->totals[TALLY_PAIRS],
					    tally->totals[TALLY_REPEATED],
					    &tally->repeated);
	tag_tally_rank(&tally->counts);
	return NULL;
}

static struct string_slice tag_at(const void *context, size_t i)
{
	const struct tally *tally = context;

	return tally->tags[i];
}

size_t tally_find(const struct tally *tally, const char *text, size_t length)
{
	return string_search(tally->m, tag_at, tally, text, length);
}

/* ---------------------------------------------------------------- writing */

/* Set list to the tensors of the tally; returns how many. */
static size_t list_tensors(const struct tally *tally, struct tensor list[9])
{
	size_t m = tally->m, bytes = 0, count = 5;

	for (size_t i = 0; i < m; i++)
		bytes += tally->tags[i].length;
	const struct tensor all[] = {
		{"tags.offsets", DTYPE_I64, 1, {m + 1, 1}, NULL, 0, 0},
		{"tags.bytes", DTYPE_U8, 1, {bytes, 1}, NULL, 0, 0},
		{"tags.file", DTYPE_I32, 1, {m, 1}, NULL, 0, 0},
		{"totals", DTYPE_I64, 1, {TALLY_TOTALS, 1}, NULL, 0, 0},
		{"tags.users", DTYPE_I64, 1, {m, 1}, NULL, 0, 0},
		{"active", DTYPE_I64, 1, {m + 1, 1}, NULL, 0, 0},
		{"tags.tenths", DTYPE_I64, 2, {m, TENTHS}, NULL, 0, 0},
		{"tenths", DTYPE_I64, 1, {TENTHS, 1}, NULL, 0, 0},
	};
	memcpy(list, all, sizeof all);
	count += tally->stage > TALLY_TAGS ? 1 : 0;
	count += tally->stage == TALLY_TENTHS ? 2 : 0;
	if (tally->stage > TALLY_TAGS && tally->counts.squares != NULL)
		list[count++] = (struct tensor){.name = "tags.squares",
						.type = DTYPE_I64,
						.dims = 2,
						.shape = {m, EXACT_SUM_LIMBS}};
	return count;
}

static void put_tags(const struct tally *tally, struct tensor_writer *writer)
{
	int64_t end = 0;

	tensor_writer_put(writer, &end, sizeof end);
	for (size_t i = 0; i < tally->m; i++) {
		end += (int64_t)tally->tags[i].length;
		tensor_writer_put(writer, &end, sizeof end);
	}
	for (size_t i = 0; i < tally->m; i++)
		tensor_writer_put(writer, tally->tags[i].text,
				  tally->tags[i].length);
	tensor_writer_put(writer, tally->file, tally->m * sizeof *tally->file);
}

void tally_write(const struct tally *tally, struct output *output)
{
	size_t m = tally->m;
	const struct tag_tally *counts = &tally->counts;
	struct tensor_writer writer;
	struct tensor list[9];
	size_t tensors = list_tensors(tally, list);

	tensor_writer_begin(&writer, output, tally->metadata, list, tensors);
	put_tags(tally, &writer);
	tensor_writer_put(&writer, tally->totals, sizeof tally->totals);
	tensor_writer_put(&writer, counts->users, m * sizeof *counts->users);
	if (tally->stage > TALLY_TAGS)
		tensor_writer_put(&writer, counts->active,
				  (m + 1) * sizeof *counts->active);
	if (tally->stage == TALLY_TENTHS) {
		tensor_writer_put(&writer, counts->tenths,
				  m * TENTHS * sizeof *counts->tenths);
		tensor_writer_put(&writer, counts->tenth_size,
				  sizeof counts->tenth_size);
	}
	if (tally->stage > TALLY_TAGS && counts->squares != NULL)
		tensor_writer_put(&writer, counts->squares,
				  m * sizeof *counts->squares);
	tensor_writer_end(&writer);
}

void tally_close(struct tally *tally)
{
	free(tally->tags);
	free(tally->file);
	tag_tally_free(&tally->counts);
	json_decref(tally->metadata);
	string_table_free(&tally->names);
	safetensors_free(&tally->format);
	input_close(&tally->input);
	*tally = (struct tally){0};
}
