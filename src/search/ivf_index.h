/* ivf_index: an inverted-file index (IVF; Jegou, Douze and Schmid, IEEE TPAMI
 * 33, 2011, section 4) stored in a model: its tensors and metadata, read and
 * written.
 *
 * Rows are partitioned into c cells by k-means (search/kmeans.h).  A cell is a
 * run of blocks of TILE_ROWS places, rows ascending, padded at its end
 * (search/inverted_lists.h); zero vectors are in no cell.  With b blocks and
 * d dimensions the tensors are
 *
 *   index.embedding  U8 [8]           checksum of the embedding indexed
 *   index.centroids  F32 [c, d]
 *   index.starts     I64 [c + 1]      first block of each cell, and b
 *   index.rows       I32 [64 b]       row at each place, or -1
 *   index.codes      U8 [b, int8_block_bytes(d)]
 *                                     search/int8_quantization.h
 *   index.scales     F32 [64 b]
 *   index.residuals  F32 [64 b]
 *   index.units      F32 [b, 64 d]    unit vectors by dot_pack_rows
 *   index.recall     F64 [c, 2]       search/recall.h
 *
 * and the metadata index.version, index.cells, index.signal (the number of rows
 * in cells) and, unless the centroids are another model's, index.seed. */
#ifndef SEARCH_IVF_INDEX_H
#define SEARCH_IVF_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/model.h"
#include "search/int8_kernels.h"

/* Up to as many queries are answered one by one, from int8 codes. */
enum { IVF_INDEX_FEW_QUERIES = 4 };

/* A view of the tensors; nothing is owned. */
struct ivf_index {
	size_t n, d;
	const float *rows_of; /* n x d: the embedding */
	size_t cells, blocks;
	size_t nonzero; /* rows in cells */
	const float *centroids;
	const int64_t *starts;
	const int32_t *rows;
	const uint8_t *codes;
	const float *scales, *residuals, *units;
	const double *recall;
	const struct int8_kernel *bounds; /* NULL: the best */
};

/* True if the model has an index. */
bool ivf_index_exists(const struct model *model);

/* View the index of a model, which must stay open.  Returns NULL, or an error
 * text: a tensor is absent or has another shape, cells do not follow one
 * another, or the index is of another embedding.  Rows are checked when they
 * are read. */
const char *ivf_index_view(struct ivf_index *index, const struct model *model);

/* The tensors, in the order of the file, to be written: all members but bytes,
 * size and index are set. */
enum { IVF_INDEX_TENSORS = 9 };
void ivf_index_tensors(size_t cells, size_t blocks, size_t d,
		       struct tensor tensors[IVF_INDEX_TENSORS]);

/* True for the name of a tensor of an index. */
bool ivf_index_has_tensor(const char *name);

/* Set the metadata; seed NULL: the centroids are another model's. */
void ivf_index_describe(json_t *metadata, const char *version, size_t cells,
			size_t nonzero, const uint64_t *seed);

/* The smallest number of cells whose measured recall@10 by row is at least
 * recall; all cells if there is none. */
size_t ivf_index_probes(const struct ivf_index *index, double recall);

/* Add to counts[c] the number of rows in cell c that are allowed (bits as in
 * struct search_options; NULL: all). */
void ivf_index_count(const struct ivf_index *index, const uint64_t *allowed,
		     size_t *counts);

/* The names of the tensors (NULL-terminated, static) of which a search for a
 * few queries reads only parts: a search of some cells, or an exact one. */
const char *const *ivf_index_unread(bool cells);

#endif
