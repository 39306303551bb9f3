/* date_forms: in which form of strptime(3) a date may be written. */
#ifndef EVENTS_DATE_FORMS_H
#define EVENTS_DATE_FORMS_H

#include <stddef.h>

/* The forms, one or two, of a list of usual ones that read all of the text, as
 * words of the shell: "'%m/%d/%Y' or '%d/%m/%Y'"; NULL where none does.  It is
 * kept as that of error_text is. */
const char *date_forms_find(const char *text, size_t length);

#endif
