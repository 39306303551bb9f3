/* npy: arrays in numpy's own format, version 1.0: the magic, two bytes of
 * version, two of the header's length, the header (a Python dictionary padded
 * with spaces to a multiple of 64 and a newline), the items in C order. */
#ifndef MODEL_NPY_H
#define MODEL_NPY_H

#include "model/safetensors.h"
#include "model/csr_matrix.h"
#include "base/io.h"

/* The tensor as it stands; numpy.load gives an array of its dtype and shape. */
void npy_tensor(struct output *output, const struct tensor *tensor);

/* The texts as an array of bytes (dtype S), each as wide as the longest. */
void npy_texts(struct output *output, const struct text_array *texts);

#endif
