#include "events/weight_reader.h"

#include "base/errors.h"
#include "base/number.h"
#include "events/number_fault.h"

int64_t weight_read(const struct decimal_style *style, const char *text,
		    size_t length, uint64_t *rounded)
{
	decimal weight;
	enum decimal_error error =
		decimal_read_styled(style, text, length, &weight);

	if ((error != DECIMAL_FINE && error != DECIMAL_ROUNDED) || weight < 0 ||
	    weight >= (decimal)DECIMAL_ONE * DECIMAL_ONE)
		return -1;
	*rounded += error == DECIMAL_ROUNDED;
	return (int64_t)weight;
}

const char *weight_fault(const struct decimal_style *style, const char *text,
			 size_t length)
{
	char fault[NUMBER_FAULT_ROOM];
	decimal weight;

	if (decimal_read_styled(style, text, length, &weight) != DECIMAL_TEXT ||
	    number_fault_find(style, text, length) == NUMBER_OTHER)
		return "expected a number from 0 to below 10^9";
	number_fault_describe(style, text, length, fault);
	return error_text("%s", fault);
}

void weight_warn_rounded(const char *file, uint64_t rounded)
{
	char count[NUMBER_TEXT];

	if (rounded > 0)
		warn("%s: %s weight%s of more than 9 decimals rounded to 9",
		     file, number_commas(count, rounded),
		     rounded == 1 ? "" : "s");
}
