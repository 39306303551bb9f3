/* weight_reader: weights of tags and of types of events, as a file gives them.
 */
#ifndef EVENTS_WEIGHT_READER_H
#define EVENTS_WEIGHT_READER_H

#include <stddef.h>
#include <stdint.h>

#include "base/decimal.h"

/* Read a weight: a number from 0 to below 10^9, rounded to nine decimals, which
 * *rounded counts; -1: it is none. */
int64_t weight_read(const struct decimal_style *style, const char *text,
		    size_t length, uint64_t *rounded);

/* Why a text is no weight, as the end of a message; valid as error_text's. */
const char *weight_fault(const struct decimal_style *style, const char *text,
			 size_t length);

/* Say how many weights were rounded, where any was. */
void weight_warn_rounded(const char *file, uint64_t rounded);

#endif
