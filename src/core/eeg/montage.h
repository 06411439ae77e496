/*
 * montage.h
 *	  Electrodes of the 10-20 system, what recordings call them, and what is shown of
 *	  them: montages.
 *
 * Old names (T3 T4 T5 T6) are kept; T7, T8, P7 and P8 mean the same places.
 */
#ifndef HML_EEG_MONTAGE_H
#define HML_EEG_MONTAGE_H

#include "core/base/context.h"

#define HML_EEG_ELECTRODES 19
#define HML_EEG_NAME_SIZE 24 /* of a canonical name, with its NUL */
#define HML_EEG_MAX_DERIVATIONS 19

/* The order of all arrays. */
typedef enum HmlElectrode
{
	HML_FP1,
	HML_F3,
	HML_C3,
	HML_P3,
	HML_F7,
	HML_T3,
	HML_T5,
	HML_O1,
	HML_FZ,
	HML_CZ,
	HML_PZ,
	HML_FP2,
	HML_F4,
	HML_C4,
	HML_P4,
	HML_F8,
	HML_T4,
	HML_T6,
	HML_O2
} HmlElectrode;

/* "Fp1", "F3", ... */
extern const char *const hml_electrode_names[HML_EEG_ELECTRODES];

/* The homologous electrode of the other hemisphere; those of the midline are their own. */
extern HmlElectrode hml_electrode_mirror(HmlElectrode electrode);

/* Direction from the centre of the head: x to the right, y to the front, z up; of length 1. */
extern const double hml_electrode_places[HML_EEG_ELECTRODES][3];

typedef enum HmlEegLabelKind
{
	HML_EEG_LABEL_OTHER,     /* nothing of a head that is known: "SpO2", "DC1" */
	HML_EEG_LABEL_ELECTRODE, /* one electrode against the common reference */
	HML_EEG_LABEL_BIPOLAR,   /* the difference of two electrodes */
	HML_EEG_LABEL_ECG
} HmlEegLabelKind;

/* What a label of a recording means. */
typedef struct HmlEegLabel
{
	HmlEegLabelKind kind;
	char name[HML_EEG_NAME_SIZE]; /* "Fp1", "Fp1-F7", "EKG"; "" of other kinds */
	int plus;                     /* an HmlElectrode; -1 = none of the nineteen */
	int minus;                    /* of a bipolar channel */
} HmlEegLabel;

/*
 * "EEG FP1-REF", "EEG Fp1-LE", "Fp1-A1", "FP1", "Fp1.." are all Fp1; "T7-P7" and
 * "EEG T3-T5" are T3-T5.
 */
extern HmlEegLabel hml_eeg_label(const char *label);

/*
 * A row of a montage: electrode 'plus' minus the mean of n others, "Fp1-F7" with one,
 * the common average with nineteen, a Laplacian with its neighbours, itself with none.
 */
typedef struct HmlDerivation
{
	const char *name;
	unsigned char plus;
	unsigned char n_others;
	unsigned char others[HML_EEG_ELECTRODES];
} HmlDerivation;

typedef struct HmlMontage
{
	const char *name; /* "referential", "average", "double_banana", "transverse", "laplacian" */
	size_t n;
	const HmlDerivation *rows;
	bool is_bipolar; /* can be made of a recording that is bipolar itself */
} HmlMontage;

/*
 * The double banana is in the order of a page: left temporal and parasagittal chain,
 * midline, right parasagittal and temporal chain.
 */
extern const HmlMontage hml_montages[];
#define HML_MONTAGES 5

typedef enum HmlMontageId
{
	HML_MONTAGE_REFERENTIAL,
	HML_MONTAGE_AVERAGE,
	HML_MONTAGE_DOUBLE_BANANA,
	HML_MONTAGE_TRANSVERSE,
	HML_MONTAGE_LAPLACIAN
} HmlMontageId;

extern HmlStatus hml_montage_find(HmlContext *ctx, const char *name, const HmlMontage **out) HML_NODISCARD;

/* electrodes is (19, n), out is (montage->n, n) and not the same memory. */
extern void hml_montage_apply(const HmlMontage *montage, const float *electrodes, size_t n, float *out);

/* Chains of the double banana: left and right temporal, left and right parasagittal; four derivations each. */
#define HML_CHAINS 4
#define HML_CHAIN_ELECTRODES 5
extern const char *const hml_chain_names[HML_CHAINS]; /* "LL", "RL", "LP", "RP" */
extern const unsigned char hml_chains[HML_CHAINS][HML_CHAIN_ELECTRODES];

#endif /* HML_EEG_MONTAGE_H */
