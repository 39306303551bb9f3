#include "linalg/lanczos_basis.h"

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/random.h"
#include "base/tempfile.h"

/* How often a new block is orthogonalized against the basis, at most. */
enum { ORTHOGONALIZATIONS = 5 };

size_t lanczos_basis_limit(size_t k)
{
	size_t minimum = k + 6 * BLOCK_COLUMNS;

	return ((4 * k > minimum ? 4 * k : minimum) + BLOCK_COLUMNS - 1) /
	       BLOCK_COLUMNS * BLOCK_COLUMNS;
}

/* ----------------------------------------------------------------- blocks */

/* Allocate the blocks: memory bytes of them in memory, the others in a mapped
 * temporary file. */
static const char *allocate_blocks(struct lanczos_basis *s, size_t memory)
{
	size_t count = s->limit + 1;
	size_t bytes = alloc_product(alloc_product(s->tall.rows, BLOCK_COLUMNS),
				     s->tall.kernel->item);

	bytes = (bytes + 63) / 64 * 64;
	s->blocks = alloc(count, sizeof *s->blocks);
	s->in_memory = memory / bytes < count ? memory / bytes : count;
	for (size_t i = 0; i < s->in_memory; i++)
		s->blocks[i] = dense_block_alloc(&s->tall);
	if (s->in_memory == count)
		return NULL;
	size_t size = alloc_product(count - s->in_memory, bytes);
	int fd = tempfile_open();
	if (posix_fallocate(fd, 0, (off_t)size) != 0) {
		close(fd);
		return error_text("a scratch file in $TMPDIR: no room for %zu "
				  "bytes",
				  size);
	}
	s->map = tempfile_map(fd, size, true);
	s->mapped = size;
	close(fd);
	for (size_t i = s->in_memory; i < count; i++)
		s->blocks[i] = (char *)s->map + (i - s->in_memory) * bytes;
	return NULL;
}

static bool is_mapped(const struct lanczos_basis *s, const void *block)
{
	const char *at = block, *map = s->map;

	return s->mapped > 0 && at >= map && at < map + s->mapped;
}

void lanczos_basis_end(struct lanczos_basis *s)
{
	for (size_t i = 0; i <= s->limit; i++)
		if (!is_mapped(s, s->blocks[i]))
			free(s->blocks[i]);
	if (s->mapped > 0)
		munmap(s->map, s->mapped);
	free(s->blocks);
	free(s->t);
	free(s->h);
	free(s->values);
	free(s->vectors);
	gram_pass_end(s->pass);
}

/* Set a block to random signs, which start the iteration as well as normally
 * distributed numbers do. */
static void set_random(struct lanczos_basis *s, void *block)
{
	double row[BLOCK_COLUMNS];
	char *to = block;

	for (size_t i = 0; i < s->tall.rows; i++) {
		uint64_t bits = random_bits(s->seed, s->drawn++);
		for (size_t j = 0; j < BLOCK_COLUMNS; j++)
			row[j] = bits >> (63 - j) & 1 ? -1 : 1;
		s->tall.kernel->from_double(row, to, BLOCK_COLUMNS);
		to += BLOCK_COLUMNS * s->tall.kernel->item;
	}
}

const char *lanczos_basis_begin(struct lanczos_basis *s,
				const struct gram_operator *gram,
				const struct block_kernel *kernel,
				const struct lanczos_options *options)
{
	size_t limit = lanczos_basis_limit(options->k);

	*s = (struct lanczos_basis){
		.tall = {kernel, gram->threads, gram->m},
		.k = options->k,
		.rank_tolerance = options->rank_tolerance,
		.seed = options->seed,
		.limit = limit / BLOCK_COLUMNS,
		.pass = gram_pass_begin(gram, kernel),
	};
	s->t = alloc(limit * limit, sizeof *s->t);
	s->h = alloc(limit * BLOCK_COLUMNS, sizeof *s->h);
	s->values = alloc(limit, sizeof *s->values);
	s->vectors = alloc(limit * limit, sizeof *s->vectors);
	const char *error = allocate_blocks(s, options->memory);
	if (error != NULL)
		return error;
	set_random(s, s->blocks[0]);
	return dense_qr(&s->tall, s->blocks[0], s->r);
}

/* ------------------------------------------------------------------- steps */

/* The element of T at a row and column, counted in columns of V. */
static double *t_at(struct lanczos_basis *s, size_t row, size_t column)
{
	return s->t + row * s->limit * BLOCK_COLUMNS + column;
}

/* h = V_S^T Q; Q -= V_S h, for the next block Q and the blocks first to used -
 * 1 of V. */
static void subtract_projection(struct lanczos_basis *s, size_t first)
{
	size_t count = s->used - first;
	void *next = s->blocks[s->used];

	dense_inner_products(&s->tall, count, s->blocks + first, next, s->h);
	dense_add_product(&s->tall, count, s->blocks + first, s->h, -1, next);
}

/* The smallest magnitude on the diagonal of R. */
static double smallest_diagonal(const double *r)
{
	double minimum = fabs(r[0]);

	for (size_t i = 1; i < BLOCK_COLUMNS; i++)
		minimum = fmin(minimum, fabs(r[i * BLOCK_COLUMNS + i]));
	return minimum;
}

/* Replace the next block W by Q, orthonormal and orthogonal to V, with
 * W = V H + Q R; H is added to T.  A column of W that lies in the space of V
 * becomes an arbitrary direction orthogonal to it, with zeros in R. */
static const char *orthonormalize(struct lanczos_basis *s)
{
	double part[BLOCK_SQUARE], product[BLOCK_SQUARE];
	size_t newest = (s->used - 1) * BLOCK_COLUMNS;

	const char *error = dense_qr(&s->tall, s->blocks[s->used], s->r);
	for (int i = 0; error == NULL && i < ORTHOGONALIZATIONS; i++) {
		subtract_projection(s, 0);
		/* What was subtracted belongs to T: h R. */
		for (size_t row = 0; row < s->used * BLOCK_COLUMNS; row++)
			for (size_t j = 0; j < BLOCK_COLUMNS; j++)
				for (size_t l = 0; l <= j; l++)
					*t_at(s, row, newest + j) +=
						s->h[row * BLOCK_COLUMNS + l] *
						s->r[l * BLOCK_COLUMNS + j];
		error = dense_qr(&s->tall, s->blocks[s->used], part);
		if (error != NULL)
			break;
		dense_multiply(BLOCK_COLUMNS, part, s->r, product);
		memcpy(s->r, product, sizeof s->r);
		/* The more a column shrank, the larger is its rounding error
		 * beside it. */
		if (smallest_diagonal(part) > 0.7)
			break;
	}
	return error;
}

/* Make the newest rows and columns of T, symmetric up to rounding, symmetric.
 */
static void symmetrize(struct lanczos_basis *s, size_t newest)
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

const char *lanczos_basis_expand(struct lanczos_basis *s)
{
	size_t newest = s->used++ * BLOCK_COLUMNS,
	       first = s->first_coupled * BLOCK_COLUMNS;

	gram_pass_apply(s->pass, s->blocks[s->used - 1], s->blocks[s->used]);
	for (size_t i = 0; i < s->used * BLOCK_COLUMNS; i++)
		memset(t_at(s, i, newest), 0, BLOCK_COLUMNS * sizeof *s->t);
	subtract_projection(s, s->first_coupled);
	for (size_t i = first; i < s->used * BLOCK_COLUMNS; i++)
		memcpy(t_at(s, i, newest), s->h + (i - first) * BLOCK_COLUMNS,
		       BLOCK_COLUMNS * sizeof *s->h);
	const char *error = orthonormalize(s);
	symmetrize(s, newest);
	s->first_coupled = s->used - 1;
	return error;
}

const char *lanczos_basis_solve(struct lanczos_basis *s, size_t count)
{
	size_t n = s->used * BLOCK_COLUMNS;
	double *copy = alloc(n * n, sizeof *copy);

	for (size_t i = 0; i < n; i++)
		memcpy(copy + i * n, t_at(s, i, 0), n * sizeof *copy);
	const char *error = dense_eigen(n, copy, count, s->values, s->vectors);
	free(copy);
	return error;
}

/* ||C v - s^2 v|| = ||R z||, z being the elements of the Ritz vector for the
 * newest block (Golub & Van Loan, section 10.1.3); divided by s s_1. */
double lanczos_basis_residual(const struct lanczos_basis *s, size_t count)
{
	size_t n = s->used * BLOCK_COLUMNS;
	double first = s->values[0], worst = 0;

	for (size_t i = 0;
	     i < count && s->values[i] > s->rank_tolerance * first; i++) {
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

void lanczos_basis_rotate(struct lanczos_basis *s, size_t count)
{
	size_t n = s->used * BLOCK_COLUMNS,
	       blocks = (count + BLOCK_COLUMNS - 1) / BLOCK_COLUMNS;
	double *z = alloc(n * blocks * BLOCK_COLUMNS, sizeof *z);

	for (size_t j = 0; j < count; j++)
		for (size_t i = 0; i < n; i++)
			z[(j / BLOCK_COLUMNS * n + i) * BLOCK_COLUMNS +
			  j % BLOCK_COLUMNS] = s->vectors[j * n + i];
	dense_rotate(&s->tall, s->used, blocks, s->blocks, z);
	free(z);
	s->used = blocks;
}

/* Set T to diag(values), for a basis of the count largest Ritz vectors. */
static void set_diagonal(struct lanczos_basis *s, size_t count)
{
	memset(s->t, 0,
	       s->limit * BLOCK_COLUMNS * s->limit * BLOCK_COLUMNS *
		       sizeof *s->t);
	for (size_t i = 0; i < count; i++)
		*t_at(s, i, i) = s->values[i];
	s->first_coupled = 0;
}

void lanczos_basis_restart(struct lanczos_basis *s, size_t count)
{
	void *next = s->blocks[s->used];
	size_t before = s->used;

	lanczos_basis_rotate(s, count);
	s->blocks[before] = s->blocks[s->used];
	s->blocks[s->used] = next;
	set_diagonal(s, count);
}

const char *lanczos_basis_restart_randomly(struct lanczos_basis *s)
{
	lanczos_basis_rotate(s, s->k);
	set_random(s, s->blocks[s->used]);
	const char *error = orthonormalize(s);
	set_diagonal(s, s->k);
	return error;
}
