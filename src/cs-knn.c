/* cs-knn: for each asked customer of a model the most similar ones, and why.
 *
 * Neighbours are exact (search/exact_search.h), reasons add up to the
 * similarity (explain/contributions.h), and the text is that of
 * explain/neighbours_tsv.h. */
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bitset.h"
#include "explain/query_row.h"
#include "base/errors.h"
#include "explain/neighbours_merge.h"
#include "model/model.h"
#include "search/combined_quantiles.h"
#include "search/exact_search.h"
#include "search/model_metric.h"
#include "base/number.h"
#include "base/options.h"
#include "explain/neighbour_report.h"
#include "explain/neighbour_search.h"
#include "explain/result_writer.h"
#include "base/progress.h"
#include "search/sharded_model.h"
#include "search/sharded_search.h"
#include "base/io.h"
#include "base/machine_limits.h"
#include "model/model_checksums.h"
#include "explain/customer_list.h"

enum {
	/* So many queries, or so few customers, are worth an index of rows. */
	INDEXED_QUERIES = 8,
	SMALL_MODEL = 2000
};

static void take_metric(const char *word);
static void take_alpha(const char *word);

/* What the command line says. */
static struct {
	struct option_list users; /* of -u */
	const char *users_file, *queries, *like, *among, *not, *output;
	char **models; /* model_count; none: standard input */
	size_t model_count;
	bool all, merge, with_self, ignore_unknown, without_why;
	int profiles; /* -1: not given */
	double least; /* NaN: not given */
	double alpha; /* of the metric combined */
	bool has_alpha, has_metric;
	double recall;
	size_t probes;
	size_t count; /* neighbours asked for */
	enum metric metric;
	enum output_format layout;
	unsigned threads;
} choices = {.profiles = -1, .least = NAN, .count = 10, .alpha = DEFAULT_ALPHA};

/* ---------------------------------------------------------------- options */

enum {
	KEY_USERS = 256,
	KEY_QUERIES,
	KEY_LIKE,
	KEY_ALL,
	KEY_AMONG,
	KEY_NOT,
	KEY_LEAST,
	KEY_SELF,
	KEY_IGNORE,
	KEY_METRIC,
	KEY_ALPHA,
	KEY_RECALL,
	KEY_PROBES,
	KEY_MERGE,
	KEY_FORMAT,
	KEY_NO_WHY,
	KEY_PROFILES,
	KEY_NO_PROFILES
};

static const struct option_row rows[] = {
	{"whom:", 'u', "user", "CUSTOMER",
	 "one customer of the model; may be repeated",
	 OPTION_TO_LIST(choices.users)},
	{NULL, KEY_USERS, "users", "FILE", "each customer in FILE, one a line",
	 OPTION_TO_FILE(choices.users_file)},
	{NULL, KEY_QUERIES, "queries", "MODEL",
	 "each customer of another model (cs-project)",
	 OPTION_TO_FILE(choices.queries)},
	{NULL, KEY_LIKE, "like", "FILE",
	 "an audience: who is most like those in FILE",
	 OPTION_TO_FILE(choices.like)},
	{NULL, KEY_ALL, "all", NULL, "each customer of the model",
	 OPTION_TO_FLAG(choices.all, true)},
	{"among:", KEY_AMONG, "among", "FILE", "none but these may be answers",
	 OPTION_TO_FILE(choices.among)},
	{NULL, KEY_NOT, "not", "FILE", "none of these may",
	 OPTION_TO_FILE(choices.not )},
	{NULL, KEY_LEAST, "min-similarity", "S", "nothing below S",
	 OPTION_TO_REAL(choices.least, -INFINITY, INFINITY)},
	{NULL, KEY_SELF, "include-self", NULL,
	 "the asked customer may be an answer",
	 OPTION_TO_FLAG(choices.with_self, true)},
	{NULL, KEY_IGNORE, "ignore-unknown", NULL,
	 "a name that the model lacks is no failure",
	 OPTION_TO_FLAG(choices.ignore_unknown, true)},
	{"how:", 'n', "neighbours", "N", "how many [10]",
	 OPTION_TO_INTEGER(choices.count, 1, INT64_MAX)},
	{NULL, KEY_METRIC, "metric", "M", "combined, embedding, profile, dot",
	 OPTION_TO_FUNCTION(take_metric)},
	{NULL, KEY_ALPHA, "alpha", "A",
	 "of combined: weight of embeddings [0.75]",
	 OPTION_TO_FUNCTION(take_alpha)},
	{NULL, KEY_RECALL, "recall", "R",
	 "by an index, that share of the nearest ten",
	 OPTION_TO_REAL(choices.recall, 1e-9, 1)},
	{NULL, KEY_PROBES, "probes", "P", "by an index, P of its cells",
	 OPTION_TO_INTEGER(choices.probes, 1, INT64_MAX)},
	{NULL, KEY_MERGE, "merge", NULL,
	 "join files of neighbours: the best of all",
	 OPTION_TO_FLAG(choices.merge, true)},
	{"output:", KEY_FORMAT, "format", "F",
	 "tsv; json, one object a line; ids [tsv]",
	 OPTION_TO_CHOICE(choices.layout, output_format_words)},
	{NULL, KEY_NO_WHY, "no-why", NULL, "leave out the reasons",
	 OPTION_TO_FLAG(choices.without_why, true)},
	{NULL, KEY_PROFILES, "profiles", NULL, "add # lines, for cs-summarize",
	 OPTION_TO_CONSTANT(choices.profiles, 1)},
	{NULL, KEY_NO_PROFILES, "no-profiles", NULL,
	 "do not [done for -u off a terminal]",
	 OPTION_TO_CONSTANT(choices.profiles, 0)},
	OPTION_OUTPUT_TO(NULL, choices.output),
	OPTION_THREADS_TO(choices.threads),
	OPTION_COMMON};

static const struct options_text text = {
	.name = "cs-knn",
	.usage = "cs-knn -u CUSTOMER | --users FILE | --queries MODEL | "
		 "--like FILE | --all\n"
		 "              [OPTION]... [MODEL]...\n"
		 "       cs-knn --merge [-n N] [-o FILE] [NEIGHBOURS]...",
	.purpose =
		"Write the customers most similar to one, to each of many, "
		"or to a group.\n"
		"MODEL comes from cs-svd; without one, or for \"-\", standard "
		"input is read.\n"
		"Several hold the customers of one model, and are asked as "
		"one.",
	.footer =
		"exit: 0 found; 1 no such customer, or none left; 2 wrong use, "
		"input or output\n"
		"  cs-knn -u 1 emb.bin | cs-summarize\n"
		"  cs-knn --all -n 5 --no-why emb.bin > neighbours.tsv\n"
		"  cs-knn --like vip.txt --not optout.txt -n 500 --format ids "
		"emb.bin > mail.txt\n"
		"The manual page, cs-knn(1), has the rest.",
	.rows = rows,
};

/* The words of an earlier version say what they are called now. */
static void take_metric(const char *word)
{
	size_t i = 0;

	if (strcmp(word, "cosine") == 0)
		die_usage("--metric cosine: the cosine of embeddings is "
			  "--metric embedding");
	while (metric_words[i] != NULL && strcmp(metric_words[i], word) != 0)
		i++;
	if (metric_words[i] == NULL)
		die_usage("--metric: expected embedding, dot, profile or "
			  "combined, found \"%s\"",
			  word);
	choices.metric = (enum metric)i;
	choices.has_metric = true;
}

static void take_alpha(const char *word)
{
	if (!number_real(word, &choices.alpha) ||
	    !(choices.alpha >= 0 && choices.alpha <= 1))
		die_usage("--alpha: expected a number from 0 to 1, found "
			  "\"%s\"",
			  word);
	choices.has_alpha = true;
}

/* True where only some cells of an index are looked at. */
static bool by_index(void)
{
	return choices.recall > 0 || choices.probes > 0;
}

/* Standard input can be read once. */
static void check_inputs(void)
{
	const char *const inputs[] = {choices.users_file, choices.queries,
				      choices.like, choices.among,
				      choices.not };
	unsigned standard = choices.model_count == 0;

	for (size_t i = 0; i < choices.model_count; i++)
		standard += strcmp(choices.models[i], "-") == 0;
	for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++)
		standard += inputs[i] != NULL && strcmp(inputs[i], "-") == 0;
	if (standard > 1)
		die_usage("only one of MODEL, --users, --queries, --like, "
			  "--among and --not can be standard input");
}

/* True if --min-similarity is given. */
static bool has_least(void)
{
	return !isnan(choices.least);
}

static void check_users(void)
{
	for (size_t i = 0; i < choices.users.count; i++)
		if (*choices.users.texts[i] == '\0')
			die_usage("-u, --user: expected the name of a "
				  "customer");
}

static void check_whom(void)
{
	int whom = (choices.users.count > 0) + (choices.users_file != NULL) +
		   (choices.queries != NULL) + (choices.like != NULL) +
		   choices.all;

	if (choices.merge && whom > 0)
		die_usage("--merge: whom to ask for is said already, in the "
			  "files of neighbours");
	if (!choices.merge && whom != 1)
		die_usage("expected one of -u CUSTOMER, --users FILE, "
			  "--queries MODEL, --like FILE and --all");
}

/* What joining takes is in the files already: an option that would choose or
 * write otherwise is refused, not passed over. */
static void check_merge(void)
{
	const struct {
		const char *name;
		bool given;
	} others[] = {
		{"--among", choices.among != NULL},
		{"--not", choices.not != NULL},
		{"--min-similarity", has_least()},
		{"--include-self", choices.with_self},
		{"--ignore-unknown", choices.ignore_unknown},
		{"--metric", choices.has_metric},
		{"--alpha", choices.has_alpha},
		{"--recall", choices.recall > 0},
		{"--probes", choices.probes > 0},
		{"--format", choices.layout != OUTPUT_TSV},
		{"--no-why", choices.without_why},
		{"--profiles", choices.profiles == 1},
	};

	for (size_t i = 0; choices.merge && i < sizeof others / sizeof *others;
	     i++)
		if (others[i].given)
			die_usage("%s: not with --merge, which joins lines as "
				  "they are",
				  others[i].name);
}

static void check_profiles(void)
{
	if (choices.like != NULL)
		die_usage("--profiles: # lines are about customers, and "
			  "--like asks for a group");
	if (choices.layout != OUTPUT_TSV)
		die_usage("--profiles: # lines are for --format tsv");
	if (choices.model_count > 1)
		die_usage("--profiles: # lines are about the customers of one "
			  "MODEL");
}

static void check_index(void)
{
	if (choices.recall > 0 && choices.probes > 0)
		die_usage("--probes: --recall says how many cells already");
	if (choices.has_alpha ||
	    (choices.has_metric && choices.metric != METRIC_EMBEDDING))
		die_usage("--recall, --probes: an index is of embeddings, and "
			  "serves --metric embedding alone");
}

static void check_choices(void)
{
	check_users();
	check_whom();
	check_merge();
	if (choices.profiles == 1)
		check_profiles();
	if (choices.has_alpha && choices.has_metric &&
	    choices.metric != METRIC_COMBINED)
		die_usage("--alpha: of --metric combined, not of --metric %s",
			  metric_words[choices.metric]);
	if (by_index())
		check_index();
	if (has_least() && choices.metric != METRIC_DOT &&
	    fabs(choices.least) > 1)
		die_usage("--min-similarity: expected -1 to 1; only products "
			  "(--metric dot) are beyond");
	check_inputs();
}

/* Of an earlier version. */
static void refuse_blend(char *const *argv)
{
	for (; *argv != NULL && strcmp(*argv, "--") != 0; argv++)
		if (strcmp(*argv, "--blend") == 0 ||
		    strncmp(*argv, "--blend=", strlen("--blend=")) == 0)
			die_usage("--blend: embedding and profile are "
				  "compared together by --metric combined");
}

static void read_options(int argc, char **argv)
{
	options_begin(&text, argc, argv);
	refuse_blend(argv);
	choices.threads = machine_limits_processors();
	while (options_next() != -1)
		;
	choices.models = argv + optind;
	choices.model_count = (size_t)(argc - optind);
	check_choices();
}

/* ---------------------------------------------------------------- answers */

/* What answering takes. */
struct knn {
	struct sharded_model shards;
	const struct model *model; /* shards.whole */
	const struct model *asked; /* whose rows ask: of --queries, the
				      audience of --like, or the same */
	struct model queries;
	struct query_row audience;
	struct customer_list whom;
	uint64_t *allowed; /* a bit for each row that may be a result; NULL:
			      all may */
	struct neighbour_search search;
	struct neighbour_report report;
	struct output output;
	struct result_writer pens;
};

/* The model is not what it should be: an error text, after its name. */
static void check(const struct model *model, const char *error)
{
	if (error != NULL)
		die("%s: %s", model->input.name, error);
}

/* Ask for each customer of another model. */
static void open_queries(struct knn *knn)
{
	const char *error = neighbour_search_open(
		&knn->queries, choices.queries, knn->model, choices.threads);

	if (error != NULL)
		die("%s", error);
	knn->asked = &knn->queries;
	customer_list_all(&knn->whom, knn->asked);
}

/* Ask for those like a group; its members cannot be answers. */
static void open_group(struct knn *knn)
{
	const struct model *model = knn->model;
	uint64_t *seeds = bitset_new(model->matrix.n);

	customer_list_seeds(&knn->whom, seeds, model, choices.like);
	check(model, query_row_mean(&knn->audience, &knn->shards,
				    choices.metric, seeds, choices.like));
	if (knn->audience.customers == 0) {
		warn("%s: none of its customers is in %s with a tag that has "
		     "weight, so no one is similar",
		     choices.like, model->input.name);
		exit(STATUS_NOT_FOUND);
	}
	if (!choices.with_self)
		bitset_remove(knn->allowed, seeds, model->matrix.n);
	free(seeds);
	knn->asked = &knn->audience.model;
	customer_list_all(&knn->whom, knn->asked);
}

static void ask(struct customer_list *whom, const struct model *model)
{
	for (size_t i = 0; i < choices.users.count; i++)
		customer_list_user(whom, model, choices.users.texts[i]);
	if (choices.users_file != NULL)
		customer_list_file(whom, model, choices.users_file);
	if (choices.all)
		customer_list_all(whom, model);
}

/* Take a list of customers, if there is one, into the filter.  Where it matches
 * nobody, the process ends: the list is not what it was meant to be. */
static void mark(uint64_t *bits, const struct model *model, const char *path,
		 bool allowed)
{
	if (path == NULL || customer_list_mark(bits, model, path, allowed,
					       choices.ignore_unknown))
		return;
	warn("%s: none of its customers is in %s", path, model->input.name);
	exit(STATUS_NOT_FOUND);
}

static uint64_t *make_filter(const struct model *model)
{
	if (choices.among == NULL && choices.not == NULL &&
	    choices.like == NULL)
		return NULL;
	uint64_t *bits = choices.among ? bitset_new(model->matrix.n)
				       : bitset_new_full(model->matrix.n);
	mark(bits, model, choices.among, true);
	mark(bits, model, choices.not, false);
	return bits;
}

/* Search, write and report count queries. */
static void answer_batch(struct knn *knn, const struct search_query *queries,
			 struct search_result *results, size_t count)
{
	const char *error = neighbour_search_run(
		&knn->search, queries, results, count,
		&knn->pens.options.metadata.without_signal);

	model_checksums_end();
	check(knn->model, error);
	check(knn->model, result_writer_write(&knn->pens, &knn->output, queries,
					      results, count));
	for (size_t i = 0; i < count; i++)
		neighbour_report_add(&knn->report, queries[i].asked,
				     &results[i]);
	search_results_free(results, count);
}

static void answer(struct knn *knn)
{
	size_t most = neighbour_search_batch(&knn->search);
	size_t batch = knn->whom.count < most ? knn->whom.count : most;
	struct search_query *queries = alloc(batch, sizeof *queries);
	struct search_result *results = alloc(batch, sizeof *results);

	progress_begin("customers", knn->whom.count * knn->shards.count);
	for (size_t done = 0, count; done < knn->whom.count; done += count) {
		count = knn->whom.count - done;
		if (count > batch)
			count = batch;
		for (size_t i = 0; i < count; i++)
			check(knn->asked,
			      neighbour_search_query(
				      &knn->search,
				      customer_list_row(&knn->whom, done + i),
				      &queries[i]));
		answer_batch(knn, queries, results, count);
	}
	progress_end();
	free(results);
	free(queries);
	neighbour_report_end(&knn->report);
}

/* Close the output, or leave none where there was nothing to find. */
static enum status finish(struct knn *knn)
{
	model_checksums_end();
	if (knn->pens.begun) {
		output_close(&knn->output);
		return knn->whom.missed || knn->report.missed ? STATUS_NOT_FOUND
							      : STATUS_DONE;
	}
	free(knn->output.buffer);
	if (!knn->whom.missed && !knn->report.missed)
		warn("%s: no neighbours found", knn->model->input.name);
	return STATUS_NOT_FOUND;
}

/* ------------------------------------------------------------------- main */

/* The tensors whose bytes are not read whole: where one customer, or some, are
 * answered by an index. */
static const char *const *unread(const struct sharded_model *shards)
{
	static const char *const none[] = {NULL};
	static const char *const exact[] = {"embedding", "index.units",
					    "index.centroids", NULL};
	static const char *const cells[] = {
		"embedding",       "index.units",  "index.rows", "index.codes",
		"index.residuals", "index.scales", NULL};
	bool few = choices.like != NULL ||
		   (choices.users.count > 0 &&
		    choices.users.count <= IVF_INDEX_FEW_QUERIES);

	for (size_t s = 0; s < shards->count; s++)
		few = few && shards->indexes[s].cells > 0;
	if (!few || choices.metric != METRIC_EMBEDDING)
		return none;
	return by_index() ? cells : exact;
}

/* An index is of embeddings. */
static void choose_metric(const struct model *model)
{
	if (!choices.has_metric && !choices.has_alpha)
		choices.metric = by_index() ? METRIC_EMBEDDING
					    : model_default_metric(model);
	else if (!choices.has_metric)
		choices.metric = METRIC_COMBINED;
	check(model, model_check_metric(model, choices.metric));
}

static void open_models(struct knn *knn)
{
	const char *error = sharded_model_open(&knn->shards, choices.models,
					       choices.model_count);

	knn->shards.recall = choices.recall;
	knn->shards.probes = choices.probes;
	if (error == NULL)
		error = sharded_search_need_index(&knn->shards);
	if (error == NULL)
		choose_metric(&knn->shards.models[0]);
	if (error == NULL) {
		model_checksums_begin(knn->shards.models, knn->shards.count,
				      unread(&knn->shards), choices.threads);
		error = sharded_model_join(&knn->shards);
	}
	if (error != NULL)
		die("%s", error);
	knn->model = knn->asked = &knn->shards.whole;
}

static void begin_search(struct knn *knn)
{
	knn->search = (struct neighbour_search){
		.shards = &knn->shards,
		.asked = knn->asked,
		.group = choices.like != NULL,
		.metric = choices.metric,
		.count = choices.count,
		.min_score = has_least() ? choices.least : -INFINITY,
		.alpha = choices.alpha,
		.allowed = knn->allowed,
		.with_self = choices.with_self,
		.threads = choices.threads,
	};
	knn->report = (struct neighbour_report){
		.model = knn->model,
		.asked = knn->asked,
		.in_total = knn->whom.all && choices.like == NULL,
		.by_index = by_index(),
		.filtered = knn->allowed != NULL || has_least(),
		.has_min_similarity = has_least(),
		.min_similarity = has_least() ? choices.least : 0,
		.count = choices.count,
		.quiet = options_quiet,
	};
	if (metric_compares_rows(choices.metric) &&
	    (knn->whom.count >= INDEXED_QUERIES ||
	     knn->model->matrix.n < SMALL_MODEL))
		check(knn->model,
		      sharded_model_index_rows(&knn->shards, choices.threads));
}

/* How similar two customers at random are: the model's embeddings are
 * measured; rows are measured here. */
static void set_pairs(const struct model *model, struct query_metadata *note)
{
	static const double shares[] = {0.5, 0.99};
	const struct similarity similarity = {.profile = choices.metric ==
							 METRIC_PROFILE,
					      .alpha = choices.alpha};
	double pairs[2] = {model->median_pair, model->top_pair};

	if (metric_compares_rows(choices.metric))
		combined_quantiles(&model->matrix, model->embedding, model->k,
				   &similarity, shares, 2, pairs);
	note->median_pair = pairs[0];
	note->top_pair = pairs[1];
}

static void begin_output(struct knn *knn)
{
	struct output_options manner = {
		.format = choices.layout,
		.why = !choices.without_why,
		.alpha = choices.alpha,
		.metadata = {.metric = metric_words[choices.metric],
			     .alpha = choices.alpha,
			     .asked = choices.count,
			     .min_similarity =
				     has_least() ? &choices.least : NULL,
			     .looked_at = by_index(),
			     .among = choices.among},
	};

	output_open(&knn->output, choices.output);
	manner.profiles =
		choices.profiles == 1 ||
		(choices.profiles == -1 && choices.users.count > 0 &&
		 choices.layout == OUTPUT_TSV && knn->shards.count == 1 &&
		 !output_terminal(&knn->output));
	knn->search.count_matching = manner.profiles && has_least();
	if (manner.profiles)
		set_pairs(knn->model, &manner.metadata);
	result_writer_begin(&knn->pens, &knn->shards, knn->asked, &manner,
			    choices.metric, choices.threads);
}

static void begin(struct knn *knn)
{
	const struct model *model = knn->model;

	knn->whom.ignore_unknown = choices.ignore_unknown;
	knn->allowed = make_filter(model);
	if (choices.queries != NULL)
		open_queries(knn);
	else if (choices.like != NULL)
		open_group(knn);
	else
		ask(&knn->whom, model);
	begin_search(knn);
	begin_output(knn);
}

static void end(struct knn *knn)
{
	result_writer_end(&knn->pens);
	if (choices.queries != NULL)
		model_close(&knn->queries);
	query_row_free(&knn->audience);
	customer_list_free(&knn->whom);
	free(knn->allowed);
	free(choices.users.texts);
	sharded_model_close(&knn->shards);
}

/* --merge */
static enum status join_files(void)
{
	struct neighbours_merge merge = {0};
	struct output output;

	output_open(&output, choices.output);
	for (size_t i = 0; i < choices.model_count; i++)
		neighbours_merge_read(&merge, choices.models[i]);
	if (choices.model_count == 0)
		neighbours_merge_read(&merge, NULL);
	size_t written = neighbours_merge_write(&merge, &output, choices.count);
	neighbours_merge_free(&merge);
	if (written > 0) {
		output_close(&output);
		return STATUS_DONE;
	}
	free(output.buffer);
	warn("no neighbours in what was read");
	return STATUS_NOT_FOUND;
}

int main(int argc, char **argv)
{
	struct knn knn = {0};

	read_options(argc, argv);
	if (choices.merge)
		return join_files();
	open_models(&knn);
	begin(&knn);
	answer(&knn);
	enum status status = finish(&knn);
	end(&knn);
	return status;
}
