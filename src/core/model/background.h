/*
 * background.h
 *	  A few training rows that a model keeps, for explanations to compare with.
 *
 * They are inputs, as the pipeline makes them, in the artifact's optional section
 * BACK: u32 rows, u32 inputs, rows * inputs float64.
 */
#ifndef HML_MODEL_BACKGROUND_H
#define HML_MODEL_BACKGROUND_H

#include "core/model/model.h"

#define HML_BACKGROUND_ROWS 50
#define HML_MAX_BACKGROUND_ROWS 1000

/*
 * Keep up to HML_BACKGROUND_ROWS rows of float32 inputs (n_rows, n_inputs), drawn uniformly
 * by 'seed'; 'rows' picks them out of inputs, NULL = all.
 */
extern HmlStatus hml_background_keep(HmlModel *model, const float *inputs, const uint32_t *rows,
									 size_t n_rows, uint64_t seed) HML_NODISCARD;

extern void hml_background_write(const HmlModel *model, HmlWriter *writer);
extern HmlStatus hml_background_read(HmlModel *model, HmlReader *reader) HML_NODISCARD;

#endif /* HML_MODEL_BACKGROUND_H */
