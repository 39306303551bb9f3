#include "search/combined_score.h"

#include <math.h>

#include "base/cpu_features.h"

double combined_weight(double alpha, double u)
{
	return alpha * (u * sqrt(u)) - u * u;
}

/* N(g), so that of two equal sides it is the numerator of the score. */
static double norm_of(double alpha, double g)
{
	return 1 + combined_weight(alpha, g);
}

struct score_side score_side_make(const struct similarity *similarity,
				  double square, double x_square)
{
	struct score_side side = {
		.square = square, .x_square = x_square, .norm = 1};

	if (similarity->profile || !(square > 0))
		return side;
	if (x_square < COMBINED_MIN_SHARE * square)
		side.x_square = 0;
	side.g = sqrt(fmin(1, side.x_square / square));
	side.norm = norm_of(similarity->alpha, side.g);
	return side;
}

static float round_score(double score)
{
	if (score > 1)
		score = 1;
	else if (score < -1)
		score = -1;
	return (float)score + 0.0F; /* -0 becomes +0 */
}

float combined_score(const struct similarity *similarity,
		     const struct score_side *q, const struct score_side *y,
		     double dot, double x_dot)
{
	double p = dot / sqrt(q->square * y->square);

	if (similarity->profile)
		return round_score(p);
	if (q->norm < COMBINED_MIN_NORM || y->norm < COMBINED_MIN_NORM)
		return 0;
	double lengths = sqrt(q->x_square * y->x_square);
	double c = lengths > 0 ? x_dot / lengths : 0;
	double u = sqrt(q->g * y->g);

	c = c > 1 ? 1 : c < -1 ? -1 : c;
	return round_score((p + c * combined_weight(similarity->alpha, u)) /
			   sqrt(q->norm * y->norm));
}

struct score_factors combined_factors(const struct similarity *similarity,
				      const struct score_side *q,
				      const struct score_side *y)
{
	struct score_factors factors = {0, 0};
	double lengths = sqrt(q->x_square * y->x_square);
	double u = sqrt(q->g * y->g), norms = sqrt(q->norm * y->norm);

	if (q->norm < COMBINED_MIN_NORM || y->norm < COMBINED_MIN_NORM)
		return factors;
	factors.row = 1 / (sqrt(q->square * y->square) * norms);
	if (!similarity->profile && lengths > 0)
		factors.embedding = combined_weight(similarity->alpha, u) /
				    (lengths * norms);
	return factors;
}

struct score_terms combined_terms(const struct similarity *similarity,
				  const struct score_side *side)
{
	struct score_terms terms = {0, 0, 0};

	if (side->norm >= COMBINED_MIN_NORM)
		terms.inverse = 1 / sqrt(side->norm);
	if (!similarity->profile && side->g > 0) {
		terms.root = sqrt(similarity->alpha / sqrt(side->g));
		terms.held = 1;
	}
	return terms;
}

double row_square(const float *values, size_t count)
{
	double sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += (double)values[i] * (double)values[i];
	return sum;
}

double row_dot(const double *dense, const int32_t *tags, const float *values,
	       size_t count)
{
	double sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += dense[tags[i]] * (double)values[i];
	return sum;
}

/* The sum of eight sums, which it changes. */
static inline __attribute__((always_inline)) double add_eight(double sums[8])
{
	for (size_t half = 4; half > 0; half /= 2)
		for (size_t l = 0; l < half; l++)
			sums[l] += sums[l + half];
	return sums[0];
}

/* The inner product of a and b, and that of b with itself. */
static inline __attribute__((always_inline)) struct embedding_products
products_in_eight(const float *a, const float *b, size_t d)
{
	double dots[8] = {0}, squares[8] = {0};
	size_t j = 0;

	for (; j + 8 <= d; j += 8)
		for (size_t l = 0; l < 8; l++) {
			double y = (double)b[j + l];

			dots[l] += (double)a[j + l] * y;
			squares[l] += y * y;
		}
	for (; j < d; j++) {
		dots[j % 8] += (double)a[j] * (double)b[j];
		squares[j % 8] += (double)b[j] * (double)b[j];
	}
	return (struct embedding_products){add_eight(dots), add_eight(squares)};
}

#ifdef __x86_64__
__attribute__((target("avx2"))) static struct embedding_products
avx2_products(const float *a, const float *b, size_t d)
{
	return products_in_eight(a, b, d);
}

__attribute__((target("avx512f,avx512vl"))) static struct embedding_products
avx512_products(const float *a, const float *b, size_t d)
{
	return products_in_eight(a, b, d);
}
#endif

struct embedding_products embedding_products(const float *q, const float *y,
					     size_t d)
{
#ifdef __x86_64__
	if (cpu_has_avx512())
		return avx512_products(q, y, d);
	if (cpu_has_avx2())
		return avx2_products(q, y, d);
#endif
	return products_in_eight(q, y, d);
}

double embedding_dot(const float *a, const float *b, size_t d)
{
	return embedding_products(a, b, d).dot;
}
