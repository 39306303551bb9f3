#include "linalg/lanczos.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "linalg/dense.h"
#include "base/alloc.h"
#include "base/errors.h"
#include "base/progress.h"
#include "base/tempfile.h"
#include "base/random.h"

enum { BLOCK = BLOCK_COLUMNS * BLOCK_COLUMNS, PASS_LIMIT = 1000, SWEEPS = 5 };

/* The iteration ends without convergence after so many tests of the residual in
 * which it did not halve. */
enum { PATIENCE = 12 };

/* More than BLOCK_COLUMNS values as near as this, relative to them, may be one.
 */
static const double NEAR = 1e-4;

struct basis {
	struct tall_matrix tall;
	struct gram_pass *pass;
	size_t k;
	double floor;         /* as chosen */
	uint64_t seed, drawn; /* rows of signs taken from the seed */
	size_t limit;         /* strips, at most, without the next one */
	size_t used;          /* strips */
	size_t local;         /* the first strip that C times the newest
				 one may have a part in */
	void **strips;        /* limit + 1; strips[used] is the next one */
	size_t in_memory;     /* so many of them; the others in a file */
	void *map;            /* of that file */
	size_t mapped;
	double *t;       /* 16 limit x 16 limit: basis^T C basis */
	double *h;       /* a strip of T */
	double r[BLOCK]; /* what the next strip was multiplied by */
	double *values;  /* Ritz values, and vectors by row */
	double *vectors;
};

size_t lanczos_limit(size_t k)
{
	size_t least = k + 6 * BLOCK_COLUMNS;

	return ((4 * k > least ? 4 * k : least) + BLOCK_COLUMNS - 1) /
	       BLOCK_COLUMNS * BLOCK_COLUMNS;
}

void lanczos_free(struct lanczos *lanczos)
{
	free(lanczos->values);
	free(lanczos->vectors);
	*lanczos = (struct lanczos){0};
}

/* ------------------------------------------------------------------ basis */

/* Strips in memory as far as it goes, then in a mapped scratch file. */
static void place_strips(struct basis *s, size_t memory)
{
	size_t count = s->limit + 1;
	size_t bytes = alloc_product(alloc_product(s->tall.rows, BLOCK_COLUMNS),
				     s->tall.kernel->item);

	bytes = (bytes + 63) / 64 * 64;
	s->strips = alloc(count, sizeof *s->strips);
	s->in_memory = memory / bytes < count ? memory / bytes : count;
	for (size_t i = 0; i < s->in_memory; i++)
		s->strips[i] = dense_strip(&s->tall);
	if (s->in_memory == count)
		return;
	s->mapped = alloc_product(count - s->in_memory, bytes);
	int fd = tempfile_open();
	if (posix_fallocate(fd, 0, (off_t)s->mapped) != 0)
		die("a scratch file in $TMPDIR: no room for %zu bytes",
		    s->mapped);
	s->map = tempfile_map(fd, s->mapped, true);
	close(fd);
	for (size_t i = s->in_memory; i < count; i++)
		s->strips[i] = (char *)s->map + (i - s->in_memory) * bytes;
}

static bool is_mapped(const struct basis *s, const void *strip)
{
	const char *at = strip, *map = s->map;

	return s->mapped > 0 && at >= map && at < map + s->mapped;
}

static void end_basis(struct basis *s)
{
	for (size_t i = 0; i <= s->limit; i++)
		if (!is_mapped(s, s->strips[i]))
			free(s->strips[i]);
	if (s->mapped > 0)
		munmap(s->map, s->mapped);
	free(s->strips);
	free(s->t);
	free(s->h);
	free(s->values);
	free(s->vectors);
	gram_pass_end(s->pass);
}

/* Strip = random signs, as good to begin with as normal numbers. */
static void set_random(struct basis *s, void *strip)
{
	double row[BLOCK_COLUMNS];
	char *to = strip;

	for (size_t i = 0; i < s->tall.rows; i++) {
		uint64_t bits = random_bits(s->seed, s->drawn++);
		for (size_t j = 0; j < BLOCK_COLUMNS; j++)
			row[j] = bits >> (63 - j) & 1 ? -1 : 1;
		s->tall.kernel->from_double(row, to, BLOCK_COLUMNS);
		to += BLOCK_COLUMNS * s->tall.kernel->item;
	}
}

static void begin_basis(struct basis *s, const struct gram_operator *op,
			const struct block_kernel *kernel,
			const struct lanczos_options *choices)
{
	size_t limit = lanczos_limit(choices->k);

	*s = (struct basis){
		.tall = {kernel, op->threads, op->matrix->m},
		.k = choices->k,
		.floor = choices->floor,
		.seed = choices->seed,
		.limit = limit / BLOCK_COLUMNS,
		.pass = gram_pass_begin(op, kernel),
	};
	s->t = alloc(limit * limit, sizeof *s->t);
	s->h = alloc(limit * BLOCK_COLUMNS, sizeof *s->h);
	s->values = alloc(limit, sizeof *s->values);
	s->vectors = alloc(limit * limit, sizeof *s->vectors);
	place_strips(s, choices->memory);
	set_random(s, s->strips[0]);
	dense_qr(&s->tall, s->strips[0], s->r);
}

/* ------------------------------------------------------------------- steps */

static double *t_at(struct basis *s, size_t row, size_t column)
{
	return s->t + row * s->limit * BLOCK_COLUMNS + column;
}

/* Take the part in strips first to used - 1 off the next one, into h. */
static void sweep(struct basis *s, size_t first)
{
	size_t count = s->used - first;
	void *next = s->strips[s->used];

	dense_project(&s->tall, count, s->strips + first, next, s->h);
	dense_combine(&s->tall, count, s->strips + first, s->h, -1, next);
}

static double least_diagonal(const double *r)
{
	double least = fabs(r[0]);

	for (size_t i = 1; i < BLOCK_COLUMNS; i++)
		least = fmin(least, fabs(r[i * BLOCK_COLUMNS + i]));
	return least;
}

/* Make the next strip orthonormal and orthogonal to the basis, whatever its
 * rank; r takes what it was in terms of that.  A column that had nothing new
 * becomes some direction that is new, with zeros in r. */
static void orthonormalize(struct basis *s)
{
	double part[BLOCK], product[BLOCK];
	size_t newest = (s->used - 1) * BLOCK_COLUMNS;

	dense_qr(&s->tall, s->strips[s->used], s->r);
	for (int i = 0; i < SWEEPS; i++) {
		sweep(s, 0);
		/* What was taken belongs to T: H R. */
		for (size_t row = 0; row < s->used * BLOCK_COLUMNS; row++)
			for (size_t j = 0; j < BLOCK_COLUMNS; j++)
				for (size_t l = 0; l <= j; l++)
					*t_at(s, row, newest + j) +=
						s->h[row * BLOCK_COLUMNS + l] *
						s->r[l * BLOCK_COLUMNS + j];
		dense_qr(&s->tall, s->strips[s->used], part);
		dense_multiply(BLOCK_COLUMNS, part, s->r, product);
		memcpy(s->r, product, sizeof s->r);
		/* Where a column shrank much, rounding error grew with it. */
		if (least_diagonal(part) > 0.7)
			break;
	}
}

/* T is symmetric but for rounding. */
static void symmetrize(struct basis *s, size_t newest)
{
	size_t end = newest + BLOCK_COLUMNS;

	for (size_t i = 0; i < newest; i++)
		for (size_t j = newest; j < end; j++)
			*t_at(s, j, i) = *t_at(s, i, j);
	for (size_t i = newest; i < end; i++)
		for (size_t j = newest; j < i; j++)
			*t_at(s, i, j) = *t_at(s, j, i) =
				(*t_at(s, i, j) + *t_at(s, j, i)) / 2;
}

/* The next strip is C times the newest, less its part in the basis, which
 * goes into T. */
static void expand(struct basis *s)
{
	size_t newest = (s->used - 1) * BLOCK_COLUMNS,
	       first = s->local * BLOCK_COLUMNS;

	gram_pass_apply(s->pass, s->strips[s->used - 1], s->strips[s->used]);
	for (size_t i = 0; i < s->used * BLOCK_COLUMNS; i++)
		memset(t_at(s, i, newest), 0, BLOCK_COLUMNS * sizeof *s->t);
	sweep(s, s->local);
	for (size_t i = first; i < s->used * BLOCK_COLUMNS; i++)
		memcpy(t_at(s, i, newest), s->h + (i - first) * BLOCK_COLUMNS,
		       BLOCK_COLUMNS * sizeof *s->h);
	orthonormalize(s);
	symmetrize(s, newest);
}

/* The largest count Ritz pairs. */
static const char *solve(struct basis *s, size_t count)
{
	size_t n = s->used * BLOCK_COLUMNS;
	double *copy = alloc(n * n, sizeof *copy);

	for (size_t i = 0; i < n; i++)
		memcpy(copy + i * n, t_at(s, i, 0), n * sizeof *copy);
	const char *error = dense_eigen(n, copy, count, s->values, s->vectors);
	free(copy);
	return error;
}

/* The largest ||B^T u - s v|| / s_1 of the first count Ritz pairs:
 * ||C v - s^2 v|| = ||R z||, z the vector's items in the newest strip.  What
 * is zero to the precision has no residual. */
static double worst_residual(const struct basis *s, size_t count)
{
	size_t n = s->used * BLOCK_COLUMNS;
	double first = s->values[0], worst = 0;

	for (size_t i = 0; i < count && s->values[i] > s->floor * first; i++) {
		const double *z = s->vectors + i * n + n - BLOCK_COLUMNS;
		double square = 0;
		for (size_t row = 0; row < BLOCK_COLUMNS; row++) {
			double sum = 0;
			for (size_t j = row; j < BLOCK_COLUMNS; j++)
				sum += s->r[row * BLOCK_COLUMNS + j] * z[j];
			square += sum * sum;
		}
		worst = fmax(worst, sqrt(square / (s->values[i] * first)));
	}
	return worst;
}

/* basis = basis Z for the largest count Ritz vectors, in strips, of which the
 * last is filled up with zeros. */
static void turn(struct basis *s, size_t count)
{
	size_t n = s->used * BLOCK_COLUMNS,
	       strips = (count + BLOCK_COLUMNS - 1) / BLOCK_COLUMNS;
	double *z = alloc(n * strips * BLOCK_COLUMNS, sizeof *z);

	for (size_t j = 0; j < count; j++)
		for (size_t i = 0; i < n; i++)
			z[(j / BLOCK_COLUMNS * n + i) * BLOCK_COLUMNS +
			  j % BLOCK_COLUMNS] = s->vectors[j * n + i];
	dense_rotate(&s->tall, s->used, strips, s->strips, z);
	free(z);
	s->used = strips;
}

/* T for a basis of the largest count Ritz vectors. */
static void set_diagonal(struct basis *s, size_t count)
{
	memset(s->t, 0,
	       s->limit * BLOCK_COLUMNS * s->limit * BLOCK_COLUMNS *
		       sizeof *s->t);
	for (size_t i = 0; i < count; i++)
		*t_at(s, i, i) = s->values[i];
	s->local = 0;
}

/* Go on from the largest count Ritz vectors and the next strip. */
static void restart(struct basis *s, size_t count)
{
	void *next = s->strips[s->used];
	size_t before = s->used;

	turn(s, count);
	s->strips[before] = s->strips[s->used];
	s->strips[s->used] = next;
	set_diagonal(s, count);
}

/* Go on from the k Ritz vectors and a random strip. */
static void restart_randomly(struct basis *s)
{
	turn(s, s->k);
	set_random(s, s->strips[s->used]);
	orthonormalize(s);
	set_diagonal(s, s->k);
}

/* ------------------------------------------------------------ when to stop */

/* The residual falls by about the same factor in each step: what the last two
 * tests say of it. */
struct convergence {
	double tolerance;
	double worst, before; /* the last two residuals, 0: none yet */
	unsigned step, step_before;
	double best;
	unsigned idle; /* tests since the best was halved */
	unsigned next; /* step of the next test */
	double sum;    /* of the values at the last random restart */
	double begun;  /* seconds */
};

static double seconds(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* How many steps were left at the last test, by the last two; 0 where they do
 * not say. */
static double steps_left(const struct convergence *convergence)
{
	if (convergence->before <= 0 ||
	    convergence->worst >= convergence->before)
		return 0;
	double fall = log(convergence->before / convergence->worst) /
		      (convergence->step - convergence->step_before);
	return fmax(0, log(convergence->worst / convergence->tolerance) / fall);
}

static void say(const struct convergence *convergence, unsigned step)
{
	char note[64];
	double left = steps_left(convergence) - (step - convergence->step);
	double each = (seconds() - convergence->begun) / step;

	if (convergence->step == 0)
		return;
	if (left > 0)
		snprintf(note, sizeof note,
			 "worst residual %.1e, about %.0f s left",
			 convergence->worst, ceil(left * each));
	else
		snprintf(note, sizeof note, "worst residual %.1e",
			 convergence->worst);
	progress_note(note);
}

/* Take in a test, and decide when the next one is: a test costs about as much
 * as a step, so half of the way that seems left is gone without one. */
static void record(struct convergence *convergence, unsigned step, double worst)
{
	convergence->before = convergence->worst;
	convergence->step_before = convergence->step;
	convergence->worst = worst;
	convergence->step = step;
	if (convergence->best == 0 || worst < convergence->best / 2) {
		convergence->best = worst;
		convergence->idle = 0;
	} else {
		convergence->idle++;
	}
	double skip = floor(steps_left(convergence) / 2);
	convergence->next = step + (skip < 2   ? 1
				    : skip > 8 ? 8
					       : (unsigned)skip);
}

/* ----------------------------------------------------------------- copies */

static double sum_values(const struct basis *s)
{
	double sum = 0;

	for (size_t i = 0; i < s->k; i++)
		sum += s->values[i];
	return sum;
}

/* Whether BLOCK_COLUMNS of the values wanted, and not the last, are near each
 * other. */
static bool is_crowded(const struct basis *s)
{
	for (size_t i = 0; i + BLOCK_COLUMNS < s->k; i++)
		if (s->values[i] - s->values[i + BLOCK_COLUMNS - 1] <
		    NEAR * s->values[i])
			return true;
	return false;
}

/* Whether the values found are the largest, or else go on.  Of a value that
 * stands more than BLOCK_COLUMNS times, the space of one strip has
 * BLOCK_COLUMNS directions alone: where there may be such a value, what is
 * found is kept, and a random strip must find no more, its own largest value
 * known as well. */
static bool is_complete(struct basis *s, struct convergence *convergence)
{
	double sum = sum_values(s);
	double error = s->floor * (double)s->k * s->values[0];

	convergence->idle = 0;
	if (convergence->sum == 0) {
		if (!is_crowded(s))
			return true;
		/* What is kept adds its residual to that of what comes. */
		if (convergence->worst > convergence->tolerance / 4)
			return false;
	} else {
		if (worst_residual(s, s->k + 1) > convergence->tolerance)
			return false;
		if (sum <= convergence->sum + error)
			return true;
	}
	restart_randomly(s);
	*convergence = (struct convergence){.tolerance = convergence->tolerance,
					    .begun = convergence->begun,
					    .sum = sum};
	return false;
}

/* ------------------------------------------------------------------ solver */

/* Compute the Ritz pairs of the basis and their residuals; true where all are
 * within the tolerance, or where the residual no longer falls. */
static bool is_done(struct basis *s, struct lanczos *lanczos,
		    struct convergence *convergence, unsigned step)
{
	lanczos->worst = worst_residual(s, s->k);
	record(convergence, step, lanczos->worst);
	lanczos->reached = lanczos->worst <= convergence->tolerance &&
			   is_complete(s, convergence);
	return lanczos->reached || s->values[0] <= 0 ||
	       convergence->idle >= PATIENCE || step >= PASS_LIMIT;
}

static const char *iterate(struct basis *s, struct lanczos *lanczos,
			   const struct lanczos_options *choices)
{
	struct convergence convergence = {.tolerance = choices->tolerance,
					  .begun = seconds()};
	/* At a restart: more than k, or it would hardly get on. */
	size_t kept =
		(s->k + 2 * BLOCK_COLUMNS - 1) / BLOCK_COLUMNS * BLOCK_COLUMNS;

	for (unsigned step = 1;; step++) {
		s->used++;
		expand(s);
		s->local = s->used - 1;
		say(&convergence, step);
		progress_add(1);
		lanczos->passes++;
		if (s->used * BLOCK_COLUMNS < kept + BLOCK_COLUMNS ||
		    (s->used < s->limit && step < convergence.next))
			continue;
		const char *error = solve(s, kept);
		if (error != NULL || is_done(s, lanczos, &convergence, step))
			return error;
		if (s->used == s->limit)
			restart(s, kept);
	}
}

/* The k Ritz vectors, by row. */
static void take_vectors(struct basis *s, struct lanczos *lanczos)
{
	size_t m = s->tall.rows, item = s->tall.kernel->item;

	turn(s, s->k);
	lanczos->ld = s->used * BLOCK_COLUMNS;
	lanczos->vectors = alloc_aligned(alloc_product(m, lanczos->ld),
					 sizeof *lanczos->vectors);
	for (size_t i = 0; i < m; i++)
		for (size_t j = 0; j < s->used; j++)
			s->tall.kernel->to_double(
				(char *)s->strips[j] + i * BLOCK_COLUMNS * item,
				lanczos->vectors + i * lanczos->ld +
					j * BLOCK_COLUMNS,
				BLOCK_COLUMNS);
	if (item == sizeof(float))
		dense_polish(m, s->k, lanczos->ld, lanczos->vectors);
	lanczos->values = alloc(s->k, sizeof *lanczos->values);
	memcpy(lanczos->values, s->values, s->k * sizeof *s->values);
}

const char *lanczos_find(struct lanczos *lanczos,
			 const struct gram_operator *op,
			 const struct block_kernel *kernel,
			 const struct lanczos_options *choices)
{
	struct basis s;

	begin_basis(&s, op, kernel, choices);
	lanczos->k = s.k;
	progress_begin("passes", 0);
	const char *error = iterate(&s, lanczos, choices);
	progress_end();
	if (error == NULL)
		take_vectors(&s, lanczos);
	end_basis(&s);
	return error;
}
