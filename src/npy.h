/* npy: arrays in numpy's own format, version 1.0: the magic, two bytes of
 * version, two of the header's length, the header (a Python dictionary padded
 * with spaces to a multiple of 64 and a newline), the items in C order. */
#ifndef NPY_H
#define NPY_H

#include "format.h"
#include "matrix.h"
#include "stream.h"

/* The tensor as it stands; numpy.load gives an array of its dtype and shape. */
void npy_tensor(struct output *output, const struct tensor *tensor);

/* The texts as an array of bytes (dtype S), each as wide as the longest. */
void npy_texts(struct output *output, const struct texts *texts);

#endif
