/* arithmetic: products and sums in registers on a number of threads, each
 * the same work: what a second thread can gain on this machine at this time.
 *
 * usage: arithmetic THREADS */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/errors.h"

/* Eight chains of eight lanes: as many as hide the latency of an addition. */
enum { ROUNDS = 100 * 1000 * 1000, CHAINS = 8, LANES = 8 };
typedef float lanes __attribute__((vector_size(4 * LANES)));

static void *work(void *sum)
{
	lanes chain[CHAINS] = {{0}};

	for (int i = 0; i < ROUNDS; i++)
		for (int j = 0; j < CHAINS; j++)
			chain[j] = chain[j] * 0.999F + 1.0F;
	for (int j = 0; j < CHAINS; j++)
		*(float *)sum += chain[j][0];
	return NULL;
}

int main(int argc, char **argv)
{
	unsigned threads = argc == 2 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;

	if (threads == 0)
		die("usage: arithmetic THREADS");
	pthread_t *thread = alloc(threads, sizeof *thread);
	float *sum = alloc(threads, sizeof *sum);
	float total = 0;

	for (unsigned i = 0; i < threads; i++) {
		sum[i] = 0;
		if (pthread_create(&thread[i], NULL, work, &sum[i]) != 0)
			die("no thread");
	}
	for (unsigned i = 0; i < threads; i++) {
		pthread_join(thread[i], NULL);
		total += sum[i];
	}
	printf("%g\n", total);
	free(sum);
	free(thread);
	return 0;
}
