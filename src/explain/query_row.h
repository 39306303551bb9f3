/* query_row: one customer who is not in a model, folded into it from what they
 * did: the one row that cs-matrix --as and cs-project would make. */
#ifndef EXPLAIN_QUERY_ROW_H
#define EXPLAIN_QUERY_ROW_H

#include <stddef.h>
#include <stdint.h>

#include "linalg/projection.h"
#include "model/fold_in.h"
#include "model/model.h"

/* A tag and its value, in the events' own unit. */
struct deed {
	const char *tag;
	size_t length;
	double value;
};

struct guest {
	struct model model;  /* one row, with the empty name; the rest is that
				of the model */
	size_t known;        /* of the deeds: their tag is in the model */
	const char *unknown; /* the tag of the first that is not, or NULL */
	/* private: what the row is stored in */
	int64_t bounds[2], texts[2];
	int32_t *indices;
	float *values, *raw, *embedding;
	unsigned char tenth;
};

/* Make the guest of count deeds, no tag twice.  fold and embed are of one
 * model, which must outlive the guest. */
void guest_make(struct guest *guest, const struct fold_in *fold,
		const struct projection *embed, const struct deed *deeds,
		size_t count);

void guest_free(struct guest *guest);

#endif
