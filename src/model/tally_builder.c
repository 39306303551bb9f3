#include "model/tally_builder.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "model/matrix_metadata.h"
#include "model/safetensors_writer.h"

static json_t *describe(const struct matrix_builder *builder,
			const char *version)
{
	const struct matrix_options *options = builder->options;
	json_t *metadata = alloc_check(json_object());
	char id[17];

	metadata_set(metadata, "matrix.version", "%s", version);
	matrix_metadata_set(metadata, options, options->value, builder->files);
	metadata_set(metadata, "tally.stage", "%s",
		     tally_words[builder->stage]);
	if (options->whole != NULL) {
		safetensors_id(&options->whole->format, id);
		metadata_set(metadata, "tally.as", "%s", id);
	}
	return metadata;
}

static void set_totals(struct tally *tally,
		       const struct matrix_builder *builder)
{
	const struct profile_store *profiles = &builder->profiles;
	const struct tally *whole = builder->options->whole;

	if (whole != NULL) {
		memcpy(tally->totals, whole->totals, sizeof tally->totals);
	} else {
		tally->totals[TALLY_CUSTOMERS] = profiles->n;
		tally->totals[TALLY_PAIRS] = profiles->compared_pairs;
		tally->totals[TALLY_REPEATED] = profiles->repeated_pairs;
	}
	tally->totals[TALLY_READ] = profiles->n;
	if (builder->stage == TALLY_COUNTS)
		tally->totals[TALLY_STAYING] = builder->counts.customers;
}

void tally_builder_set(struct tally *tally, struct matrix_builder *builder,
		       const char *version)
{
	const struct tally *whole = builder->options->whole;
	size_t m = builder->m;

	*tally = (struct tally){
		.stage = builder->stage, .m = m, .counts = builder->counts};
	tally->metadata = describe(builder, version);
	tally->tags = alloc(m, sizeof *tally->tags);
	tally->file = alloc(m, sizeof *tally->file);
	for (size_t i = 0; i < m; i++) {
		tally->tags[i].text =
			matrix_builder_tag(builder, i, &tally->tags[i].length);
		tally->file[i] = (int32_t)matrix_builder_file(builder, i);
	}
	if (builder->stage == TALLY_TENTHS) {
		tally->counts.customers = whole->counts.customers;
		tally->counts.users = whole->counts.users;
		tally->counts.active = whole->counts.active;
		tally->counts.squares = whole->counts.squares;
	}
	set_totals(tally, builder);
}

void tally_builder_free(struct tally *tally)
{
	free(tally->tags);
	free(tally->file);
	json_decref(tally->metadata);
	*tally = (struct tally){0};
}
