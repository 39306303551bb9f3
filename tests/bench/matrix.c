/* matrix: a sparse matrix of any size from a seed, in the form of cs-matrix.
 *
 * A customer has three of TOPICS topics.  A topic is an order of the tags; how
 * often one is drawn falls with its place as in Zipf's law, and a third of the
 * draws are from an order that all share.  Values are log(1 + draws), rows of
 * length 1. */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "model/safetensors_writer.h"
#include "base/options.h"
#include "base/random.h"
#include "base/tempfile.h"
#include "base/io.h"

enum { KEY_SEED = 256, KEY_CUSTOMERS, KEY_TAGS, KEY_ENTRIES };
enum { TOPICS = 48, OWN_TOPICS = 3, TENTHS = 10 };
enum { MEMORY = 1 << 20 };

struct maker {
	size_t seed, customers, tags, entries;
	uint64_t drawn; /* numbers taken from the seed */
	int32_t *draws;
	size_t room;
	struct tempfile indptr, indices, values;
	int64_t count;
};

static struct maker chosen = {
	.seed = 1, .customers = 10000, .tags = 1000, .entries = 200000};
static const char *path; /* NULL: standard output */

static const struct option_row rows[] = {
	{"Size", KEY_SEED, "seed", "N", "decides every choice [1]",
	 OPTION_TO_INTEGER(chosen.seed, 0, INT64_MAX)},
	{NULL, KEY_CUSTOMERS, "customers", "N", "[10000]",
	 OPTION_TO_INTEGER(chosen.customers, 1, 99999999)},
	{NULL, KEY_TAGS, "tags", "N", "[1000]",
	 OPTION_TO_INTEGER(chosen.tags, 1, 99999999)},
	{NULL, KEY_ENTRIES, "entries", "N", "about so many [200000]",
	 OPTION_TO_INTEGER(chosen.entries, 1, 1L << 40)},
	OPTION_OUTPUT_TO("Output", path),
	OPTION_COMMON};

static const struct options_text text = {
	.name = "matrix",
	.usage = "matrix [OPTION]...",
	.purpose = "Write a sparse matrix made from a seed, as cs-matrix does.",
	.footer = "exit: 0 done; 2 wrong use or output",
	.rows = rows,
};

static double uniform(struct maker *maker)
{
	return random_uniform(maker->seed, maker->drawn++);
}

/* The tag at a place of a topic's order: steps of a size without a factor in
 * common with the number of tags give each tag once. */
static size_t place_to_tag(const struct maker *maker, size_t topic,
			   size_t place)
{
	size_t m = maker->tags;
	size_t step = random_bits(maker->seed ^ 0x5bd1, 2 * topic) % m | 1;
	size_t start = random_bits(maker->seed ^ 0x5bd1, 2 * topic + 1) % m;

	return (size_t)((unsigned long long)place * step % m + start) % m;
}

static int compare(const void *a, const void *b)
{
	int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

	return (x > y) - (x < y);
}

/* Equal draws become one entry. */
static void add_row(struct maker *maker, size_t count)
{
	float *values = alloc(count, sizeof *values);
	size_t kept = 0;
	double square = 0;

	qsort(maker->draws, count, sizeof *maker->draws, compare);
	for (size_t i = 0, next; i < count; i = next) {
		for (next = i;
		     next < count && maker->draws[next] == maker->draws[i];)
			next++;
		maker->draws[kept] = maker->draws[i];
		values[kept] = (float)log1p((double)(next - i));
		square += (double)values[kept] * (double)values[kept];
		kept++;
	}
	for (size_t i = 0; i < kept; i++)
		values[i] = (float)((double)values[i] / sqrt(square));
	tempfile_add(&maker->indices, maker->draws,
		     kept * sizeof *maker->draws);
	tempfile_add(&maker->values, values, kept * sizeof *values);
	maker->count += (int64_t)kept;
	free(values);
}

static void make_row(struct maker *maker)
{
	/* Repeated draws are lost, about a fifth of them. */
	double mean = 1.25 * (double)maker->entries / (double)maker->customers;
	double spread =
		0.7 * random_normal(maker->seed ^ 0x9e37, maker->drawn++);
	double wanted = mean * exp(spread - 0.245);
	size_t most = maker->tags * 2;
	size_t count = wanted < 1              ? 1
		       : wanted > (double)most ? most
					       : (size_t)wanted;
	size_t own[OWN_TOPICS];

	for (size_t i = 0; i < OWN_TOPICS; i++)
		own[i] = 1 + (size_t)(uniform(maker) * TOPICS);
	maker->draws = alloc_grow(maker->draws, &maker->room, count,
				  sizeof *maker->draws);
	for (size_t i = 0; i < count; i++) {
		double u = uniform(maker);
		size_t which = (size_t)(u * 3 * OWN_TOPICS / 2.0);
		size_t topic = which < OWN_TOPICS ? own[which] : 0;
		size_t place =
			(size_t)pow((double)maker->tags, uniform(maker)) - 1;
		maker->draws[i] = (int32_t)place_to_tag(maker, topic, place);
	}
	add_row(maker, count);
}

static void make_rows(struct maker *maker)
{
	tempfile_begin(&maker->indptr, MEMORY);
	tempfile_begin(&maker->indices, MEMORY);
	tempfile_begin(&maker->values, MEMORY);
	tempfile_add(&maker->indptr, &maker->count, sizeof maker->count);
	for (size_t i = 0; i < maker->customers; i++) {
		make_row(maker);
		tempfile_add(&maker->indptr, &maker->count,
			     sizeof maker->count);
	}
}

/* Names are numbers of eight digits, which ascend. */
static void put_names(struct tensor_writer *writer, size_t count)
{
	char name[16];

	for (size_t i = 0; i <= count; i++) {
		int64_t offset = 8 * (int64_t)i;
		tensor_writer_put(writer, &offset, sizeof offset);
	}
	for (size_t i = 0; i < count; i++) {
		snprintf(name, sizeof name, "%08zu", i % 100000000);
		tensor_writer_put(writer, name, 8);
	}
}

static void put_zeros(struct tensor_writer *writer, size_t size)
{
	static const unsigned char zeros[1 << 16];

	for (; size > sizeof zeros; size -= sizeof zeros)
		tensor_writer_put(writer, zeros, sizeof zeros);
	tensor_writer_put(writer, zeros, size);
}

static void write_matrix(struct maker *maker, struct output *output)
{
	size_t n = maker->customers, m = maker->tags;
	size_t nnz = (size_t)maker->count;
	const struct tensor tensors[] = {
		{"profile.indptr", DTYPE_I64, 1, {n + 1, 1}, NULL, 0, 0},
		{"profile.indices", DTYPE_I32, 1, {nnz, 1}, NULL, 0, 0},
		{"profile.values", DTYPE_F32, 1, {nnz, 1}, NULL, 0, 0},
		{"profile.raw", DTYPE_F32, 1, {nnz, 1}, NULL, 0, 0},
		{"users.offsets", DTYPE_I64, 1, {n + 1, 1}, NULL, 0, 0},
		{"users.bytes", DTYPE_U8, 1, {8 * n, 1}, NULL, 0, 0},
		{"users.tenth", DTYPE_U8, 1, {n, 1}, NULL, 0, 0},
		{"tags.offsets", DTYPE_I64, 1, {m + 1, 1}, NULL, 0, 0},
		{"tags.bytes", DTYPE_U8, 1, {8 * m, 1}, NULL, 0, 0},
		{"tags.weight", DTYPE_F64, 1, {m, 1}, NULL, 0, 0},
		{"tags.tenths", DTYPE_I64, 2, {m, TENTHS}, NULL, 0, 0},
		{"tenths", DTYPE_I64, 1, {TENTHS, 1}, NULL, 0, 0},
	};
	size_t count = sizeof tensors / sizeof *tensors;
	json_t *metadata = json_object();
	struct tensor_writer writer;

	metadata_set(metadata, "matrix.value", "sum");
	tensor_writer_begin(&writer, output, metadata, tensors, count);
	tensor_writer_put(&writer, tempfile_bytes(&maker->indptr),
			  maker->indptr.size);
	tensor_writer_put(&writer, tempfile_bytes(&maker->indices),
			  maker->indices.size);
	tensor_writer_put(&writer, tempfile_bytes(&maker->values),
			  maker->values.size);
	tensor_writer_put(&writer, tempfile_bytes(&maker->values),
			  maker->values.size);
	put_names(&writer, n);
	put_zeros(&writer, n);
	put_names(&writer, m);
	put_zeros(&writer, 8 * m);
	put_zeros(&writer, 8 * TENTHS * m);
	put_zeros(&writer, 8 * TENTHS);
	tensor_writer_end(&writer);
	json_decref(metadata);
}

int main(int argc, char *argv[])
{
	struct output output;

	options_read(&text, argc, argv);
	output_open(&output, path);
	make_rows(&chosen);
	write_matrix(&chosen, &output);
	output_close(&output);
	return STATUS_DONE;
}
