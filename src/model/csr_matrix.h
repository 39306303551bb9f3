/* csr_matrix: sparse customers x tags as a file holds them: views, no copies.
 */
#ifndef MODEL_CSR_MATRIX_H
#define MODEL_CSR_MATRIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/safetensors.h"

/* Customers are cut by their number of tags into ten groups of about equal
 * size, ties by a hash of the name (model/tag_tally.h): tenth 0 has the
 * customers with the fewest tags.  Part of the file format. */
enum { TENTHS = 10 };

/* n sorted texts back to back; text i is bytes[offsets[i] .. offsets[i+1]). */
struct text_array {
	const int64_t *offsets; /* count + 1 */
	const unsigned char *bytes;
	size_t count;
};

/* CSR, n customers x m tags.  Customers and tags ascend by raw bytes; within
 * a row indices ascend. */
struct csr_matrix {
	size_t n, m, nnz;
	const int64_t *indptr;  /* n + 1 */
	const int32_t *indices; /* nnz */
	const float *values;    /* nnz: weighted; what all arithmetic uses */
	const float *raw;       /* nnz: in the events' own unit; only shown */
	struct text_array users, tags;
	const unsigned char *tenth; /* n: the customer's tenth, below TENTHS */
	const double *weight;       /* m: the column's weight */
	const int64_t *tenths;      /* m x TENTHS: customers with the tag, by
				       their tenth */
	const int64_t *tenth_size;  /* TENTHS: customers in each tenth */
	const char *customer, *tag, *value; /* the user's names of columns */
};

/* View the matrix in a file whose header is checked.  Checks what the header
 * alone cannot: indptr[0] and indptr[n], offsets of texts likewise.  Rows are
 * checked as they are used, by csr_matrix_check_row. */
const char *csr_matrix_view(struct csr_matrix *matrix,
			    const struct safetensors *format);

/* Check row i: bounds of indptr, indices ascending and below m, values
 * finite.  NULL or an error text that names the row. */
const char *csr_matrix_check_row(const struct csr_matrix *matrix, size_t row);

/* csr_matrix_check_row for every row: the error of the first that has one. */
const char *csr_matrix_check_rows(const struct csr_matrix *matrix);

/* View the texts of two tensors of a file whose header is checked; count is how
 * many there must be, or UINT64_MAX.  NULL or an error text. */
const char *text_array_view(struct text_array *texts,
			    const struct safetensors *format,
			    const char *offsets, const char *bytes,
			    uint64_t count);

/* Check that offsets ascend and end where the bytes do, and that names are not
 * empty and ascend bytewise.  what is "users" or "tags". */
const char *text_array_check(const struct text_array *texts, const char *what);

/* Whether the row has a value that is not zero. */
bool csr_matrix_has_weight(const struct csr_matrix *matrix, size_t row);

/* Text i and its length; offsets out of bounds give length 0. */
const char *text_array_at(const struct text_array *texts, size_t i,
			  size_t *length);

/* The index of the text, or SIZE_MAX, by bisection. */
size_t text_array_find(const struct text_array *texts, const char *text,
		       size_t length);

/* The same of a text as JSON shows it (text/json_writer.h): one that is not
 * UTF-8, or is ambiguous, with % and two digits for bytes; else as it is. */
size_t text_array_find_shown(const struct text_array *texts, const char *text,
			     size_t length);

#endif
