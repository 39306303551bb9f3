/* json_memory: what happens when jansson, the JSON library, gets no memory.  By
 * itself it drops keys and bytes and hardly tells. */
#ifndef BASE_JSON_MEMORY_H
#define BASE_JSON_MEMORY_H

/* From now on jansson allocates through base/alloc.h: where there is no memory,
 * the process ends with a message, or the work of base/recovery.h is left.
 * Called before the first JSON value is made. */
void json_memory_begin(void);

/* The same end where a function of jansson says, by a status that is not 0,
 * that it failed. */
void json_check(int status);

#endif
