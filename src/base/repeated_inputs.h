/* repeated_inputs: files that are named twice where their rows are added up. */
#ifndef BASE_REPEATED_INPUTS_H
#define BASE_REPEATED_INPUTS_H

#include <stddef.h>

/* A notice of the first path, in their order, that leads to the regular file of
 * one before it, by whatever name: what it has counts twice. */
void repeated_inputs_notice(char *const *paths, size_t count);

#endif
