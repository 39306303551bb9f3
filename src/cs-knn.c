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
#include "die.h"
#include "model.h"
#include "nearest.h"
#include "neighbours.h"
#include "notes.h"
#include "number.h"
#include "options.h"
#include "progress.h"
#include "quote.h"
#include "reasons.h"
#include "stream.h"
#include "table.h"
#include "team.h"

enum layout { LAYOUT_TSV, LAYOUT_JSON, LAYOUT_IDS };

static const char *const layout_words[] = {[LAYOUT_TSV] = "tsv",
					   [LAYOUT_JSON] = "json",
					   [LAYOUT_IDS] = "ids",
					   NULL};
static const char *const metric_words[] = {
	[METRIC_COSINE] = "cosine", [METRIC_DOT] = "dot", NULL};

/* How many tags are named for a neighbour; how many answers a thread writes
 * in one piece. */
enum { REASONS = 3, PIECE = 32 };

/* What the command line says. */
static struct {
	const char **users; /* of -u */
	size_t user_count, user_room;
	const char *users_file, *among, *not, *output, *model;
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
	.usage =
		"cs-knn -u CUSTOMER | --users FILE | --all [OPTION]... [MODEL]",
	.purpose =
		"Write the customers most similar to one, or to each of many.\n"
		"MODEL comes from cs-svd; without one, or for \"-\", standard "
		"input is read.",
	.footer =
		"exit: 0 found; 1 no such customer, or none left; 2 wrong use, "
		"input or output\n"
		"  cs-knn -u 1 emb.bin | cs-summarize\n"
		"  cs-knn --all -n 5 --no-why emb.bin > neighbours.tsv\n"
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
				      choices.users_file, choices.among,
				      choices.not };
	unsigned standard = 0;

	for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++)
		standard += inputs[i] != NULL && strcmp(inputs[i], "-") == 0;
	if (standard > 1)
		die_usage("only one of MODEL, --users, --among and --not can "
			  "be standard input");
}

static void check_choices(void)
{
	int whom = (choices.user_count > 0) + (choices.users_file != NULL) +
		   choices.all;

	if (whom != 1)
		die_usage(
			"expected one of -u CUSTOMER, --users FILE and --all");
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

/* ------------------------------------------------------------------- whom */

/* The asked customers by row; all of the model where rows is NULL. */
struct whom {
	size_t *rows;
	size_t count, room;
	bool missed; /* one was asked for in vain */
};

static size_t whom_row(const struct whom *whom, size_t i)
{
	return whom->rows ? whom->rows[i] : i;
}

static void add_row(struct whom *whom, size_t row)
{
	whom->rows = alloc_grow(whom->rows, &whom->room, whom->count + 1,
				sizeof *whom->rows);
	whom->rows[whom->count++] = row;
}

static void ask_user(struct whom *whom, const struct model *model,
		     const char *name)
{
	size_t row = model_find(model, name, strlen(name));
	char near[512];

	if (row != SIZE_MAX) {
		add_row(whom, row);
	} else if (!choices.ignore_unknown) {
		model_near(model, name, strlen(name), near, sizeof near);
		warn("%s: no customer %s%s%s", model->input.name, name,
		     near[0] ? "; near: " : "", near);
		whom->missed = true;
	}
}

/* Undo \\ \t \n \r as our streams write them; any other backslash stands for
 * itself.  The new length. */
static size_t undo_escapes(char *name, size_t length)
{
	static const char from[] = "\\tnr", to[] = "\\\t\n\r";
	size_t out = 0;

	for (size_t i = 0; i < length; i++) {
		const char *found =
			name[i] == '\\' && i + 1 < length && name[i + 1] != '\0'
				? strchr(from, name[i + 1])
				: NULL;

		name[out++] = found ? to[found - from] : name[i];
		i += found != NULL;
	}
	return out;
}

/* The next name of a file with one a line, without empty lines and without
 * what Windows ends a line with; false at the end. */
static bool next_name(struct table *list)
{
	while (table_line(list)) {
		struct field *name = &list->fields[0];

		if (name->length > 0 && name->text[name->length - 1] == '\r')
			name->length--;
		if (name->length == 0)
			continue;
		if (memchr(name->text, '\\', name->length) != NULL)
			name->length = undo_escapes(name->text, name->length);
		return true;
	}
	return false;
}

static void ask_file(struct whom *whom, const struct model *model,
		     const char *path)
{
	struct table list = {0};
	size_t named = 0;

	table_open(&list, path);
	for (; next_name(&list); named++) {
		const struct field *name = &list.fields[0];
		size_t row = model_find(model, name->text, name->length);

		if (row != SIZE_MAX) {
			add_row(whom, row);
		} else if (!choices.ignore_unknown) {
			warn("%s:%zu: no customer %.*s in %s", list.name,
			     list.line, (int)name->length, name->text,
			     model->input.name);
			whom->missed = true;
		}
	}
	if (named == 0)
		warn("%s: no customer is named in it", list.name);
	table_close(&list);
}

static void ask(struct whom *whom, const struct model *model)
{
	*whom = (struct whom){0};
	for (size_t i = 0; i < choices.user_count; i++)
		ask_user(whom, model, choices.users[i]);
	if (choices.users_file != NULL)
		ask_file(whom, model, choices.users_file);
	if (choices.all)
		whom->count = model->matrix.n;
}

/* ------------------------------------------------------------------ among */

/* Set or clear the bits of the customers named in a file; how many of them
 * the model has. */
static size_t mark_file(uint64_t *bits, const struct model *model,
			const char *path, bool allowed)
{
	struct table list = {0};
	size_t known = 0, named = 0;

	table_open(&list, path);
	for (; next_name(&list); named++) {
		size_t row = model_find(model, list.fields[0].text,
					list.fields[0].length);

		if (row == SIZE_MAX)
			continue;
		known++;
		if (allowed)
			bits[row / 64] |= (uint64_t)1 << row % 64;
		else
			bits[row / 64] &= ~((uint64_t)1 << row % 64);
	}
	if (known < named && options_chatty())
		warn("%s: %zu of %zu customers are not in %s", list.name,
		     named - known, named, model->input.name);
	table_close(&list);
	return known;
}

/* A bit for each row: may it be an answer?  NULL: all may. */
static uint64_t *make_filter(const struct model *model)
{
	size_t words = model->matrix.n / 64 + 1;
	uint64_t *bits;

	if (choices.among == NULL && choices.not == NULL)
		return NULL;
	bits = alloc(words, sizeof *bits);
	if (choices.among == NULL) {
		memset(bits, 0xff, words * sizeof *bits);
	} else if (mark_file(bits, model, choices.among, true) == 0) {
		warn("%s: none of its customers is in %s", choices.among,
		     model->input.name);
		exit(STATUS_NOT_FOUND);
	}
	if (choices.not != NULL)
		mark_file(bits, model, choices.not, false);
	return bits;
}

/* ---------------------------------------------------------------- answers */

/* What answering takes. */
struct knn {
	const struct model *model;
	struct search search;
	struct whom whom;
	struct reasons reasons;
	struct pen *pens; /* one for each thread */
	size_t zeros;     /* customers without signal */
	struct output output;
	bool begun; /* a first answer is written */
	bool profiles;
	size_t silent; /* asked customers without signal */
};

/* What a thread needs to write answers. */
struct pen {
	const struct knn *knn;
	struct output *output; /* of the piece in hand, in memory */
	char **error;          /* of the piece in hand */
	struct side query, other;
	struct part *parts;
	size_t part_room;
	struct notes notes;
};

/* Answers to be written by all threads: a text for each piece of them. */
struct sheets {
	struct knn *knn;
	const struct query *queries;
	const struct found *found;
	size_t count;
	struct output *texts;
	char **errors; /* of the model, for each piece, or NULL */
};

/* True where error is NULL; else the piece's first is kept, to be told when
 * all threads are done. */
static bool is_fine(struct pen *pen, const char *error)
{
	if (error != NULL && *pen->error == NULL)
		*pen->error = alloc_text(error, strlen(error));
	return error == NULL;
}

/* The name of a customer; what is none is damage. */
static const char *name_of(struct pen *pen, size_t row, size_t *length)
{
	const char *name =
		texts_at(&pen->knn->model->matrix.users, row, length);

	if (*length == 0)
		is_fine(pen, sentence("tensor users.offsets is damaged: row "
				      "%zu",
				      row));
	return name;
}

/* The reasons for the similarity of the query's side and a row. */
static void explain(struct pen *pen, size_t row, struct neighbour *neighbour)
{
	const struct model *model = pen->knn->model;
	size_t count;

	if (!is_fine(pen, side_set(&pen->other, &pen->knn->reasons, row)))
		return;
	pen->parts = alloc_grow(pen->parts, &pen->part_room,
				pen->query.count + pen->other.count + 1,
				sizeof *pen->parts);
	if (!is_fine(pen, reasons_parts(&pen->knn->reasons, &pen->query,
					&pen->other, pen->parts, &count)))
		return;
	neighbour->reason_count = reasons_largest(pen->parts, count, REASONS);
	for (size_t i = 0; i < neighbour->reason_count; i++) {
		struct reason *reason = &neighbour->reasons[i];
		size_t tag = pen->parts[i].tag;

		*reason = (struct reason){.tag = "",
					  .length = 0,
					  .contribution = pen->parts[i].amount};
		if (tag != REASONS_CENTER)
			reason->tag = texts_at(&model->matrix.tags, tag,
					       &reason->length);
	}
}

/* A similar customer, with the reasons where they are wanted. */
static struct neighbour make_neighbour(struct pen *pen, struct hit hit,
				       struct reason reasons[REASONS])
{
	struct neighbour neighbour = {
		.similarity = (double)hit.score,
		.reasons = reasons,
	};

	neighbour.name = name_of(pen, hit.row, &neighbour.length);
	if (!choices.without_why)
		explain(pen, hit.row, &neighbour);
	return neighbour;
}

static void write_tsv(struct pen *pen, size_t row, const struct found *found)
{
	size_t length;
	const char *name = name_of(pen, row, &length);

	for (size_t i = 0; i < found->count; i++) {
		struct reason reasons[REASONS];
		struct neighbour neighbour =
			make_neighbour(pen, found->hits[i], reasons);

		neighbours_write(pen->output, name, length, i + 1, &neighbour,
				 !choices.without_why);
	}
}

static void write_json_why(struct output *output, struct neighbour *neighbour)
{
	neighbours_settle(neighbour);
	output_text(output, ",\"why\":[");
	for (size_t i = 0; i < neighbour->reason_count; i++) {
		const struct reason *reason = &neighbour->reasons[i];

		output_text(output, i ? ",{\"tag\":" : "{\"tag\":");
		quote_json(output, reason->tag, reason->length);
		output_print(output, ",\"contribution\":%.6f}",
			     reason->contribution);
	}
	output_print(output, "],\"other\":%s", neighbour->other);
}

static void write_json(struct pen *pen, size_t row, const struct found *found)
{
	struct output *output = pen->output;
	size_t length;
	const char *name = name_of(pen, row, &length);

	output_text(output, "{\"query\":");
	quote_json(output, name, length);
	output_text(output, ",\"neighbours\":[");
	for (size_t i = 0; i < found->count; i++) {
		struct reason reasons[REASONS];
		struct neighbour neighbour =
			make_neighbour(pen, found->hits[i], reasons);

		output_print(output,
			     "%s{\"rank\":%zu,\"customer\":", i ? "," : "",
			     i + 1);
		quote_json(output, neighbour.name, neighbour.length);
		output_print(output, ",\"similarity\":%.9g",
			     neighbour.similarity);
		if (!choices.without_why)
			write_json_why(output, &neighbour);
		output_text(output, "}");
	}
	output_text(output, "]}\n");
}

static void write_ids(struct pen *pen, const struct found *found)
{
	for (size_t i = 0; i < found->count; i++) {
		size_t length;
		const char *name = name_of(pen, found->hits[i].row, &length);

		table_write(pen->output, name, length);
		output_text(pen->output, "\n");
	}
}

static void write_model_note(struct pen *pen, const struct found *found)
{
	struct note note = {
		.metric = metric_words[choices.metric],
		.without_signal = pen->knn->zeros,
		.asked = choices.count,
		.candidates = found->candidates,
		.matching = found->matching,
		.min_similarity = choices.has_least ? &choices.least : NULL,
		.among = choices.among,
	};

	notes_model(&pen->notes, pen->output, &note);
}

static void write_profiles(struct pen *pen, size_t row,
			   const struct found *found)
{
	is_fine(pen, notes_profile(&pen->notes, pen->output, row));
	for (size_t i = 0; i < found->count; i++)
		if (found->hits[i].row != row)
			is_fine(pen, notes_profile(&pen->notes, pen->output,
						   found->hits[i].row));
	is_fine(pen, notes_tags(&pen->notes, pen->output));
}

static void write_answer(struct pen *pen, size_t row, const struct found *found)
{
	if (choices.layout == LAYOUT_IDS) {
		write_ids(pen, found);
		return;
	}
	if (!choices.without_why &&
	    !is_fine(pen, side_set(&pen->query, &pen->knn->reasons, row)))
		return;
	if (choices.layout == LAYOUT_JSON) {
		write_json(pen, row, found);
		return;
	}
	if (pen->knn->profiles)
		write_model_note(pen, found);
	write_tsv(pen, row, found);
	if (pen->knn->profiles)
		write_profiles(pen, row, found);
}

/* Say why a customer has no neighbours. */
static void say_none(struct knn *knn, size_t row, const struct found *found)
{
	size_t length;
	const char *name = texts_at(&knn->model->matrix.users, row, &length);
	char count[NUMBER_TEXT], least[NUMBER_TEXT];

	if (choices.all) {
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

static void write_piece(void *shared, size_t piece, unsigned thread)
{
	struct sheets *sheets = shared;
	struct pen *pen = &sheets->knn->pens[thread];
	size_t first = piece * PIECE;

	pen->output = &sheets->texts[piece];
	pen->error = &sheets->errors[piece];
	for (size_t i = first; i < first + PIECE && i < sheets->count; i++)
		if (sheets->found[i].count > 0)
			write_answer(pen, sheets->queries[i].self,
				     &sheets->found[i]);
}

/* Write some pieces of answers, texts by all threads and then in order. */
static void write_sheets(struct sheets *sheets)
{
	size_t pieces = (sheets->count + PIECE - 1) / PIECE;
	struct output *output = &sheets->knn->output;

	team_run(choices.threads, pieces, write_piece, sheets);
	for (size_t i = 0; i < pieces; i++)
		check(sheets->knn->model, sheets->errors[i]);
	for (size_t i = 0; i < pieces; i++) {
		struct output *part = &sheets->texts[i];

		if (part->held > 0 && !sheets->knn->begun) {
			sheets->knn->begun = true;
			if (choices.layout == LAYOUT_TSV)
				neighbours_write_header(output,
							!choices.without_why);
		}
		output_write(output, part->buffer, part->held);
		part->held = 0;
	}
}

static void write_answers(struct knn *knn, const struct query *queries,
			  const struct found *found, size_t count)
{
	size_t pieces = (size_t)16 * choices.threads;
	struct sheets sheets = {
		.knn = knn,
		.texts = alloc(pieces, sizeof *sheets.texts),
		.errors = alloc(pieces, sizeof *sheets.errors),
	};

	for (size_t i = 0; i < pieces; i++)
		output_memory(&sheets.texts[i]);
	for (size_t done = 0; done < count; done += sheets.count) {
		sheets.queries = queries + done;
		sheets.found = found + done;
		sheets.count = count - done < pieces * PIECE ? count - done
							     : pieces * PIECE;
		write_sheets(&sheets);
	}
	for (size_t i = 0; i < pieces; i++)
		free(sheets.texts[i].buffer);
	free(sheets.texts);
	free(sheets.errors);
}

/* Answer the asked customers from the first on, count of them. */
static void answer_batch(struct knn *knn, size_t first, size_t count)
{
	struct query *queries = alloc(count, sizeof *queries);
	struct found *found = alloc(count, sizeof *found);
	const char *error;

	for (size_t i = 0; i < count; i++) {
		size_t row = whom_row(&knn->whom, first + i);

		queries[i].self = row;
		queries[i].vector = knn->search.rows + row * knn->search.d;
	}
	check(knn->model,
	      nearest_search(&knn->search, queries, count, found, &knn->zeros));
	write_answers(knn, queries, found, count);
	for (size_t i = 0; i < count; i++)
		if (found[i].count == 0)
			say_none(knn, queries[i].self, &found[i]);
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
		     knn->model->input.name, knn->silent,
		     knn->silent == 1 ? "customer has" : "customers have");
}

/* Close the output, or leave none where there was nothing to find. */
static enum status finish(struct knn *knn)
{
	sums_end();
	if (knn->begun) {
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

static void begin(struct knn *knn, const struct model *model)
{
	*knn = (struct knn){.model = model};
	ask(&knn->whom, model);
	knn->search = (struct search){
		.rows = model->embedding,
		.n = model->matrix.n,
		.d = model->k,
		.metric = choices.metric,
		.limit = choices.count,
		.least = choices.has_least ? choices.least : -INFINITY,
		.allowed = make_filter(model),
		.with_self = choices.with_self,
		.threads = choices.threads,
	};
	reasons_begin(&knn->reasons, model, choices.metric);
	knn->pens = alloc(choices.threads, sizeof *knn->pens);
	for (unsigned i = 0; i < choices.threads; i++) {
		knn->pens[i].knn = knn;
		side_begin(&knn->pens[i].query, &knn->reasons);
		side_begin(&knn->pens[i].other, &knn->reasons);
		notes_begin(&knn->pens[i].notes, model);
	}
	output_open(&knn->output, choices.output);
	knn->profiles = choices.profiles == 1 ||
			(choices.profiles == -1 && choices.user_count > 0 &&
			 choices.layout == LAYOUT_TSV &&
			 !output_terminal(&knn->output));
	knn->search.count_matching = knn->profiles && choices.has_least;
}

static void end(struct knn *knn)
{
	for (unsigned i = 0; i < choices.threads; i++) {
		notes_end(&knn->pens[i].notes);
		side_end(&knn->pens[i].query);
		side_end(&knn->pens[i].other);
		free(knn->pens[i].parts);
	}
	free(knn->pens);
	reasons_end(&knn->reasons);
	free(knn->whom.rows);
	free((void *)(uintptr_t)knn->search.allowed);
}

int main(int argc, char **argv)
{
	struct model model;
	struct knn knn;

	read_options(argc, argv);
	open_model(&model);
	begin(&knn, &model);
	answer(&knn);
	enum status status = finish(&knn);
	end(&knn);
	free(sums.errors);
	model_close(&model);
	return status;
}
