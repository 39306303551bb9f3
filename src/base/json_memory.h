/* json_memory: what happens when jansson, the JSON library, gets no memory.  By
 * itself it drops keys and bytes and hardly tells. */
#ifndef BASE_JSON_MEMORY_H
#define BASE_JSON_MEMORY_H

#include <stdbool.h>

/* From now on jansson allocates through this module; where there is no memory,
 * the process ends with a message.  Called before the first JSON value is made.
 */
void json_memory_begin(void);

/* For a process that must survive: an allocation of jansson's that fails
 * returns NULL to it, and is remembered for the thread. */
void json_memory_survive(void);

/* True where an allocation of jansson's failed in this thread since the last
 * call: what was made in between is not to be used. */
bool json_memory_failed(void);

#endif
