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
#include "explain/rerank.h"
#include "base/errors.h"
#include "explain/neighbours_merge.h"
#include "model/model.h"
#include "search/exact_search.h"
#include "base/number.h"
#include "base/options.h"
#include "explain/result_writer.h"
#include "base/progress.h"
#include "search/sharded_model.h"
#include "base/io.h"
#include "model/model_checksums.h"
#include "base/thread_pool.h"
#include "explain/customer_list.h"

static const char *const metric_words[] = {
	[METRIC_COSINE] = "cosine", [METRIC_DOT] = "dot", NULL};

/* What the command line says. */
static struct {
	const char **users; /* of -u */
	size_t user_count, user_room;
	const char *users_file, *queries, *like, *among, *not, *output;
	char **models; /* model_count; none: standard input */
	size_t model_count;
	bool all, merge, with_self, ignore_unknown, without_why;
	bool has_least;
	int profiles; /* -1: not said */
	double least;
	double share; /* of the embeddings in a similarity */
	double recall;
	size_t probes;
	size_t count; /* neighbours asked for */
	enum metric metric;
	enum output_format layout;
	unsigned threads;
} choices = {.profiles = -1, .count = 10, .share = 1};

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
	KEY_BLEND,
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
	 "one customer of the model; may be repeated"},
	{NULL, KEY_USERS, "users", "FILE", "each customer in FILE, one a line"},
	{NULL, KEY_QUERIES, "queries", "MODEL",
	 "each customer of another model (cs-project)"},
	{NULL, KEY_LIKE, "like", "FILE",
	 "an audience: who is most like those in FILE"},
	{NULL, KEY_ALL, "all", NULL, "each customer of the model"},
	{"among:", KEY_AMONG, "among", "FILE", "none but these may be answers"},
	{NULL, KEY_NOT, "not", "FILE", "none of these may"},
	{NULL, KEY_LEAST, "min-similarity", "S", "nothing below S"},
	{NULL, KEY_SELF, "include-self", NULL,
	 "the asked customer may be an answer"},
	{NULL, KEY_IGNORE, "ignore-unknown", NULL,
	 "a name that the model lacks is no failure"},
	{"how:", 'n', "neighbours", "N", "how many [10]"},
	{NULL, KEY_METRIC, "metric", "M", "cosine, dot [cosine]"},
	{NULL, KEY_BLEND, "blend", "A",
	 "A x embedding + (1 - A) x profile [1]"},
	{NULL, KEY_RECALL, "recall", "R",
	 "by an index, that share of the nearest ten"},
	{NULL, KEY_PROBES, "probes", "P", "by an index, P of its cells"},
	{NULL, KEY_MERGE, "merge", NULL,
	 "join files of neighbours: the best of all"},
	{"output:", KEY_FORMAT, "format", "F",
	 "tsv; json, one object a line; ids [tsv]"},
	{NULL, KEY_NO_WHY, "no-why", NULL, "leave out the reasons"},
	{NULL, KEY_PROFILES, "profiles", NULL, "add # lines, for cs-summarize"},
	{NULL, KEY_NO_PROFILES, "no-profiles", NULL,
	 "do not [done for -u off a terminal]"},
	OPTION_OUTPUT(NULL),
	OPTION_THREADS,
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

static void add_user(const char *name)
{
	if (*name == '\0')
		die_usage("-u, --user: expected the name of a customer");
	choices.users =
		alloc_grow(choices.users, &choices.user_room,
			   choices.user_count + 1, sizeof *choices.users);
	choices.users[choices.user_count++] = name;
}

static void take_option(int key)
{
	switch (key) {
	case 'u':
		add_user(optarg);
		break;
	case KEY_USERS:
		choices.users_file = options_once(choices.users_file);
		break;
	case KEY_QUERIES:
		choices.queries = options_once(choices.queries);
		break;
	case KEY_LIKE:
		choices.like = options_once(choices.like);
		break;
	case KEY_ALL:
		choices.all = true;
		break;
	case KEY_AMONG:
		choices.among = options_once(choices.among);
		break;
	case KEY_NOT:
		choices.not = options_once(choices.not );
		break;
	case KEY_LEAST:
		choices.least = options_real(-INFINITY, INFINITY);
		choices.has_least = true;
		break;
	case KEY_SELF:
		choices.with_self = true;
		break;
	case KEY_IGNORE:
		choices.ignore_unknown = true;
		break;
	case 'n':
		choices.count = (size_t)options_integer(1, INT64_MAX);
		break;
	case KEY_METRIC:
		choices.metric = (enum metric)options_choice(metric_words);
		break;
	case KEY_BLEND:
		choices.share = options_real(0, 1);
		break;
	case KEY_RECALL:
		choices.recall = options_real(1e-9, 1);
		break;
	case KEY_PROBES:
		choices.probes = (size_t)options_integer(1, INT64_MAX);
		break;
	case KEY_MERGE:
		choices.merge = true;
		break;
	case KEY_FORMAT:
		choices.layout =
			(enum output_format)options_choice(output_format_words);
		break;
	case KEY_NO_WHY:
		choices.without_why = true;
		break;
	case KEY_PROFILES:
		choices.profiles = 1;
		break;
	case KEY_NO_PROFILES:
		choices.profiles = 0;
		break;
	case 'o':
		choices.output = options_once(choices.output);
		break;
	case 'j':
		choices.threads = options_threads();
		break;
	}
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

static void check_whom(void)
{
	int whom = (choices.user_count > 0) + (choices.users_file != NULL) +
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
		{"--min-similarity", choices.has_least},
		{"--include-self", choices.with_self},
		{"--ignore-unknown", choices.ignore_unknown},
		{"--metric", choices.metric != METRIC_COSINE},
		{"--blend", choices.share < 1},
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

static void check_blend(void)
{
	if (choices.metric == METRIC_DOT)
		die_usage("--blend: of two cosines, not of --metric dot");
	if (choices.count > RERANK_CANDIDATES)
		die_usage("-n, --neighbours: --blend ranks the %d best by "
			  "embedding, and no more",
			  RERANK_CANDIDATES);
}

static void check_index(void)
{
	if (choices.recall > 0 && choices.probes > 0)
		die_usage("--probes: --recall says how many cells already");
	if (choices.metric == METRIC_DOT)
		die_usage("--recall, --probes: an index is by the cosine, not "
			  "by --metric dot");
}

static void check_choices(void)
{
	check_whom();
	check_merge();
	if (choices.profiles == 1)
		check_profiles();
	if (choices.share < 1)
		check_blend();
	if (choices.recall > 0 || choices.probes > 0)
		check_index();
	if (choices.has_least && choices.metric == METRIC_COSINE &&
	    fabs(choices.least) > 1)
		die_usage("--min-similarity: a cosine is from -1 to 1");
	check_inputs();
}

static void read_options(int argc, char **argv)
{
	options_begin(&text, argc, argv);
	choices.threads = thread_pool_processors();
	for (int key; (key = options_next()) != -1;)
		take_option(key);
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
	uint64_t *allowed; /* a bit for each row: may it be an answer? NULL:
			      all may */
	struct exact_search search;
	struct output output;
	struct result_writer pens;
	char metric[NUMBER_TEXT + 8]; /* what #model says of a blend */
	/* Of those who are not named one by one: */
	size_t silent; /* without signal */
	size_t few;    /* with fewer neighbours than were asked for */
};

/* The model is not what it should be: a error_text, after its name. */
static void check(const struct model *model, const char *error)
{
	if (error != NULL)
		die("%s: %s", model->input.name, error);
}

/* Ask for each customer of another model. */
static void predict_request_queries(struct knn *knn)
{
	const char *error = model_open(&knn->queries, choices.queries);

	if (error == NULL)
		error = safetensors_verify_all(&knn->queries.file,
					       choices.threads);
	check(&knn->queries, error);
	error = sharded_model_compare(knn->model, &knn->queries);
	if (error != NULL)
		die("%s", error);
	for (size_t row = 0, k = knn->queries.k; row < knn->queries.matrix.n;
	     row++)
		if (!isfinite(dot_square_norm(knn->queries.embedding + row * k,
					      k)))
			die("%s: row %zu of the embedding is not finite",
			    knn->queries.input.name, row);
	knn->asked = &knn->queries;
	customer_list_all(&knn->whom, knn->asked);
}

/* Ask for those like a group; its members cannot be answers. */
static void predict_request_audience(struct knn *knn)
{
	const struct model *model = knn->model;
	uint64_t *seeds = bitset_new(model->matrix.n);

	customer_list_seeds(&knn->whom, seeds, model, choices.like);
	check(model, query_row_mean(&knn->audience, &knn->shards, seeds,
				    choices.like));
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
	for (size_t i = 0; i < choices.user_count; i++)
		customer_list_user(whom, model, choices.users[i]);
	if (choices.users_file != NULL)
		customer_list_file(whom, model, choices.users_file);
	if (choices.all)
		customer_list_all(whom, model);
}

static uint64_t *make_filter(const struct model *model)
{
	if (choices.among == NULL && choices.not == NULL &&
	    choices.like == NULL)
		return NULL;
	uint64_t *bits = choices.among ? bitset_new(model->matrix.n)
				       : bitset_new_full(model->matrix.n);
	if (choices.among != NULL &&
	    customer_list_mark(bits, model, choices.among, true) == 0) {
		warn("%s: none of its customers is in %s", choices.among,
		     model->input.name);
		exit(STATUS_NOT_FOUND);
	}
	if (choices.not != NULL)
		customer_list_mark(bits, model, choices.not, false);
	return bits;
}

/* Whether an index or a blend looks at some customers only: see
 * explain/neighbours_metadata.h. */
static size_t look_at(void)
{
	if (choices.recall > 0 || choices.probes > 0)
		return 1;
	return choices.share < 1 ? RERANK_CANDIDATES : 0;
}

/* Of whom --min-similarity was asked. */
static const char *looked_at(const struct search_result *found)
{
	char count[NUMBER_TEXT];

	if (choices.recall > 0 || choices.probes > 0)
		return "the customers looked at";
	if (choices.share < 1 && found->candidates > RERANK_CANDIDATES)
		return error_text("the %s best by embedding",
				  number_commas(count, RERANK_CANDIDATES));
	return error_text("%s", number_commas(count, found->candidates));
}

/* Say why a customer has no neighbours. */
static void say_none(struct knn *knn, size_t row,
		     const struct search_result *found)
{
	size_t length;
	const char *name =
		text_array_at(&knn->asked->matrix.users, row, &length);
	char least[NUMBER_TEXT];

	if (knn->whom.all && choices.like == NULL) {
		knn->silent += found->zero;
		knn->few += !found->zero;
		return;
	}
	knn->whom.missed = true;
	number_write(least, choices.least, 9);
	if (found->zero)
		warn("%s: customer %.*s has no tag with weight, so no one is "
		     "similar",
		     knn->model->input.name, (int)length, name);
	else if (found->candidates == 0)
		warn("%s: customer %.*s: no one is left to be similar",
		     knn->model->input.name, (int)length, name);
	else
		warn("%s: customer %.*s: none of %s has a similarity of %s or "
		     "more",
		     knn->model->input.name, (int)length, name,
		     looked_at(found), least);
}

/* Say how many there are where they are fewer than asked for. */
static void say_few(struct knn *knn, size_t row,
		    const struct search_result *found)
{
	size_t length;
	const char *name =
		text_array_at(&knn->asked->matrix.users, row, &length);
	char matching[NUMBER_TEXT], least[NUMBER_TEXT];

	if (knn->whom.all && choices.like == NULL) {
		knn->few++;
		return;
	}
	if (options_quiet)
		return;
	number_commas(matching, found->count);
	number_write(least, choices.least, 9);
	if (choices.has_least)
		warn("%s: customer %.*s: %s of %s have a similarity of %s or "
		     "more",
		     knn->model->input.name, (int)length, name, matching,
		     looked_at(found), least);
	else
		warn("%s: customer %.*s: %s may be answers, of %zu asked for",
		     knn->model->input.name, (int)length, name, matching,
		     choices.count);
}

/* The vector of a row of the model, or of one that asks. */
static const float *vector_of(const struct knn *knn, const struct model *model,
			      size_t row)
{
	model = sharded_model_resolve(&knn->shards, model, &row);
	return model->embedding + row * knn->search.d;
}

/* The row of the model that an asked customer is.  One of another model has a
 * name that may be there, too, and is left out by it; where it may be an
 * answer, it is the same customer if it is as it was. */
static size_t own_row(const struct knn *knn, size_t row)
{
	size_t length, own;

	if (knn->asked == knn->model)
		return row;
	if (choices.like != NULL)
		return ROW_NONE;
	const char *name =
		text_array_at(&knn->asked->matrix.users, row, &length);
	own = model_find(knn->model, name, length);
	if (own != ROW_NONE && choices.with_self &&
	    memcmp(vector_of(knn, knn->model, own),
		   vector_of(knn, knn->asked, row),
		   knn->search.d * sizeof(float)) != 0)
		return ROW_NONE;
	return own;
}

/* Rank what is found by the blend, where one is asked for. */
static void rank(const struct knn *knn, const struct search_query *queries,
		 struct search_result *found, size_t count)
{
	const struct rerank blend = {
		.shards = &knn->shards,
		.asked = knn->asked,
		.share = choices.share,
		.limit = choices.count,
		.least = choices.has_least ? choices.least : -INFINITY,
		.threads = choices.threads,
	};

	if (choices.share < 1)
		check(knn->model, rerank(&blend, queries, found, count));
}

/* Answer the asked customers from the first on, count of them. */
static void predict_reply_batch(struct knn *knn, size_t first, size_t count)
{
	struct search_query *queries = alloc(count, sizeof *queries);
	struct search_result *found = alloc(count, sizeof *found);
	const char *error;

	for (size_t i = 0; i < count; i++) {
		size_t row = customer_list_row(&knn->whom, first + i);

		queries[i] = (struct search_query){
			.vector = vector_of(knn, knn->asked, row),
			.self = own_row(knn, row),
			.asked = row,
		};
	}
	error = sharded_model_search(&knn->shards, &knn->search, queries, count,
				     found,
				     &knn->pens.manner.note.without_signal);
	model_checksums_end();
	check(knn->model, error);
	rank(knn, queries, found, count);
	check(knn->model, result_writer_write(&knn->pens, &knn->output, queries,
					      found, count));
	for (size_t i = 0; i < count; i++)
		if (found[i].count == 0)
			say_none(knn, queries[i].asked, &found[i]);
		else if (found[i].count < choices.count)
			say_few(knn, queries[i].asked, &found[i]);
	search_results_free(found, count);
	free(found);
	free(queries);
}

/* Say of how many it is true, where none was asked for by name; that few are
 * there is said where an option left others out. */
static void say_all(const struct knn *knn)
{
	const char *name = knn->asked->input.name;
	bool filtered = knn->allowed != NULL || choices.has_least;
	char count[NUMBER_TEXT];

	if (options_quiet)
		return;
	if (knn->silent > 0)
		warn("%s: %s %s no tag with weight, so no one is similar", name,
		     number_commas(count, knn->silent),
		     knn->silent == 1 ? "customer has" : "customers have");
	if (knn->few > 0 && filtered)
		warn("%s: %s %s fewer than the %zu neighbours asked for", name,
		     number_commas(count, knn->few),
		     knn->few == 1 ? "customer has" : "customers have",
		     choices.count);
}

static void answer(struct knn *knn)
{
	size_t batch =
		exact_search_batch(knn->search.limit, knn->model->matrix.n);

	progress_begin("customers", knn->whom.count * knn->shards.count);
	for (size_t done = 0, count; done < knn->whom.count; done += count) {
		count = knn->whom.count - done;
		if (count > batch)
			count = batch;
		predict_reply_batch(knn, done, count);
	}
	progress_end();
	say_all(knn);
}

/* Close the output, or leave none where there was nothing to find. */
static enum status finish(struct knn *knn)
{
	model_checksums_end();
	if (knn->pens.begun) {
		output_close(&knn->output);
		return knn->whom.missed ? STATUS_NOT_FOUND : STATUS_DONE;
	}
	free(knn->output.buffer);
	if (!knn->whom.missed)
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
		   (choices.user_count > 0 &&
		    choices.user_count <= IVF_INDEX_MIN_ROWS);

	for (size_t s = 0; s < shards->count; s++)
		few = few && shards->indexes[s].cells > 0;
	if (!few || choices.metric == METRIC_DOT)
		return none;
	return choices.recall > 0 || choices.probes > 0 ? cells : exact;
}

static void open_models(struct knn *knn)
{
	const char *error = sharded_model_open(&knn->shards, choices.models,
					       choices.model_count);

	knn->shards.recall = choices.recall;
	knn->shards.probes = choices.probes;
	if (error == NULL)
		error = sharded_model_need_index(&knn->shards);
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
	bool blended = choices.share < 1;

	knn->search = (struct exact_search){
		.d = knn->model->k,
		.metric = choices.metric,
		.limit = blended ? RERANK_CANDIDATES : choices.count,
		.min_score = choices.has_least && !blended ? choices.least
							   : -INFINITY,
		.allowed = knn->allowed,
		.with_self = choices.with_self,
		.threads = choices.threads,
	};
}

static void begin_output(struct knn *knn)
{
	struct output_options manner = {
		.layout = choices.layout,
		.why = !choices.without_why,
		.share = choices.share,
		.note = {.metric = metric_words[choices.metric],
			 .asked = choices.count,
			 .min_similarity =
				 choices.has_least ? &choices.least : NULL,
			 .looked_at = look_at(),
			 .among = choices.among},
	};

	if (choices.share < 1) {
		strcpy(knn->metric, "blend ");
		number_write(knn->metric + strlen(knn->metric), choices.share,
			     9);
		manner.note.metric = knn->metric;
	}
	output_open(&knn->output, choices.output);
	manner.profiles =
		choices.profiles == 1 ||
		(choices.profiles == -1 && choices.user_count > 0 &&
		 choices.layout == OUTPUT_TSV && knn->shards.count == 1 &&
		 !output_terminal(&knn->output));
	knn->search.count_matching =
		manner.profiles && choices.has_least && choices.share == 1;
	result_writer_begin(&knn->pens, &knn->shards, knn->asked, &manner,
			    choices.metric, choices.threads);
}

static void begin(struct knn *knn)
{
	const struct model *model = knn->model;

	knn->whom.ignore_unknown = choices.ignore_unknown;
	knn->allowed = make_filter(model);
	if (choices.queries != NULL)
		predict_request_queries(knn);
	else if (choices.like != NULL)
		predict_request_audience(knn);
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
	free(choices.users);
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
