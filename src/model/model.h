/* model: what a model file holds, and the look-up of a customer. */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>

#include "model/safetensors.h"
#include "model/csr_matrix.h"
#include "model/joined_shards.h"
#include "base/io.h"

enum scale { SCALE_US, SCALE_SQRT, SCALE_U };
enum center { CENTER_NONE, CENTER_ROW, CENTER_COLUMN };

/* The words of both enums, in order, NULL-terminated. */
extern const char *const scale_words[], *const center_words[];

struct model {
	struct input input;
	struct safetensors file;
	struct csr_matrix matrix;
	size_t k;                     /* columns of the embedding */
	const float *embedding;       /* n x k, rows as the file has them */
	const float *captured;        /* n: the share of each row's squared
					 length that the embedding holds
					 (model/captured.h), or NULL: made
					 by an earlier version */
	const double *components;     /* m x k */
	const double *sigma;          /* k, falling */
	const double *mean;           /* m, or NULL without column centring */
	const double *residual;       /* k */
	double median_pair, top_pair; /* "pairs": median, 99th percentile */
	enum scale scale;
	enum center center;
	double shift; /* how often a row lost tags.mean: once; for
			 an audience (explain/query_row.h) less or more */
	struct joined_shards *joined; /* private: while they are joined */
};

/* Map and check the file: header, shapes, options, components and sigma
 * finite.  The embedding is not read.  A directory of shards is opened as one
 * model that has the customers of all (model/joined_shards.h), by this function
 * and those below.  An error text does not name the file; input.name does. */
const char *model_open(struct model *model, const char *path);

/* The same, and every byte compared with its checksum by so many threads. */
const char *model_open_verified(struct model *model, const char *path,
				unsigned threads);

/* Open a matrix, which must be no model, and compare every byte with its
 * checksum; the fields of a model are NULL or 0.  Rows are not checked. */
const char *model_open_matrix(struct model *model, const char *path,
			      unsigned threads);

/* The same as model_open of a copy of the file, whose every byte is checked:
 * what becomes of the file changes nothing. */
const char *model_open_copy(struct model *model, const char *path);

/* The same as model_open for a model or a matrix, which is a model without
 * dimensions: k is 0, and what cs-svd adds is NULL. */
const char *model_open_any(struct model *model, const char *path);

/* The same as model_open_any and model_open_verified, for who needs what all
 * rows share, and rows one file at a time: visit, unless NULL, is called with
 * each.  Of a directory, whose shards are not joined, model is the first shard;
 * of the others the headers are checked, and the bytes where visit is set. */
const char *
model_open_columns(struct model *model, const char *path, unsigned threads,
		   const char *(*visit)(const struct model *, void *),
		   void *context);

/* An error text for a matrix, NULL for a model. */
const char *model_refuse_matrix(const struct model *model);

void model_close(struct model *model);

/* ||B||_F^2 of the matrix that was decomposed, centred as it was; 0 where it is
 * not known. */
double model_norm_squared(const struct model *model);

/* The share of that which a triplet holds, sigma^2 / ||B||_F^2; 0 where it is
 * not known. */
double model_share(const struct model *model, size_t triplet);

/* The id of the model: of a shard, that of the set (shard.set), else that of
 * the file's content; 16 hexadecimal digits and a zero byte. */
void model_id(const struct model *model, char id[17]);

/* The row of the customer, or SIZE_MAX. */
size_t model_find(const struct model *model, const char *name, size_t length);

/* Up to three names near to the given one: least edit distance (at most a
 * third of its length rounded up, and at most 3), ties by bytes; those that
 * differ by zeros before them alone count as at distance 1; written as
 * "a, b, c", "" for none.  Returns text. */
char *model_near(const struct model *model, const char *name, size_t length,
		 char *text, size_t room);

#endif
