/* block_kernels_loops: the loops of linalg/block_kernels.h for one kind of
 * vector and one precision; linalg/block_kernels.c includes this file once for
 * each, with these defined:
 *
 *     REAL              float or double
 *     VEC, LANES        a vector and how many items are in it
 *     COLUMNS           columns of V that inner_products holds in registers
 *     DEPTH             rows of Y that add_product holds in registers
 *     WIDE              vectors of a row that row_product holds in registers;
 *                       undefined: no row_product, add_transposed_product
 *     LOAD STORE SET    as for one item: *p, *p = x, all lanes x
 *     FMA(a, b, c)      a * b + c
 *     BASE(p)           the address p in a register, from which the compiler
 *                       makes no others; undefined: all as it likes
 *     FOUR LOAD_FOUR    with BASE: four vectors, .val[0] to .val[3], and their
 *                       load by one instruction
 *     TARGET            the attribute that names the instructions
 *     NAME(x)           the function's name for this kind
 *
 * PARTS vectors make a row of a block.  Loops over them have constant bounds
 * and are unrolled, so that their sums stay in registers. */

#define PARTS  (BLOCK_COLUMNS / LANES)
#define UNROLL _Pragma("GCC unroll 16")
#define ROLLED _Pragma("GCC unroll 1")

enum { NAME(ahead) = 12 };

/* What is added to sums in registers: ADD_ROW() value times WIDTH vectors at r,
 * ADD_TWO_ROWS() the same for two rows; ADD_TO_ROW() adds value * t to the row
 * at r. */
#ifdef BASE

#define ADD_ROW(sums, WIDTH, value, r)                                         \
	do {                                                                   \
		const REAL *from = BASE(r);                                    \
		UNROLL                                                         \
		for (int p = 0; p < (WIDTH); p += 4) {                         \
			FOUR four = LOAD_FOUR(from);                           \
			from = BASE(from + 4 * LANES);                         \
			UNROLL                                                 \
			for (int q = 0; q < 4; q++)                            \
				(sums)[p + q] = FMA(value, four.val[q],        \
						    (sums)[p + q]);            \
		}                                                              \
	} while (0)

#define ADD_TWO_ROWS(t, a, r, odd, b, s)                                       \
	do {                                                                   \
		ADD_ROW(t, PARTS, a, r);                                       \
		ADD_ROW(odd, PARTS, b, s);                                     \
	} while (0)

/* All of a row is loaded before any of it is stored, both by pairs. */
#define ADD_TO_ROW(r, value, t)                                                \
	do {                                                                   \
		REAL *base = BASE(r);                                          \
		VEC items[PARTS];                                              \
		UNROLL                                                         \
		for (int p = 0; p < PARTS; p++)                                \
			items[p] = LOAD(base + p * LANES);                     \
		UNROLL                                                         \
		for (int p = 0; p < PARTS; p++)                                \
			STORE(base + p * LANES, FMA(value, (t)[p], items[p])); \
	} while (0)

#else

#define ADD_ROW(sums, WIDTH, value, r)                                         \
	do {                                                                   \
		UNROLL                                                         \
		for (int p = 0; p < (WIDTH); p++)                              \
			(sums)[p] =                                            \
				FMA(value, LOAD((r) + p * LANES), (sums)[p]);  \
	} while (0)

#define ADD_TWO_ROWS(t, a, r, odd, b, s)                                       \
	do {                                                                   \
		UNROLL                                                         \
		for (int p = 0; p < PARTS; p++) {                              \
			(t)[p] = FMA(a, LOAD((r) + p * LANES), (t)[p]);        \
			(odd)[p] = FMA(b, LOAD((s) + p * LANES), (odd)[p]);    \
		}                                                              \
	} while (0)

#define ADD_TO_ROW(r, value, t)                                                \
	do {                                                                   \
		UNROLL                                                         \
		for (int p = 0; p < PARTS; p++)                                \
			STORE((r) + p * LANES,                                 \
			      FMA(value, (t)[p], LOAD((r) + p * LANES)));      \
	} while (0)

#endif

/* Prefetch the rows of X and Y for the entry NAME(ahead) entries later. */
TARGET static inline __attribute__((always_inline)) void
NAME(fetch)(const int32_t *indices, int64_t i, int64_t end, const REAL *x,
	    const REAL *y)
{
	int64_t next = i + NAME(ahead) < end ? i + NAME(ahead) : end - 1;
	size_t at = (size_t)indices[next] * BLOCK_COLUMNS;

	for (size_t line = 0; line < BLOCK_COLUMNS * sizeof(REAL); line += 64) {
		__builtin_prefetch((const char *)(x + at) + line);
		__builtin_prefetch((const char *)(y + at) + line, 1);
	}
}

/* t = a_i^T X for the entries begin to end - 1, in two sums. */
TARGET static inline __attribute__((always_inline)) void
NAME(sparse_row_product)(const struct csr_matrix *a, int64_t begin, int64_t end,
			 const REAL *x, const REAL *y, const bool prefetch,
			 VEC t[PARTS])
{
	const int32_t *indices = a->indices;
	const float *values = a->values;
	VEC odd[PARTS];
	int64_t i = begin;

	UNROLL
	for (int p = 0; p < PARTS; p++)
		t[p] = odd[p] = SET(0);
	for (; i + 1 < end; i += 2) {
		const REAL *r = x + (size_t)indices[i] * BLOCK_COLUMNS;
		const REAL *s = x + (size_t)indices[i + 1] * BLOCK_COLUMNS;
		if (prefetch) {
			NAME(fetch)(indices, i, (int64_t)a->nnz, x, y);
			NAME(fetch)(indices, i + 1, (int64_t)a->nnz, x, y);
		}
		ADD_TWO_ROWS(t, SET((REAL)values[i]), r, odd,
			     SET((REAL)values[i + 1]), s);
	}
	if (i < end) {
		const REAL *r = x + (size_t)indices[i] * BLOCK_COLUMNS;
		if (prefetch)
			NAME(fetch)(indices, i, (int64_t)a->nnz, x, y);
		ADD_ROW(t, PARTS, SET((REAL)values[i]), r);
	}
	UNROLL
	for (int p = 0; p < PARTS; p++)
		t[p] = FMA(SET(1), odd[p], t[p]);
}

/* Y += a_i t^T for the entries begin to end - 1. */
TARGET static inline __attribute__((always_inline)) void
NAME(add_outer_product)(const struct csr_matrix *a, int64_t begin, int64_t end,
			const VEC t[PARTS], REAL *y)
{
	const int32_t *indices = a->indices;
	const float *values = a->values;

	for (int64_t i = begin; i < end; i++) {
		REAL *r = y + (size_t)indices[i] * BLOCK_COLUMNS;
		VEC value = SET((REAL)values[i]);
		ADD_TO_ROW(r, value, t);
	}
}

TARGET static inline __attribute__((always_inline)) void
NAME(apply_rows)(const struct csr_matrix *a, size_t first, size_t last,
		 const REAL *x, REAL *y, const bool prefetch)
{
	for (size_t row = first; row < last; row++) {
		VEC t[PARTS];
		NAME(sparse_row_product)
		(a, a->indptr[row], a->indptr[row + 1], x, y, prefetch, t);
		NAME(add_outer_product)
		(a, a->indptr[row], a->indptr[row + 1], t, y);
	}
}

TARGET static void NAME(apply)(const struct csr_matrix *a, size_t first,
			       size_t last, const void *x, void *y,
			       bool prefetch)
{
	if (prefetch)
		NAME(apply_rows)(a, first, last, x, y, true);
	else
		NAME(apply_rows)(a, first, last, x, y, false);
}

/* Columns c to c + COLUMNS - 1 of V, with all of Y. */
TARGET static inline __attribute__((always_inline)) void
NAME(inner_products_part)(size_t rows, const REAL *v, size_t v_ld,
			  const REAL *y, size_t y_ld, double *h)
{
	VEC sums[COLUMNS][PARTS];
	REAL out[BLOCK_COLUMNS];

	UNROLL
	for (int c = 0; c < COLUMNS; c++)
		UNROLL
	for (int p = 0; p < PARTS; p++)
		sums[c][p] = SET(0);
	for (size_t row = 0; row < rows; row++, v += v_ld, y += y_ld) {
		VEC items[PARTS];
		UNROLL
		for (int p = 0; p < PARTS; p++)
			items[p] = LOAD(y + p * LANES);
		UNROLL
		for (int c = 0; c < COLUMNS; c++)
			UNROLL
		for (int p = 0; p < PARTS; p++)
			sums[c][p] = FMA(SET(v[c]), items[p], sums[c][p]);
	}
	for (int c = 0; c < COLUMNS; c++) {
		UNROLL
		for (int p = 0; p < PARTS; p++)
			STORE(out + p * LANES, sums[c][p]);
		for (int j = 0; j < BLOCK_COLUMNS; j++)
			h[c * BLOCK_COLUMNS + j] += (double)out[j];
	}
}

TARGET static void NAME(inner_products)(size_t rows, const void *v, size_t v_ld,
					const void *y, size_t y_ld, double *h)
{
	for (int c = 0; c < BLOCK_COLUMNS; c += COLUMNS)
		NAME(inner_products_part)
	(rows, (const REAL *)v + c, v_ld, y, y_ld, h + c * BLOCK_COLUMNS);
}

#ifdef BASE

/* Y += V_0 H_0 + ... for depth rows: of Y those from y on, of V_i those from
 * item at of v[i] on.  A vector of a row of V is loaded for as many columns,
 * and four vectors of H for all rows. */
TARGET static inline __attribute__((always_inline)) void
NAME(add_rows)(const int depth, size_t count, const void *const *v, size_t at,
	       size_t v_ld, const REAL *h, REAL *y, size_t y_ld)
{
	VEC sums[DEPTH][PARTS];

	UNROLL
	for (int d = 0; d < depth; d++) {
		const REAL *base = BASE(y + (size_t)d * y_ld);
		UNROLL
		for (int p = 0; p < PARTS; p++)
			sums[d][p] = LOAD(base + p * LANES);
	}
	for (size_t i = 0; i < count; i++) {
		const REAL *r[DEPTH], *g = BASE(h + i * BLOCK_SQUARE);
		UNROLL
		for (int d = 0; d < depth; d++)
			r[d] = BASE((const REAL *)v[i] + at + (size_t)d * v_ld);
		ROLLED
		for (int c = 0; c < BLOCK_COLUMNS; c += LANES) {
			VEC factors[DEPTH];
			UNROLL
			for (int d = 0; d < depth; d++) {
				factors[d] = LOAD(r[d]);
				r[d] = BASE(r[d] + LANES);
			}
			UNROLL
			for (int l = 0; l < LANES; l++)
				UNROLL
			for (int p = 0; p < PARTS; p += 4) {
				FOUR four = LOAD_FOUR(g);
				g = BASE(g + 4 * LANES);
				UNROLL
				for (int d = 0; d < depth; d++)
					UNROLL
				for (int q = 0; q < 4; q++)
					sums[d][p + q] = FMA(SET(factors[d][l]),
							     four.val[q],
							     sums[d][p + q]);
			}
		}
	}
	UNROLL
	for (int d = 0; d < depth; d++) {
		REAL *base = BASE(y + (size_t)d * y_ld);
		UNROLL
		for (int p = 0; p < PARTS; p++)
			STORE(base + p * LANES, sums[d][p]);
	}
}

#define ADD_PRODUCT(DEPTH)                                                     \
	NAME(add_rows)(DEPTH, count, v, row * v_ld, v_ld, h, y, y_ld)

#else

/* DEPTH rows of Y at a time, so that a row of H is loaded once for all of them.
 */
#define ADD_PRODUCT(DEPTH)                                                     \
	do {                                                                   \
		VEC sums[DEPTH][PARTS];                                        \
		UNROLL                                                         \
		for (int d = 0; d < (DEPTH); d++)                              \
			UNROLL                                                 \
		for (int p = 0; p < PARTS; p++)                                \
			sums[d][p] = LOAD(y + (size_t)d * y_ld + p * LANES);   \
		for (size_t i = 0; i < count; i++) {                           \
			const REAL *r = (const REAL *)v[i] + row * v_ld;       \
			const REAL *g = h + i * BLOCK_COLUMNS * BLOCK_COLUMNS; \
			for (int c = 0; c < BLOCK_COLUMNS; c++) {              \
				VEC items[PARTS];                              \
				UNROLL                                         \
				for (int p = 0; p < PARTS; p++)                \
					items[p] =                             \
						LOAD(g + c * BLOCK_COLUMNS +   \
						     p * LANES);               \
				UNROLL                                         \
				for (int d = 0; d < (DEPTH); d++)              \
					UNROLL                                 \
				for (int p = 0; p < PARTS; p++)                \
					sums[d][p] =                           \
						FMA(SET(r[(size_t)d * v_ld +   \
							  (size_t)c]),         \
						    items[p], sums[d][p]);     \
			}                                                      \
		}                                                              \
		UNROLL                                                         \
		for (int d = 0; d < (DEPTH); d++)                              \
			UNROLL                                                 \
		for (int p = 0; p < PARTS; p++)                                \
			STORE(y + (size_t)d * y_ld + p * LANES, sums[d][p]);   \
	} while (0)

#endif

TARGET static void NAME(add_product)(size_t rows, size_t count,
				     const void *const *v, size_t v_ld,
				     const void *h_, void *y_, size_t y_ld)
{
	const REAL *h = h_;
	REAL *y = y_;
	size_t row = 0;

	for (; row + DEPTH <= rows; row += DEPTH, y += DEPTH * y_ld)
		ADD_PRODUCT(DEPTH);
	for (; row < rows; row++, y += y_ld)
		ADD_PRODUCT(1);
}

static void NAME(from_double)(const double *from, void *to, size_t count)
{
	for (size_t i = 0; i < count; i++)
		((REAL *)to)[i] = (REAL)from[i];
}

static void NAME(to_double)(const void *from, double *to, size_t count)
{
	for (size_t i = 0; i < count; i++)
		to[i] = (double)((const REAL *)from)[i];
}

#ifdef WIDE

/* t = a_i^T V for WIDTH vectors of columns. */
#define ROW_PRODUCT(WIDTH)                                                     \
	do {                                                                   \
		VEC sums[WIDTH];                                               \
		UNROLL                                                         \
		for (int p = 0; p < (WIDTH); p++)                              \
			sums[p] = SET(0);                                      \
		for (int64_t i = begin; i < end; i++) {                        \
			const REAL *r = v + (size_t)indices[i] * columns;      \
			VEC value = SET((REAL)values[i]);                      \
			ADD_ROW(sums, WIDTH, value, r);                        \
		}                                                              \
		UNROLL                                                         \
		for (int p = 0; p < (WIDTH); p++)                              \
			STORE(t + p * LANES, sums[p]);                         \
	} while (0)

TARGET static void NAME(row_product)(const struct csr_matrix *a, size_t row,
				     const REAL *v, size_t columns, REAL *t)
{
	const int32_t *indices = a->indices;
	const float *values = a->values;
	int64_t begin = a->indptr[row], end = a->indptr[row + 1];
	size_t done = 0, wide = WIDE * LANES;

	for (; done + wide <= columns; done += wide, v += wide, t += wide)
		ROW_PRODUCT(WIDE);
	for (; done < columns;
	     done += BLOCK_COLUMNS, v += BLOCK_COLUMNS, t += BLOCK_COLUMNS)
		ROW_PRODUCT(PARTS);
}

TARGET static void NAME(add_transposed_product)(const struct csr_matrix *a,
						size_t first, size_t last,
						const REAL *t, size_t columns,
						REAL *y, bool prefetch)
{
	const int32_t *indices = a->indices;

	for (size_t row = first; row < last; row++, t += columns) {
		int64_t begin = a->indptr[row], end = a->indptr[row + 1];
		VEC items[PARTS];
		UNROLL
		for (int p = 0; p < PARTS; p++)
			items[p] = LOAD(t + p * LANES);
		for (int64_t i = begin; prefetch && i < end; i++)
			NAME(fetch)(indices, i, (int64_t)a->nnz, y, y);
		NAME(add_outer_product)(a, begin, end, items, y);
	}
}

#undef ROW_PRODUCT
#undef WIDE
#endif

#undef ADD_PRODUCT
#undef ADD_ROW
#undef ADD_TWO_ROWS
#undef ADD_TO_ROW
#undef BASE
#undef FOUR
#undef LOAD_FOUR
#undef PARTS
#undef UNROLL
#undef ROLLED
#undef REAL
#undef VEC
#undef LANES
#undef COLUMNS
#undef DEPTH
#undef LOAD
#undef STORE
#undef SET
#undef FMA
#undef TARGET
#undef NAME
