/*
 * correction.h
 *	  From the probabilities that a network puts out to those that hold.
 *
 * A network that was trained with weights of classes gives probabilities of the
 * weighted world; dividing by the weights brings them back to the training
 * prevalence (M. Saerens, P. Latinne, C. Decaestecker, Neural Computation 14,
 * 2002).  On rows whose outcome is known, the probability of the positive class is
 * corrected by a logistic curve of its logit (J. Platt, 1999; H. Lin, C. Lin,
 * R. Weng, Machine Learning 68, 2007), or by a monotone step function (B. Zadrozny,
 * C. Elkan, KDD 2002).  A model has several corrections when it was corrected again;
 * they are applied one after the other.
 *
 * Bytes: docs/model-format.md, section CORR.
 */
#ifndef HML_MODEL_CORRECTION_H
#define HML_MODEL_CORRECTION_H

#include "core/base/arena.h"
#include "core/base/bytes.h"

#define HML_MAX_CORRECTIONS 8
#define HML_MAX_KNOTS 100000

typedef enum HmlCorrectionKind
{
	HML_CORRECT_PRIOR = 1,   /* y: factor of each class; then the sum is made 1 again */
	HML_CORRECT_PLATT = 2,   /* y: slope and intercept of the logit */
	HML_CORRECT_ISOTONIC = 3 /* x, y: knots, linear between them */
} HmlCorrectionKind;

typedef struct HmlCorrection
{
	HmlCorrectionKind kind;
	size_t n;
	double *x; /* (n), of isotonic: ascending */
	double *y; /* (n) */
} HmlCorrection;

/* outputs is (n, n_outputs) probabilities; but for PRIOR there are two. */
extern void hml_correct(const HmlCorrection *correction, double *outputs, size_t n, size_t n_outputs);

/*
 * Fit on probabilities (n) of the positive class and labels (n) of rows that the model
 * has not learnt from.  HML_INVALID_DATA unless both classes occur, or when the probability
 * falls with the outcome.
 */
extern HmlStatus hml_correction_fit(HmlArena *arena, HmlCorrectionKind kind, const double *probabilities,
									const bool *labels, size_t n, HmlCorrection *out) HML_NODISCARD;

extern void hml_corrections_write(const HmlCorrection *corrections, size_t n, HmlWriter *writer);
extern HmlStatus hml_corrections_read(HmlArena *arena, HmlReader *reader, size_t n_outputs,
									  HmlCorrection **corrections, size_t *n) HML_NODISCARD;

#endif /* HML_MODEL_CORRECTION_H */
