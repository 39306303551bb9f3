/* number_fault: why a value of a log is no number, and what can be done. */
#ifndef EVENTS_NUMBER_FAULT_H
#define EVENTS_NUMBER_FAULT_H

#include <stddef.h>

#include "base/decimal.h"

enum number_fault {
	NUMBER_OTHER,    /* nothing is known of it: "abc", "0x10", "2024-01-31"
			  */
	NUMBER_MARKS,    /* marks between digits that the style does not have:
			    "1,50", "12 000", "1'234.50" */
	NUMBER_SIGN,     /* a sign of currency, percent or a unit: "$5", "3 kg"
			  */
	NUMBER_NEGATIVE, /* a minus as accountants write it: "(12.00)", "5-" */
	NUMBER_FAULTS
};

/* Room for what number_fault_describe writes, with the zero byte. */
enum { NUMBER_FAULT_ROOM = 240 };

/* Which fault length bytes have that decimal_read_styled calls no number. */
enum number_fault number_fault_find(const struct decimal_style *style,
				    const char *text, size_t length);

/* Write the same as the end of a message, with the remedy for this text. */
void number_fault_describe(const struct decimal_style *style, const char *text,
			   size_t length, char to[NUMBER_FAULT_ROOM]);

/* The fault in words, without a text that has it. */
const char *number_fault_reason(enum number_fault fault);

#endif
