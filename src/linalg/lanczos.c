#include "linalg/lanczos.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/progress.h"
#include "linalg/lanczos_basis.h"

/* Products with C, at most. */
enum { PASS_LIMIT = 1000 };

/* The iteration ends without convergence after so many tests of the residual in
 * which it did not halve. */
enum { PATIENCE = 12 };

/* BLOCK_COLUMNS values that differ by less than this, relative to the largest
 * of them, may be one value of higher multiplicity. */
static const double NEAR = 1e-4;

void lanczos_free(struct lanczos *lanczos)
{
	free(lanczos->values);
	free(lanczos->vectors);
	*lanczos = (struct lanczos){0};
}

/* ------------------------------------------------------------ when to stop */

/* The history of residuals.  They fall by about the same factor in each step,
 * so the last two tests predict how many steps are left. */
struct convergence {
	double tolerance;
	double worst, before;       /* the last two residuals; 0: none yet */
	unsigned step, step_before; /* the steps of these tests */
	double best;                /* the smallest residual so far */
	unsigned idle;              /* tests since the best was halved */
	unsigned next;              /* step of the next test */
	double sum;                 /* of the values at the last random
				       restart; 0: none yet */
	double begun;               /* clock, in seconds */
};

static double seconds(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* How many steps were left at the last test, predicted from the last two; 0
 * where the residual did not fall. */
static double steps_left(const struct convergence *convergence)
{
	if (convergence->before <= 0 ||
	    convergence->worst >= convergence->before)
		return 0;
	double fall = log(convergence->before / convergence->worst) /
		      (convergence->step - convergence->step_before);
	return fmax(0, log(convergence->worst / convergence->tolerance) / fall);
}

static void show_progress(const struct convergence *convergence, unsigned step)
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
	progress_set_text(note);
}

/* Record a test and set the step of the next: a test costs about as much as a
 * step, so half of the steps that seem left (at most 8) are made without one.
 */
static void record_residual(struct convergence *convergence, unsigned step,
			    double worst)
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

/* ----------------------------------------------------------- multiplicity */

static double sum_values(const struct lanczos_basis *s)
{
	double sum = 0;

	for (size_t i = 0; i < s->k; i++)
		sum += s->values[i];
	return sum;
}

/* Whether BLOCK_COLUMNS consecutive values of the k wanted, not counting those
 * that end with the last, are near each other. */
static bool may_have_multiple_value(const struct lanczos_basis *s)
{
	for (size_t i = 0; i + BLOCK_COLUMNS < s->k; i++)
		if (s->values[i] - s->values[i + BLOCK_COLUMNS - 1] <
		    NEAR * s->values[i])
			return true;
	return false;
}

/* Set complete to whether the converged values are the k largest.  The Krylov
 * space of one starting block holds only BLOCK_COLUMNS vectors of an
 * eigenspace, so of an eigenvalue of higher multiplicity copies may be missing.
 * Where there may be such a value, the iteration restarts from the Ritz vectors
 * and a random block; the values are complete if that finds no larger sum, once
 * it has converged for one value beyond the k.  NULL or an error text. */
static const char *check_complete(struct lanczos_basis *s,
				  struct convergence *convergence,
				  bool *complete)
{
	double sum = sum_values(s);
	double rounding = s->rank_tolerance * (double)s->k * s->values[0];

	convergence->idle = 0;
	*complete = false;
	if (convergence->sum == 0) {
		*complete = !may_have_multiple_value(s);
		/* The residual of kept vectors limits that of new ones. */
		if (*complete ||
		    convergence->worst > convergence->tolerance / 4)
			return NULL;
	} else {
		if (lanczos_basis_residual(s, s->k + 1) >
		    convergence->tolerance)
			return NULL;
		*complete = sum <= convergence->sum + rounding;
		if (*complete)
			return NULL;
	}
	const char *error = lanczos_basis_restart_randomly(s);
	*convergence = (struct convergence){.tolerance = convergence->tolerance,
					    .begun = convergence->begun,
					    .sum = sum};
	return error;
}

/* ------------------------------------------------------------------ solver */

/* Find the residuals of the Ritz pairs.  done becomes true where all are within
 * the tolerance, or where the residual no longer falls.  NULL or an error text.
 */
static const char *check_done(struct lanczos_basis *s, struct lanczos *lanczos,
			      struct convergence *convergence, unsigned step,
			      bool *done)
{
	const char *error = NULL;

	lanczos->worst_residual = lanczos_basis_residual(s, s->k);
	record_residual(convergence, step, lanczos->worst_residual);
	lanczos->converged = lanczos->worst_residual <= convergence->tolerance;
	if (lanczos->converged)
		error = check_complete(s, convergence, &lanczos->converged);
	*done = lanczos->converged || s->values[0] <= 0 ||
		convergence->idle >= PATIENCE || step >= PASS_LIMIT;
	return error;
}

static const char *iterate(struct lanczos_basis *s, struct lanczos *lanczos,
			   const struct lanczos_options *options)
{
	struct convergence convergence = {.tolerance = options->tolerance,
					  .begun = seconds()};
	/* Ritz vectors kept at a restart: more than k, or convergence would be
	 * slow. */
	size_t kept =
		(s->k + 2 * BLOCK_COLUMNS - 1) / BLOCK_COLUMNS * BLOCK_COLUMNS;

	for (unsigned step = 1;; step++) {
		const char *error = lanczos_basis_expand(s);
		if (error != NULL)
			return error;
		show_progress(&convergence, step);
		progress_add(1);
		lanczos->passes++;
		if (s->used * BLOCK_COLUMNS < kept + BLOCK_COLUMNS ||
		    (s->used < s->limit && step < convergence.next))
			continue;
		bool done = false;
		error = lanczos_basis_solve(s, kept);
		if (error == NULL)
			error = check_done(s, lanczos, &convergence, step,
					   &done);
		if (error != NULL || done)
			return error;
		if (s->used == s->limit)
			lanczos_basis_restart(s, kept);
	}
}

/* Set values and vectors to the k largest Ritz pairs. */
static void copy_ritz_vectors(struct lanczos_basis *s, struct lanczos *lanczos)
{
	size_t m = s->tall.rows, item = s->tall.kernel->item;

	lanczos_basis_rotate(s, s->k);
	lanczos->ld = s->used * BLOCK_COLUMNS;
	lanczos->vectors = alloc_aligned(alloc_product(m, lanczos->ld),
					 sizeof *lanczos->vectors);
	for (size_t i = 0; i < m; i++)
		for (size_t j = 0; j < s->used; j++)
			s->tall.kernel->to_double(
				(char *)s->blocks[j] + i * BLOCK_COLUMNS * item,
				lanczos->vectors + i * lanczos->ld +
					j * BLOCK_COLUMNS,
				BLOCK_COLUMNS);
	if (item == sizeof(float))
		dense_reorthonormalize(m, s->k, lanczos->ld, lanczos->vectors);
	lanczos->values = alloc(s->k, sizeof *lanczos->values);
	memcpy(lanczos->values, s->values, s->k * sizeof *s->values);
}

const char *lanczos_find(struct lanczos *lanczos,
			 const struct gram_operator *gram,
			 const struct block_kernel *kernel,
			 const struct lanczos_options *options)
{
	struct lanczos_basis s;

	const char *error = lanczos_basis_begin(&s, gram, kernel, options);
	lanczos->k = s.k;
	if (error == NULL) {
		progress_begin("passes", 0);
		error = iterate(&s, lanczos, options);
		progress_end();
	}
	if (error == NULL)
		copy_ritz_vectors(&s, lanczos);
	lanczos_basis_end(&s);
	return error;
}
