#include "search/nearest_centre.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/thread_pool.h"
#include "search/coarse_quantizer.h"

/* Rows that a thread assigns at a time. */
enum { PIECE = 4096 };

void nearest_centres_find(const float *scores, size_t ld, size_t k,
			  struct nearest_centres *best)
{
	for (size_t i = 0; i < TILE_QUERIES; i++) {
		best->first[i] = best->second[i] = -INFINITY;
		best->centre[i] = NEAREST_CENTRE_NONE;
	}
	/* Rows are in the inner loop: their maxima do not depend on each other,
	 * those of one row do. */
	for (size_t c = 0; c < k; c++)
		for (size_t i = 0; i < TILE_QUERIES; i++) {
			float score = scores[i * ld + c];
			float first = best->first[i], second = best->second[i];
			float less = score < first ? score : first;

			best->second[i] = less > second ? less : second;
			best->centre[i] =
				score > first ? (uint32_t)c : best->centre[i];
			best->first[i] = score > first ? score : first;
		}
}

uint32_t nearest_centres_of_row(const struct nearest_centres *best, size_t i,
				float *cosine, float *margin)
{
	float first = best->first[i];

	*margin = isfinite(best->second[i]) ? first - best->second[i] : NAN;
	*cosine = best->centre[i] == NEAREST_CENTRE_NONE ? NAN
		  : first > 1                            ? 1
		  : first < -1                           ? -1
							 : first;
	return best->centre[i];
}

/* Assign count rows; false where one is not finite. */
static bool assign_rows(struct coarse_query *query, const float *rows,
			size_t count, uint32_t *group, float *cosine,
			float *margin)
{
	const struct coarse_quantizer *quantizer = query->quantizer;
	size_t ld = quantizer->blocks * TILE_ROWS, d = quantizer->d;
	struct nearest_centres best;
	bool finite = true;

	for (size_t begin = 0; begin < count; begin += TILE_QUERIES) {
		size_t tile = count - begin < TILE_QUERIES ? count - begin
							   : TILE_QUERIES;

		for (size_t i = 0; i < TILE_QUERIES; i++) {
			const float *row = rows + (begin + i) * d;
			double square = i < tile ? dot_square_norm(row, d) : 0;

			finite &= isfinite(square);
			coarse_query_put(query, i, row,
					 square > 0 && isfinite(square)
						 ? 1 / sqrt(square)
						 : 0);
		}
		coarse_query_score(query);
		nearest_centres_find(query->scores, ld, quantizer->count,
				     &best);
		for (size_t i = 0; i < tile; i++)
			group[begin + i] = nearest_centres_of_row(
				&best, i, &cosine[begin + i],
				&margin[begin + i]);
	}
	return finite;
}

struct assignment_job {
	const struct centre_assignment *assignment;
	struct coarse_query *queries; /* threads */
	bool *wrong;                  /* threads */
};

static void assign_piece(void *shared, size_t piece, unsigned thread)
{
	const struct assignment_job *job = shared;
	const struct centre_assignment *a = job->assignment;
	size_t begin = piece * PIECE;
	size_t count = a->n - begin < PIECE ? a->n - begin : PIECE;
	float cosine[PIECE], margin[PIECE];

	if (!assign_rows(&job->queries[thread], a->rows + begin * a->d, count,
			 a->group + begin, cosine, margin))
		job->wrong[thread] = true;
	if (a->cosine != NULL)
		memcpy(a->cosine + begin, cosine, count * sizeof *cosine);
	if (a->margin != NULL)
		memcpy(a->margin + begin, margin, count * sizeof *margin);
}

bool nearest_centre_assign(const struct centre_assignment *assignment,
			   unsigned threads)
{
	struct coarse_quantizer quantizer;
	struct assignment_job job = {.assignment = assignment};
	bool right = true;

	if (!coarse_quantizer_begin(&quantizer, assignment->centres,
				    assignment->k, assignment->d,
				    dot_kernel_best()))
		return false;
	job.queries = alloc(threads, sizeof *job.queries);
	job.wrong = alloc(threads, sizeof *job.wrong);
	for (unsigned i = 0; i < threads; i++)
		coarse_query_begin(&job.queries[i], &quantizer);
	thread_pool_run(threads, (assignment->n + PIECE - 1) / PIECE,
			assign_piece, &job);
	for (unsigned i = 0; i < threads; i++) {
		coarse_query_end(&job.queries[i]);
		right &= !job.wrong[i];
	}
	coarse_quantizer_end(&quantizer);
	free(job.queries);
	free(job.wrong);
	return right;
}
