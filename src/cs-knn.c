/* cs-knn: for each customer that is named the most similar ones, and why.
 *
 * The work is that of explain/neighbour_session.h: neighbours are exact
 * (search/sharded_search.h), contributions add up to the similarity
 * (explain/contributions.h), and the text is that of explain/neighbours_tsv.h.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "base/io.h"
#include "base/machine_limits.h"
#include "base/number.h"
#include "base/options.h"
#include "explain/neighbour_session.h"
#include "explain/neighbours_merge.h"
#include "search/search_query.h"

static void set_metric(const char *word);
static void set_alpha(const char *word);
static void refuse_blend(const char *argument);

/* What the command line says. */
static struct neighbour_options choices = {.profiles = -1,
					   .min_similarity = NAN,
					   .count = 10,
					   .alpha = DEFAULT_ALPHA,
					   .why = true};
static struct option_list users;
static const char *output_path;
static bool merge;

/* ---------------------------------------------------------------- options */

enum {
	KEY_USERS = 256,
	KEY_QUERIES,
	KEY_LIKE,
	KEY_ALL,
	KEY_AMONG,
	KEY_NOT,
	KEY_MIN_SIMILARITY,
	KEY_SELF,
	KEY_IGNORE,
	KEY_METRIC,
	KEY_ALPHA,
	KEY_HUB,
	KEY_RECALL,
	KEY_PROBES,
	KEY_MERGE,
	KEY_PART,
	KEY_FORMAT,
	KEY_NO_WHY,
	KEY_PROFILES,
	KEY_NO_PROFILES,
	KEY_BLEND
};

static const struct option_row rows[] = {
	{"Queries", 'u', "user", "CUSTOMER",
	 "one customer of the model; may be repeated", OPTION_TO_LIST(users)},
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
	{"Candidates", KEY_AMONG, "among", "FILE",
	 "none but these may be answers", OPTION_TO_FILE(choices.among)},
	{NULL, KEY_NOT, "not", "FILE", "none of these may",
	 OPTION_TO_FILE(choices.not )},
	{NULL, KEY_MIN_SIMILARITY, "min-similarity", "S", "nothing below S",
	 OPTION_TO_REAL(choices.min_similarity, -INFINITY, INFINITY)},
	{NULL, KEY_SELF, "include-self", NULL,
	 "the asked customer may be an answer",
	 OPTION_TO_FLAG(choices.with_self, true)},
	{NULL, KEY_IGNORE, "ignore-unknown", NULL,
	 "a name that the model lacks is no failure",
	 OPTION_TO_FLAG(choices.ignore_unknown, true)},
	{"Search", 'n', "neighbours", "N", "how many [10]",
	 OPTION_TO_INTEGER(choices.count, 1, INT64_MAX)},
	{NULL, KEY_METRIC, "metric", "M", "combined, embedding, profile, dot",
	 OPTION_TO_FUNCTION(set_metric)},
	{NULL, KEY_ALPHA, "alpha", "A", "of combined: weight of embeddings [1]",
	 OPTION_TO_FUNCTION(set_alpha)},
	{NULL, KEY_HUB, "hub", NULL,
	 "rank less those who are near to very many",
	 OPTION_TO_FLAG(choices.hub, true)},
	{NULL, KEY_RECALL, "recall", "R",
	 "by an index, that share of the nearest ten",
	 OPTION_TO_REAL(choices.recall, 1e-9, 1)},
	{NULL, KEY_PROBES, "probes", "P", "by an index, P of its cells",
	 OPTION_TO_INTEGER(choices.probes, 1, INT64_MAX)},
	{NULL, KEY_MERGE, "merge", NULL,
	 "join files of neighbours: the best of all",
	 OPTION_TO_FLAG(merge, true)},
	{NULL, KEY_PART, "part", NULL,
	 "MODELs are shards, and others are missing",
	 OPTION_TO_FLAG(choices.part, true)},
	{"Output", KEY_FORMAT, "format", "F",
	 "tsv; json, one object a line; ids [tsv]",
	 OPTION_TO_CHOICE(choices.format, output_format_words)},
	{NULL, KEY_NO_WHY, "no-why", NULL, "leave out the reasons",
	 OPTION_TO_FLAG(choices.why, false)},
	{NULL, KEY_PROFILES, "profiles", NULL, "add # lines, for cs-summarize",
	 OPTION_TO_CONSTANT(choices.profiles, 1)},
	{NULL, KEY_NO_PROFILES, "no-profiles", NULL,
	 "do not [done for -u off a terminal]",
	 OPTION_TO_CONSTANT(choices.profiles, 0)},
	OPTION_OUTPUT_TO(NULL, output_path),
	{NULL, KEY_BLEND, "blend", "B", NULL, OPTION_TO_FUNCTION(refuse_blend)},
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
		"one; a directory is\n"
		"all that cs-svd made in it.",
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

/* The word of an earlier version is refused with today's. */
static void set_metric(const char *word)
{
	if (strcmp(word, "cosine") == 0)
		die_usage("--metric cosine: the cosine of embeddings is "
			  "--metric embedding");
	if (!metric_from_word(word, &choices.metric))
		die_usage("--metric: expected embedding, dot, profile or "
			  "combined, found \"%s\"",
			  word);
	choices.has_metric = true;
}

static void set_alpha(const char *word)
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

/* Standard input can be read only once. */
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
static bool has_min_similarity(void)
{
	return !isnan(choices.min_similarity);
}

static void check_users(void)
{
	for (size_t i = 0; i < choices.user_count; i++)
		if (*choices.users[i] == '\0')
			die_usage("-u, --user: expected the name of a "
				  "customer");
}

static void check_queries(void)
{
	int chosen = (choices.user_count > 0) + (choices.users_file != NULL) +
		     (choices.queries != NULL) + (choices.like != NULL) +
		     choices.all;

	if (merge && chosen > 0)
		die_usage("--merge: whom to ask for is said already, in the "
			  "files of neighbours");
	if (!merge && chosen != 1)
		die_usage("expected one of -u CUSTOMER, --users FILE, "
			  "--queries MODEL, --like FILE and --all");
}

/* Files that are merged have their lines already: an option that would choose
 * or write others is refused. */
static void check_merge(void)
{
	const struct {
		const char *name;
		bool given;
	} others[] = {
		{"--among", choices.among != NULL},
		{"--not", choices.not != NULL},
		{"--min-similarity", has_min_similarity()},
		{"--include-self", choices.with_self},
		{"--ignore-unknown", choices.ignore_unknown},
		{"--metric", choices.has_metric},
		{"--alpha", choices.has_alpha},
		{"--hub", choices.hub},
		{"--recall", choices.recall > 0},
		{"--probes", choices.probes > 0},
		{"--format", choices.format != OUTPUT_TSV},
		{"--no-why", !choices.why},
		{"--profiles", choices.profiles == 1},
	};

	for (size_t i = 0; merge && i < sizeof others / sizeof *others; i++)
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
	if (choices.format != OUTPUT_TSV)
		die_usage("--profiles: # lines are for --format tsv");
}

static void check_index(void)
{
	if (choices.recall > 0 && choices.probes > 0)
		die_usage("--probes: --recall says how many cells already");
	if (choices.has_alpha ||
	    (choices.has_metric && choices.metric != METRIC_EMBEDDING))
		die_usage("--recall, --probes: an index is of embeddings: take "
			  "--metric embedding, or leave them out, since %s is "
			  "exact without an index",
			  choices.has_metric ? metric_words[choices.metric]
					     : "combined");
}

static void check_hub(void)
{
	if (by_index())
		die_usage("--hub: not with --recall or --probes, which look at "
			  "some customers alone");
	if (has_min_similarity())
		die_usage("--hub: not with --min-similarity, for others are as "
			  "similar as those that it leaves out");
	if (choices.model_count > 1)
		die_usage(
			"--hub: cs-index measured the customers of one MODEL");
}

static void check_choices(void)
{
	check_users();
	check_queries();
	check_merge();
	if (choices.profiles == 1)
		check_profiles();
	if (choices.has_alpha && choices.has_metric &&
	    choices.metric != METRIC_COMBINED)
		die_usage("--alpha: of --metric combined, not of --metric %s",
			  metric_words[choices.metric]);
	if (choices.hub)
		check_hub();
	if (by_index())
		check_index();
	if (has_min_similarity() && choices.metric != METRIC_DOT &&
	    fabs(choices.min_similarity) > 1)
		die_usage("--min-similarity: expected -1 to 1; only products "
			  "(--metric dot) are beyond");
	check_inputs();
}

/* An option of an earlier version. */
static void refuse_blend(const char *argument)
{
	(void)argument;
	die_usage("--blend: embedding and profile are compared together by "
		  "--metric combined");
}

static void read_options(int argc, char **argv)
{
	choices.threads = machine_limits_processors();
	char **models = options_read(&text, argc, argv);
	choices.quiet = options_quiet;
	choices.users = users.texts;
	choices.user_count = users.count;
	choices.models = models;
	choices.model_count = (size_t)(argv + argc - models);
	check_choices();
}

/* ------------------------------------------------------------------- main */

/* Close the output if something was written, else leave none. */
static void finish_output(struct output *output, bool written)
{
	if (written)
		output_close(output);
	else
		output_discard(output);
}

static enum status merge_files(void)
{
	struct output output;
	size_t lines;

	output_open(&output, output_path);
	die_if(neighbours_merge_files(choices.models, choices.model_count,
				      &output, choices.count, &lines));
	finish_output(&output, lines > 0);
	if (lines == 0)
		warn("no neighbours in what was read");
	return lines > 0 ? STATUS_DONE : STATUS_NOT_FOUND;
}

static enum status find_neighbours(void)
{
	struct neighbour_session session;
	struct output output = {0};

	die_if(neighbour_session_open(&session, &choices));
	if (!session.nobody) {
		output_open(&output, output_path);
		die_if(neighbour_session_write(&session, &output));
		finish_output(&output, session.written);
	}
	enum status status = session.written && !session.missed
				     ? STATUS_DONE
				     : STATUS_NOT_FOUND;
	neighbour_session_close(&session);
	free(users.texts);
	return status;
}

int main(int argc, char **argv)
{
	read_options(argc, argv);
	return merge ? merge_files() : find_neighbours();
}
