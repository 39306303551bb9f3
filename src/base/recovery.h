/* recovery: work that may run out of memory, or fail otherwise in a way that
 * ends a program, without ending the process.  A service answers requests and
 * loads models by it.
 *
 * While work is done for recovery_run, base/alloc.h records each block that it
 * hands out, and free() forgets it; programs are linked with --wrap=free for
 * that.  base/errors.h and base/alloc.h call the functions further down. */
#ifndef BASE_RECOVERY_H
#define BASE_RECOVERY_H

#include <stdbool.h>

/* Call work(context).  Where it calls die, or base/alloc.h finds no memory, the
 * message is printed, work is left at that point, undo(context) is called to
 * free what context owns, and then what work allocated and neither of them
 * freed is freed.  Returns false then, else true.
 *
 * Work may call thread_pool_run; it holds no lock where it allocates, and hands
 * nothing that it allocated to other threads before it returns.  Within work a
 * call is a part of it: a failure leaves both. */
bool recovery_run(void (*work)(void *context), void *context,
		  void (*undo)(void *context));

/* The work of this thread; NULL: none, and failures end the process. */
struct recovery *recovery_current(void);

/* Leave the work of this thread; returns where there is none. */
void recovery_leave(void);

/* Do a part of the work of another thread, which waits for it, on this one.
 * False where it was left; recovery_leave is then due on the other thread. */
bool recovery_run_part(struct recovery *recovery, void (*part)(void *context),
		       void *context);

/* Before parts run on several threads: blocks are recorded under a lock from
 * now on.  False where they are already; else recovery_unshare is due
 * afterwards. */
bool recovery_share(struct recovery *recovery);
void recovery_unshare(struct recovery *recovery);

/* Make room for one block more; false where there is no memory for it. */
bool recovery_reserve(void);

/* Record a block, for which there is room; forget one: false where it was not
 * recorded. */
void recovery_record(void *block);
bool recovery_forget(const void *block);

#endif
