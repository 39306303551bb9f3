#include "factor.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "algebra.h"
#include "alloc.h"
#include "die.h"
#include "progress.h"
#include "random.h"
#include "stream.h"

enum { BLOCK = 16, PASS_LIMIT = 1000, SWEEPS = 5 };

/* Below this share of the largest, a singular value found through B^T B in
 * double precision is rounding error. */
static const double zero_share = 3e-7;

void factor_free(struct factor *factor)
{
	free(factor->sigma);
	free(factor->components);
	*factor = (struct factor){ 0 };
}

/* Column j of components is row j of vectors (count x m), its sign such that
 * the loading of largest magnitude, the first on ties, is positive. */
static void set_components(struct factor *factor, const double *vectors,
			   size_t m, size_t stride, size_t step)
{
	factor->components = alloc(alloc_product(m, factor->k),
				   sizeof *factor->components);
	for (size_t j = 0; j < factor->k; j++) {
		const double *v = vectors + j * stride;
		size_t top = 0;
		for (size_t i = 1; i < m; i++)
			if (fabs(v[i * step]) > fabs(v[top * step]))
				top = i;
		double sign = v[top * step] < 0 ? -1 : 1;
		for (size_t i = 0; i < m; i++)
			factor->components[i * factor->k + j] =
				sign * v[i * step];
	}
}

/* sigma from eigenvalues, cut at the rank. */
static void set_sigma(struct factor *factor, const double *values,
		      size_t count)
{
	double first = values[0] > 0 ? sqrt(values[0]) : 0;

	factor->sigma = alloc(count, sizeof *factor->sigma);
	factor->k = 0;
	for (size_t i = 0; i < count && values[i] > 0; i++) {
		double sigma = sqrt(values[i]);
		if (sigma <= zero_share * first)
			break;
		factor->sigma[factor->k++] = sigma;
	}
}

static const char *by_gram(struct factor *factor,
			   const struct operator *operator, size_t k)
{
	size_t m = operator->matrix->m;
	double *gram = alloc_resize(NULL, alloc_product(m, m), sizeof *gram);
	double *values = alloc(k, sizeof *values);
	double *vectors = alloc(alloc_product(k, m), sizeof *vectors);

	progress_begin("chunks", operator->chunks);
	operator_gram(operator, gram);
	progress_end();
	factor->passes = 1;
	const char *error = algebra_eigen(m, gram, k, values, vectors);
	if (error == NULL) {
		set_sigma(factor, values, k);
		set_components(factor, vectors, m, m, 1);
	}
	free(gram);
	free(values);
	free(vectors);
	return error;
}

/* ---------------------------------------------------------------- Lanczos */

struct lanczos {
	const struct operator *operator;
	unsigned threads;
	size_t m, k, b;
	size_t limit;		/* columns of the basis, at most */
	size_t used;		/* columns of the basis */
	size_t fresh;		/* the newest block's first column */
	size_t local;		/* where columns begin that C times the newest
				   block may have a part in */
	double *basis;		/* m x limit */
	double *t;		/* limit x limit: basis^T C basis, C = B^T B */
	double *y;		/* m x b: C times the newest block, then the
				   next block */
	double *r;		/* b x b: what is left of it, before that */
	double *values;		/* Ritz values, and vectors by row */
	double *vectors;
	size_t mapped;		/* bytes, where the basis is in a file */
};

/* The basis, in memory or in a mapped scratch file: the same numbers. */
static void place_basis(struct lanczos *s, size_t memory)
{
	size_t bytes = alloc_product(alloc_product(s->m, s->limit),
				     sizeof *s->basis);

	if (bytes <= memory) {
		s->basis = alloc_resize(NULL, bytes, 1);
		return;
	}
	int fd = scratch_open();
	if (ftruncate(fd, (off_t)bytes) != 0)
		die("a scratch file in $TMPDIR: cannot make it %zu bytes long",
		    bytes);
	s->basis = scratch_map(fd, bytes, true);
	s->mapped = bytes;
	close(fd);
}

static void append(struct lanczos *s)
{
	for (size_t i = 0; i < s->m; i++)
		memcpy(s->basis + i * s->limit + s->used, s->y + i * s->b,
		       s->b * sizeof *s->y);
	s->fresh = s->used;
	s->used += s->b;
}

static double least_diagonal(const double *r, size_t b)
{
	double least = fabs(r[0]);

	for (size_t i = 1; i < b; i++)
		if (fabs(r[i * b + i]) < least)
			least = fabs(r[i * b + i]);
	return least;
}

/* Make y orthonormal and orthogonal to the basis, whatever its rank; r takes
 * what y was in terms of it.  A column that had nothing new becomes some
 * direction that is new, with zeros in r. */
static void orthonormalize(struct lanczos *s, double *h)
{
	size_t b = s->b;
	double *part = alloc(b * b, sizeof *part);
	double *product = alloc(b * b, sizeof *product);

	algebra_qr(s->m, s->y, b, s->r);
	for (int sweep = 0; sweep < SWEEPS; sweep++) {
		algebra_project(s->threads, s->m, s->basis, s->limit, s->used,
				s->y, b, h);
		algebra_subtract(s->threads, s->m, s->basis, s->limit, s->used,
				 s->y, b, h);
		/* What was taken belongs to T: H R. */
		for (size_t i = 0; i < s->used; i++)
			for (size_t j = 0; j < b; j++) {
				double sum = 0;
				for (size_t l = 0; l <= j; l++)
					sum += h[i * b + l] * s->r[l * b + j];
				s->t[i * s->limit + s->fresh + j] += sum;
			}
		algebra_qr(s->m, s->y, b, part);
		algebra_multiply(b, part, s->r, product);
		memcpy(s->r, product, b * b * sizeof *s->r);
		/* Where a column shrank much, rounding error grew with it. */
		if (least_diagonal(part, b) > 0.7)
			break;
	}
	free(part);
	free(product);
}

/* Y = C V_newest, less its part in the basis, which goes into T. */
static void expand(struct lanczos *s)
{
	size_t b = s->b, p = s->used - s->local;
	double *h = alloc(s->used * b, sizeof *h);

	operator_apply(s->operator, s->basis + s->fresh, s->limit, b, s->y);
	for (size_t i = 0; i < s->used; i++)
		memset(s->t + i * s->limit + s->fresh, 0,
		       b * sizeof *s->t);
	algebra_project(s->threads, s->m, s->basis + s->local, s->limit, p,
			s->y, b, h);
	algebra_subtract(s->threads, s->m, s->basis + s->local, s->limit, p,
			 s->y, b, h);
	for (size_t i = 0; i < p; i++)
		memcpy(s->t + (s->local + i) * s->limit + s->fresh, h + i * b,
		       b * sizeof *h);
	orthonormalize(s, h);
	free(h);
	/* T is symmetric but for rounding: the mean of both halves. */
	for (size_t i = 0; i < s->fresh; i++)
		for (size_t j = s->fresh; j < s->used; j++)
			s->t[j * s->limit + i] = s->t[i * s->limit + j];
	for (size_t i = s->fresh; i < s->used; i++)
		for (size_t j = s->fresh; j < i; j++) {
			double mean = (s->t[i * s->limit + j] +
				       s->t[j * s->limit + i]) / 2;
			s->t[i * s->limit + j] = s->t[j * s->limit + i] = mean;
		}
}

/* Ritz pairs: the largest count of T. */
static const char *solve(struct lanczos *s, size_t count)
{
	double *copy = alloc(s->used * s->used, sizeof *copy);

	for (size_t i = 0; i < s->used; i++)
		memcpy(copy + i * s->used, s->t + i * s->limit,
		       s->used * sizeof *copy);
	const char *error = algebra_eigen(s->used, copy, count, s->values,
					  s->vectors);
	free(copy);
	return error;
}

/* The largest ||B^T u - s v|| / s_1 of the k wanted, from the Ritz pairs:
 * ||C v - s^2 v|| = ||R z||, z the vector's items in the newest block. */
static double worst_residual(const struct lanczos *s)
{
	double first = sqrt(fmax(s->values[0], 0)), worst = 0;

	for (size_t i = 0; i < s->k; i++) {
		const double *z = s->vectors + i * s->used + s->fresh;
		double sigma = sqrt(fmax(s->values[i], 0)), square = 0;
		if (sigma <= zero_share * first)
			continue;
		for (size_t row = 0; row < s->b; row++) {
			double sum = 0;
			for (size_t j = row; j < s->b; j++)
				sum += s->r[row * s->b + j] * z[j];
			square += sum * sum;
		}
		double residual = sqrt(square) / (sigma * first);
		if (residual > worst)
			worst = residual;
	}
	return worst;
}

/* basis = basis Z for the largest count Ritz vectors; T their values. */
static void turn(struct lanczos *s, size_t count)
{
	double *z = alloc(s->used * count, sizeof *z);

	for (size_t i = 0; i < s->used; i++)
		for (size_t j = 0; j < count; j++)
			z[i * count + j] = s->vectors[j * s->used + i];
	algebra_rotate(s->threads, s->m, s->basis, s->limit, s->used, z,
		       count);
	free(z);
	memset(s->t, 0, s->limit * s->limit * sizeof *s->t);
	for (size_t i = 0; i < count; i++)
		s->t[i * s->limit + i] = s->values[i];
	s->used = count;
}

static void begin_basis(struct lanczos *s, const struct factor_choices *choices)
{
	double *h = alloc(s->limit * s->b, sizeof *h);

	place_basis(s, choices->memory);
	for (size_t i = 0; i < s->m * s->b; i++)
		s->y[i] = random_normal(choices->seed, i);
	algebra_qr(s->m, s->y, s->b, s->r);
	append(s);
	free(h);
}

static const char *iterate(struct lanczos *s, double tolerance,
			   unsigned *passes)
{
	/* At a restart: more than k, or it would hardly get on. */
	size_t kept = (s->k + 2 * s->b - 1) / s->b * s->b;
	char note[64];

	progress_begin("passes", 0);
	for (*passes = 1;; ++*passes) {
		expand(s);
		progress_add(1);
		size_t count = kept < s->used ? kept : s->used;
		const char *error = solve(s, count);
		if (error != NULL)
			return error;
		double worst = count >= s->k ? worst_residual(s) : HUGE_VAL;
		snprintf(note, sizeof note, "worst residual %.1e", worst);
		progress_note(note);
		if (worst <= tolerance || s->values[0] <= 0)
			break;
		if (*passes >= PASS_LIMIT)
			return sentence("after %u passes the worst residual "
					"is %.2g, above the tolerance %g",
					*passes, worst, tolerance);
		/* C times a block has parts in that block and the one before. */
		s->local = s->fresh;
		if (s->used + s->b > s->limit) {
			turn(s, count);
			s->local = 0;
		}
		append(s);
	}
	progress_end();
	return NULL;
}

static void free_lanczos(struct lanczos *s)
{
	if (s->mapped > 0)
		munmap(s->basis, s->mapped);
	else
		free(s->basis);
	free(s->t);
	free(s->y);
	free(s->r);
	free(s->values);
	free(s->vectors);
}

static const char *by_lanczos(struct factor *factor,
			      const struct operator *operator, size_t limit,
			      const struct factor_choices *choices)
{
	struct lanczos s = { .operator = operator,
			     .threads = operator->threads,
			     .m = operator->matrix->m, .k = choices->k,
			     .b = BLOCK, .limit = limit };

	s.t = alloc(limit * limit, sizeof *s.t);
	s.y = alloc(alloc_product(s.m, s.b), sizeof *s.y);
	s.r = alloc(s.b * s.b, sizeof *s.r);
	s.values = alloc(limit, sizeof *s.values);
	s.vectors = alloc(limit * limit, sizeof *s.vectors);
	begin_basis(&s, choices);
	/* The estimate is below the truth by rounding: aim a little lower. */
	const char *error = iterate(&s, 0.9 * choices->tolerance,
				    &factor->passes);
	if (error == NULL) {
		turn(&s, s.k < s.used ? s.k : s.used);
		set_sigma(factor, s.values, s.used);
		set_components(factor, s.basis, s.m, 1, s.limit);
	}
	free_lanczos(&s);
	return error;
}

const char *factor_find(struct factor *factor, const struct operator *operator,
			const struct factor_choices *choices)
{
	struct factor_choices bounded = *choices;
	size_t m = operator->matrix->m, k = choices->k;

	*factor = (struct factor){ 0 };
	if (k > m)
		k = m;
	if (k > operator->matrix->n)
		k = operator->matrix->n;
	bounded.k = k;
	if (operator->energy <= 0)
		return NULL;
	size_t limit = 4 * k > k + 6 * BLOCK ? 4 * k : k + 6 * BLOCK;
	limit = (limit + BLOCK - 1) / BLOCK * BLOCK;
	if (m <= GRAM_TAGS || limit + BLOCK > m)
		return by_gram(factor, operator, k);
	return by_lanczos(factor, operator, limit, &bounded);
}
