#include "events/date_forms.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/date.h"
#include "base/errors.h"

static const char *const days[] = {
	"%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%d-%m-%Y", "%m-%d-%Y",
	"%Y.%m.%d", "%d-%b-%Y", "%d %b %Y", "%b %d %Y", "%b %d, %Y",
	"%d.%m.%y", "%m/%d/%y", "%d/%m/%y", "%d-%b-%y"};
static const char *const times[] = {
	"",           " %H:%M",    " %H:%M:%S",    ", %H:%M",
	", %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", ", %I:%M:%S %p"};

/* The beginning of 1900: before it "%Y" has read a year of two digits. */
static const int64_t earliest = INT64_C(-2208988800000);

/* How many colons there are. */
static int count_colons(const char *text, size_t length)
{
	int count = 0;

	for (size_t i = 0; i < length; i++)
		count += text[i] == ':';
	return count;
}

/* True where the form of a day may read the text, by the byte after the first
 * number: reading is slow, and a log may have millions of such dates. */
static bool may_read(const char *form, const char *text, size_t length)
{
	size_t i = 0;

	while (i < length && text[i] >= '0' && text[i] <= '9')
		i++;
	return i < length && (i == 0 ? form[1] == 'b' : form[2] == text[i]);
}

/* True where the form of a time has as many colons, one less than numbers. */
static bool has_time(const char *form, const char *text, size_t length)
{
	bool half = strchr(form, 'p') != NULL;

	return count_colons(form, strlen(form)) == count_colons(text, length) &&
	       half == (length > 0 && memchr("mM", text[length - 1], 2));
}

const char *date_forms_find(const char *text, size_t length)
{
	const char *found = NULL;
	char form[32];
	int64_t time;

	for (size_t i = 0; i < sizeof days / sizeof *days; i++) {
		if (!may_read(days[i], text, length))
			continue;
		for (size_t j = 0; j < sizeof times / sizeof *times; j++) {
			if (!has_time(times[j], text, length))
				continue;
			snprintf(form, sizeof form, "%s%s", days[i], times[j]);
			if (!date_read_format(form, text, length, &time) ||
			    time < earliest)
				continue;
			if (found != NULL)
				return error_text("%s or '%s'", found, form);
			found = error_text("'%s'", form);
			break;
		}
	}
	return found;
}
