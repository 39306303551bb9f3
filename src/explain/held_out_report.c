#include "explain/held_out_report.h"

#include <jansson.h>

#include "base/errors.h"
#include "base/io.h"

static const char *read_report(const struct input *input,
			       struct held_out_ratio *ratio)
{
	json_error_t error;
	json_t *tags, *report = json_loadb((const char *)input->bytes,
					   input->size, 0, &error);
	const char *text = NULL;

	tags = json_object_get(report, "listed_tags");
	if (report == NULL)
		text = error_text("%s: %s: expected a report of cs-eval",
				  input->name, error.text);
	else if (tags == NULL)
		text = error_text("%s: no listed_tags: expected a report of "
				  "cs-eval",
				  input->name);
	else if (!json_is_null(tags) &&
		 json_unpack(tags, "{s:F, s:F, s:F}", "value", &ratio->value,
			     "low", &ratio->low, "high", &ratio->high) != 0)
		text = error_text("%s: listed_tags: expected value, low and "
				  "high",
				  input->name);
	json_decref(report);
	return text;
}

const char *held_out_report_read(const char *path, struct held_out_ratio *ratio)
{
	struct input input;
	const char *error;

	input_open(&input, path);
	/* Of a pipe input_map would give the first bytes alone. */
	input.text = true;
	error = input.regular ? input_try_map(&input) : input_try_copy(&input);
	if (error == NULL)
		error = read_report(&input, ratio);
	input_close(&input);
	return error;
}
