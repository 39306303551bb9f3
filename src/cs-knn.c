/* cs-knn: for each asked customer of a model the most similar ones, and why.
 *
 * Neighbours are exact (nearest.h), reasons add up to the similarity
 * (reasons.h), and the text is that of neighbours.h. */
#include <getopt.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "audience.h"
#include "die.h"
#include "model.h"
#include "nearest.h"
#include "number.h"
#include "options.h"
#include "pens.h"
#include "progress.h"
#include "stream.h"
#include "team.h"
#include "whom.h"

static const char *const metric_words[] = {
	[METRIC_COSINE] = "cosine", [METRIC_DOT] = "dot", NULL};

/* What the command line says. */
static struct {
	const char **users; /* of -u */
	size_t user_count, user_room;
	const char *users_file, *queries, *like, *among, *not, *output, *model;
	bool all, with_self, ignore_unknown, without_why;
	bool has_least;
	int profiles; /* -1: not said */
	double least;
	size_t count; /* neighbours asked for */
	enum metric metric;
	enum layout layout;
	unsigned threads;
} choices = {.profiles = -1, .count = 10};

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
		 "              [OPTION]... [MODEL]",
	.purpose =
		"Write the customers most similar to one, to each of many, "
		"or to a group.\n"
		"MODEL comes from cs-svd; without one, or for \"-\", standard "
		"input is read.",
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
		choices.users_file = optarg;
		break;
	case KEY_QUERIES:
		choices.queries = optarg;
		break;
	case KEY_LIKE:
		choices.like = optarg;
		break;
	case KEY_ALL:
		choices.all = true;
		break;
	case KEY_AMONG:
		choices.among = optarg;
		break;
	case KEY_NOT:
		choices.not = optarg;
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
	case KEY_FORMAT:
		choices.layout = (enum layout)options_choice(layout_words);
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
		choices.output = optarg;
		break;
	case 'j':
		choices.threads = options_threads();
		break;
	}
}

/* Standard input can be read once. */
static void check_inputs(void)
{
	const char *const inputs[] = {choices.model ? choices.model : "-",
				      choices.users_file,
				      choices.queries,
				      choices.like,
				      choices.among,
				      choices.not };
	unsigned standard = 0;

	for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++)
		standard += inputs[i] != NULL && strcmp(inputs[i], "-") == 0;
	if (standard > 1)
		die_usage("only one of MODEL, --users, --queries, --like, "
			  "--among and --not can be standard input");
}

static void check_choices(void)
{
	int whom = (choices.user_count > 0) + (choices.users_file != NULL) +
		   (choices.queries != NULL) + (choices.like != NULL) +
		   choices.all;

	if (whom != 1)
		die_usage("expected one of -u CUSTOMER, --users FILE, "
			  "--queries MODEL, --like FILE and --all");
	if (choices.like != NULL && choices.profiles == 1)
		die_usage("--profiles: # lines are about customers, and "
			  "--like asks for a group");
	if (choices.profiles == 1 && choices.layout != LAYOUT_TSV)
		die_usage("--profiles: # lines are for --format tsv");
	if (choices.has_least && choices.metric == METRIC_COSINE &&
	    fabs(choices.least) > 1)
		die_usage("--min-similarity: a cosine is from -1 to 1");
	check_inputs();
}

static void read_options(int argc, char **argv)
{
	options_begin(&text, argc, argv);
	choices.threads = team_processors();
	for (int key; (key = options_next()) != -1;)
		take_option(key);
	if (argc - optind > 1)
		die_usage("%s: expected one MODEL", argv[optind + 1]);
	choices.model = argv[optind];
	check_choices();
}

/* -------------------------------------------------------------- checksums */

/* Checksums of all tensors.  That of the embedding, the largest, is worked out
 * while the first search goes on; nothing is written before it is right. */
static struct {
	const struct model *model;
	char **errors;    /* a sentence for each tensor, or NULL */
	size_t embedding; /* its place among them */
	pthread_t thread;
	bool waiting;
} sums;

/* The model is not what it should be: a sentence, after its name. */
static void check(const struct model *model, const char *error)
{
	if (error != NULL)
		die("%s: %s", model->input.name, error);
}

static void compare_sum(size_t place)
{
	const struct format *file = &sums.model->file;
	const char *error = format_verify(file, &file->tensors[place]);

	if (error != NULL)
		sums.errors[place] = alloc_text(error, strlen(error));
}

static void *compare_embedding(void *unused)
{
	(void)unused;
	compare_sum(sums.embedding);
	return NULL;
}

static void compare_piece(void *shared, size_t piece, unsigned thread)
{
	(void)shared;
	(void)thread;
	if (piece != sums.embedding)
		compare_sum(piece);
}

static void sums_begin(const struct model *model)
{
	sums.model = model;
	sums.errors = alloc(model->file.count, sizeof *sums.errors);
	sums.embedding = (size_t)(format_find(&model->file, "embedding") -
				  model->file.tensors);
	if (choices.threads > 1)
		sums.waiting = pthread_create(&sums.thread, NULL,
					      compare_embedding, NULL) == 0;
	if (!sums.waiting)
		compare_embedding(NULL);
	team_run(choices.threads, model->file.count, compare_piece, NULL);
	for (size_t i = 0; i < model->file.count; i++)
		if (i != sums.embedding)
			check(model, sums.errors[i]);
}

/* Wait for what sums_begin left to do. */
static void sums_end(void)
{
	if (sums.waiting)
		pthread_join(sums.thread, NULL);
	sums.waiting = false;
	check(sums.model, sums.errors[sums.embedding]);
}

/* ---------------------------------------------------------------- answers */

/* What answering takes. */
struct knn {
	const struct model *model;
	const struct model *asked; /* whose rows ask: of --queries, the
				      audience of --like, or the same */
	struct model queries;
	struct audience audience;
	struct whom whom;
	uint64_t *allowed; /* a bit for each row: may it be an answer? NULL:
			      all may */
	struct search search;
	struct output output;
	struct pens pens;
	size_t silent; /* asked customers without signal */
};

/* What makes one embedding comparable with another. */
static void check_same_space(const struct model *model,
			     const struct model *other)
{
	static const char *const same[] = {"tags.offsets", "tags.bytes",
					   "tags.mean", "components", "sigma"};
	bool equal =
		model->scale == other->scale && model->center == other->center;

	for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
		const struct tensor *a = format_find(&model->file, same[i]);
		const struct tensor *b = format_find(&other->file, same[i]);
		equal = equal && (a == NULL) == (b == NULL) &&
			(a == NULL ||
			 (a->size == b->size &&
			  memcmp(a->bytes, b->bytes, a->size) == 0));
	}
	if (!equal)
		die("%s: its components are not those of %s: project its "
		    "customers into that (cs-project)",
		    other->input.name, model->input.name);
}

/* Ask for each customer of another model. */
static void ask_queries(struct knn *knn)
{
	const char *error = model_open(&knn->queries, choices.queries);

	if (error == NULL)
		error = format_verify_all(&knn->queries.file);
	check(&knn->queries, error);
	check_same_space(knn->model, &knn->queries);
	knn->asked = &knn->queries;
	whom_all(&knn->whom, knn->asked);
}

/* Ask for those like a group; its members cannot be answers. */
static void ask_audience(struct knn *knn)
{
	const struct model *model = knn->model;
	size_t words = model->matrix.n / 64 + 1;
	uint64_t *seeds = alloc(words, sizeof *seeds);

	whom_seeds(&knn->whom, seeds, model, choices.like);
	check(model, audience_make(&knn->audience, model, seeds, choices.like));
	if (knn->audience.seeds == 0) {
		warn("%s: none of its customers is in %s with a tag that has "
		     "weight, so no one is similar",
		     choices.like, model->input.name);
		exit(STATUS_NOT_FOUND);
	}
	for (size_t i = 0; !choices.with_self && i < words; i++)
		knn->allowed[i] &= ~seeds[i];
	free(seeds);
	knn->asked = &knn->audience.model;
	whom_all(&knn->whom, knn->asked);
}

static void ask(struct whom *whom, const struct model *model)
{
	for (size_t i = 0; i < choices.user_count; i++)
		whom_user(whom, model, choices.users[i]);
	if (choices.users_file != NULL)
		whom_file(whom, model, choices.users_file);
	if (choices.all)
		whom_all(whom, model);
}

static uint64_t *make_filter(const struct model *model)
{
	size_t words = model->matrix.n / 64 + 1;
	uint64_t *bits;

	if (choices.among == NULL && choices.not == NULL &&
	    choices.like == NULL)
		return NULL;
	bits = alloc(words, sizeof *bits);
	if (choices.among == NULL) {
		memset(bits, 0xff, words * sizeof *bits);
	} else if (whom_mark(bits, model, choices.among, true) == 0) {
		warn("%s: none of its customers is in %s", choices.among,
		     model->input.name);
		exit(STATUS_NOT_FOUND);
	}
	if (choices.not != NULL)
		whom_mark(bits, model, choices.not, false);
	return bits;
}

/* Say why a customer has no neighbours. */
static void say_none(struct knn *knn, size_t row, const struct found *found)
{
	size_t length;
	const char *name = texts_at(&knn->asked->matrix.users, row, &length);
	char count[NUMBER_TEXT], least[NUMBER_TEXT];

	if (knn->whom.all && choices.like == NULL) {
		knn->silent += found->zero;
		return;
	}
	knn->whom.missed = true;
	number_commas(count, found->candidates);
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
		     knn->model->input.name, (int)length, name, count, least);
}

/* The row of the model that an asked customer is.  One of another model has a
 * name that may be there, too, and is left out by it. */
static size_t own_row(const struct knn *knn, size_t row)
{
	size_t length;

	if (knn->asked == knn->model)
		return row;
	if (choices.like != NULL || choices.with_self)
		return NEAREST_NONE;
	const char *name = texts_at(&knn->asked->matrix.users, row, &length);
	return model_find(knn->model, name, length);
}

/* Answer the asked customers from the first on, count of them. */
static void answer_batch(struct knn *knn, size_t first, size_t count)
{
	struct query *queries = alloc(count, sizeof *queries);
	struct found *found = alloc(count, sizeof *found);
	const char *error;

	for (size_t i = 0; i < count; i++) {
		size_t row = whom_row(&knn->whom, first + i);

		queries[i] = (struct query){
			.vector = knn->asked->embedding + row * knn->search.d,
			.self = own_row(knn, row),
			.asked = row,
		};
	}
	error = nearest_search(&knn->search, queries, count, found,
			       &knn->pens.manner.note.without_signal);
	sums_end();
	check(knn->model, error);
	check(knn->model,
	      pens_write(&knn->pens, &knn->output, queries, found, count));
	for (size_t i = 0; i < count; i++)
		if (found[i].count == 0)
			say_none(knn, queries[i].asked, &found[i]);
	nearest_free(found, count);
	free(found);
	free(queries);
}

static void answer(struct knn *knn)
{
	size_t batch = nearest_batch(choices.count, knn->model->matrix.n);

	progress_begin("customers", knn->whom.count);
	for (size_t done = 0, count; done < knn->whom.count; done += count) {
		count = knn->whom.count - done;
		if (count > batch)
			count = batch;
		answer_batch(knn, done, count);
	}
	progress_end();
	if (knn->silent > 0 && !options_quiet)
		warn("%s: %zu %s no tag with weight, so no one is similar",
		     knn->asked->input.name, knn->silent,
		     knn->silent == 1 ? "customer has" : "customers have");
}

/* Close the output, or leave none where there was nothing to find. */
static enum status finish(struct knn *knn)
{
	sums_end();
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

static void open_model(struct model *model)
{
	check(model, model_open(model, choices.model));
	sums_begin(model);
}

static void begin_search(struct knn *knn, const struct model *model)
{
	knn->search = (struct search){
		.rows = model->embedding,
		.n = model->matrix.n,
		.d = model->k,
		.metric = choices.metric,
		.limit = choices.count,
		.least = choices.has_least ? choices.least : -INFINITY,
		.allowed = knn->allowed,
		.with_self = choices.with_self,
		.threads = choices.threads,
	};
}

static void begin_output(struct knn *knn, const struct model *model)
{
	struct manner manner = {
		.layout = choices.layout,
		.why = !choices.without_why,
		.note = {.metric = metric_words[choices.metric],
			 .asked = choices.count,
			 .min_similarity =
				 choices.has_least ? &choices.least : NULL,
			 .among = choices.among},
	};

	output_open(&knn->output, choices.output);
	manner.profiles = choices.profiles == 1 ||
			  (choices.profiles == -1 && choices.user_count > 0 &&
			   choices.layout == LAYOUT_TSV &&
			   !output_terminal(&knn->output));
	knn->search.count_matching = manner.profiles && choices.has_least;
	pens_begin(&knn->pens, model, knn->asked, &manner, choices.metric,
		   choices.threads);
}

static void begin(struct knn *knn, const struct model *model)
{
	*knn = (struct knn){.model = model, .asked = model};
	knn->whom.ignore_unknown = choices.ignore_unknown;
	knn->allowed = make_filter(model);
	if (choices.queries != NULL)
		ask_queries(knn);
	else if (choices.like != NULL)
		ask_audience(knn);
	else
		ask(&knn->whom, model);
	begin_search(knn, model);
	begin_output(knn, model);
}

static void end(struct knn *knn)
{
	pens_end(&knn->pens);
	if (choices.queries != NULL)
		model_close(&knn->queries);
	audience_free(&knn->audience);
	whom_free(&knn->whom);
	free(knn->allowed);
	free(sums.errors);
	free(choices.users);
}

int main(int argc, char **argv)
{
	struct model model = {0};
	struct knn knn;

	read_options(argc, argv);
	open_model(&model);
	begin(&knn, &model);
	answer(&knn);
	enum status status = finish(&knn);
	end(&knn);
	model_close(&model);
	return status;
}
