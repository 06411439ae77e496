/*
 * montage.c
 *	  Names of electrodes and tables of montages.
 */
#include "core/eeg/montage.h"

#include <string.h>

const char *const hml_electrode_names[HML_EEG_ELECTRODES] = {"Fp1", "F3", "C3", "P3", "F7",  "T3", "T5",
															 "O1",  "Fz", "Cz", "Pz", "Fp2", "F4", "C4",
															 "P4",  "F8", "T4", "T6", "O2"};

HmlElectrode
hml_electrode_mirror(HmlElectrode electrode)
{
	if (electrode <= HML_O1)
		return electrode + HML_FP2;
	return electrode >= HML_FP2 ? electrode - HML_FP2 : electrode;
}

/*
 * The ring Fp1 ... O2 lies on the equator in steps of 36 degrees, the others half way
 * up or at the top; F3, F4, P3 and P4 half way between their neighbours of both lines.
 */
const double hml_electrode_places[HML_EEG_ELECTRODES][3] = {[HML_FP1] = {-0.30902, 0.95106, 0},
															[HML_F3] = {-0.54548, 0.67302, 0.49946},
															[HML_C3] = {-0.70711, 0, 0.70711},
															[HML_P3] = {-0.54548, -0.67302, 0.49946},
															[HML_F7] = {-0.80902, 0.58779, 0},
															[HML_T3] = {-1, 0, 0},
															[HML_T5] = {-0.80902, -0.58779, 0},
															[HML_O1] = {-0.30902, -0.95106, 0},
															[HML_FZ] = {0, 0.70711, 0.70711},
															[HML_CZ] = {0, 0, 1},
															[HML_PZ] = {0, -0.70711, 0.70711},
															[HML_FP2] = {0.30902, 0.95106, 0},
															[HML_F4] = {0.54548, 0.67302, 0.49946},
															[HML_C4] = {0.70711, 0, 0.70711},
															[HML_P4] = {0.54548, -0.67302, 0.49946},
															[HML_F8] = {0.80902, 0.58779, 0},
															[HML_T4] = {1, 0, 0},
															[HML_T6] = {0.80902, -0.58779, 0},
															[HML_O2] = {0.30902, -0.95106, 0}};

/* ---- labels ---------------------------------------------------------------------------------------- */

/* What else stands for a place, and electrodes beyond the nineteen, whose spelling is kept. */
typedef struct Spelling
{
	const char *found; /* lower case */
	const char *name;
} Spelling;

static const Spelling spellings[] = {
	{"t7", "T3"},   {"t8", "T4"},   {"p7", "T5"},   {"p8", "T6"},     {"fpz", "Fpz"}, {"oz", "Oz"},
	{"iz", "Iz"},   {"a1", "A1"},   {"a2", "A2"},   {"m1", "M1"},     {"m2", "M2"},   {"nz", "Nz"},
	{"t1", "T1"},   {"t2", "T2"},   {"f9", "F9"},   {"f10", "F10"},   {"t9", "T9"},   {"t10", "T10"},
	{"p9", "P9"},   {"p10", "P10"}, {"afz", "AFz"}, {"af3", "AF3"},   {"af4", "AF4"}, {"af7", "AF7"},
	{"af8", "AF8"}, {"f1", "F1"},   {"f2", "F2"},   {"f5", "F5"},     {"f6", "F6"},   {"fc1", "FC1"},
	{"fc2", "FC2"}, {"fc3", "FC3"}, {"fc4", "FC4"}, {"fc5", "FC5"},   {"fc6", "FC6"}, {"fcz", "FCz"},
	{"ft7", "FT7"}, {"ft8", "FT8"}, {"ft9", "FT9"}, {"ft10", "FT10"}, {"c1", "C1"},   {"c2", "C2"},
	{"c5", "C5"},   {"c6", "C6"},   {"tp7", "TP7"}, {"tp8", "TP8"},   {"tp9", "TP9"}, {"tp10", "TP10"},
	{"cp1", "CP1"}, {"cp2", "CP2"}, {"cp3", "CP3"}, {"cp4", "CP4"},   {"cp5", "CP5"}, {"cp6", "CP6"},
	{"cpz", "CPz"}, {"p1", "P1"},   {"p2", "P2"},   {"p5", "P5"},     {"p6", "P6"},   {"po3", "PO3"},
	{"po4", "PO4"}, {"po7", "PO7"}, {"po8", "PO8"}, {"poz", "POz"},   {"pg1", "Pg1"}, {"pg2", "Pg2"},
	{"sp1", "Sp1"}, {"sp2", "Sp2"},
};

static const char *const references[] = {"ref",       "le",    "avg",  "av",     "ar",  "car", "rf",
										 "reference", "g1",    "g2",   "a1",     "a2",  "m1",  "m2",
										 "a1a2",      "a1+a2", "m1m2", "linked", "org", "gnd", "aver"};
static const char *const ecg_names[] = {"ecg", "ekg", "ekg1", "ecg1", "ekg2", "ecg2", "ekgl", "ecgl"};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static bool
is_in(const char *word, const char *const *table, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(word, table[i]) == 0)
			return true;
	return false;
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char) (c + 32) : c;
}

/* Lower case, without blanks and points at either end; false where it does not fit. */
static bool
normalise(const char *text, size_t length, char *out)
{
	size_t n = 0;

	while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '.'))
		length--;
	while (length > 0 && (text[0] == ' ' || text[0] == '.'))
	{
		text++;
		length--;
	}
	if (length >= HML_EEG_NAME_SIZE / 2)
		return false;
	for (; n < length; n++)
		out[n] = lower(text[n]);
	out[n] = '\0';
	return true;
}

/* The name of an electrode, NULL where it is none; *electrode is -1 beyond the nineteen. */
static const char *
electrode_of(const char *word, int *electrode)
{
	const char *name = NULL;

	for (size_t i = 0; i < COUNT(spellings); i++)
		if (strcmp(word, spellings[i].found) == 0)
			name = spellings[i].name;
	*electrode = -1;
	for (int i = 0; i < HML_EEG_ELECTRODES; i++)
	{
		char found[HML_EEG_NAME_SIZE];

		normalise(hml_electrode_names[i], strlen(hml_electrode_names[i]), found);
		if (strcmp(word, found) == 0 || (name != NULL && strcmp(name, hml_electrode_names[i]) == 0))
			*electrode = i;
	}
	return *electrode >= 0 ? hml_electrode_names[*electrode] : name;
}

/* Behind "EEG " or the like. */
static const char *
skip_kind(const char *label)
{
	static const char *const kinds[] = {"eeg ", "ecg ", "ekg ", "eeg_", "eeg:"};

	while (*label == ' ')
		label++;
	for (size_t i = 0; i < COUNT(kinds); i++)
	{
		size_t k = 0;

		while (kinds[i][k] != '\0' && lower(label[k]) == kinds[i][k])
			k++;
		if (kinds[i][k] == '\0')
			return label + k;
	}
	return label;
}

static void
set_name(HmlEegLabel *label, const char *plus, const char *minus)
{
	size_t n = strlen(plus);

	memcpy(label->name, plus, n);
	if (minus != NULL)
	{
		label->name[n++] = '-';
		memcpy(label->name + n, minus, strlen(minus));
		n += strlen(minus);
	}
	label->name[n] = '\0';
}

HmlEegLabel
hml_eeg_label(const char *label)
{
	HmlEegLabel result = {.kind = HML_EEG_LABEL_OTHER, .plus = -1, .minus = -1};
	const char *text = skip_kind(label);
	const char *dash = strchr(text, '-');
	const char *plus;
	const char *minus = NULL;
	char first[HML_EEG_NAME_SIZE];
	char second[HML_EEG_NAME_SIZE] = "";

	if (!normalise(text, dash == NULL ? strlen(text) : (size_t) (dash - text), first) ||
		(dash != NULL && !normalise(dash + 1, strlen(dash + 1), second)))
		return result;
	if (is_in(first, ecg_names, COUNT(ecg_names)))
	{
		result.kind = HML_EEG_LABEL_ECG;
		set_name(&result, "EKG", NULL);
		return result;
	}
	plus = electrode_of(first, &result.plus);
	if (plus == NULL)
		return result;
	if (dash != NULL && !is_in(second, references, COUNT(references)))
	{
		minus = electrode_of(second, &result.minus);
		if (minus == NULL)
			return (HmlEegLabel){.kind = HML_EEG_LABEL_OTHER, .plus = -1, .minus = -1};
	}
	result.kind = minus == NULL ? HML_EEG_LABEL_ELECTRODE : HML_EEG_LABEL_BIPOLAR;
	set_name(&result, plus, minus);
	return result;
}

/* ---- montages -------------------------------------------------------------------------------------- */

const char *const hml_chain_names[HML_CHAINS] = {"LL", "RL", "LP", "RP"};

const unsigned char hml_chains[HML_CHAINS][HML_CHAIN_ELECTRODES] = {
	{HML_FP1, HML_F7, HML_T3, HML_T5, HML_O1},
	{HML_FP2, HML_F8, HML_T4, HML_T6, HML_O2},
	{HML_FP1, HML_F3, HML_C3, HML_P3, HML_O1},
	{HML_FP2, HML_F4, HML_C4, HML_P4, HML_O2},
};

#define ALL \
	19, \
	{ \
		0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18 \
	}

#define EACH_ELECTRODE(ROW) \
	ROW("Fp1", HML_FP1) \
	ROW("F3", HML_F3) \
	ROW("C3", HML_C3) \
	ROW("P3", HML_P3) \
	ROW("F7", HML_F7) \
	ROW("T3", HML_T3) \
	ROW("T5", HML_T5) \
	ROW("O1", HML_O1) \
	ROW("Fz", HML_FZ) \
	ROW("Cz", HML_CZ) \
	ROW("Pz", HML_PZ) \
	ROW("Fp2", HML_FP2) \
	ROW("F4", HML_F4) \
	ROW("C4", HML_C4) \
	ROW("P4", HML_P4) \
	ROW("F8", HML_F8) \
	ROW("T4", HML_T4) \
	ROW("T6", HML_T6) \
	ROW("O2", HML_O2)

#define ALONE(label, electrode) {label, electrode, 0, {0}},
#define FROM_MEAN(label, electrode) {label "-Av", electrode, ALL},
#define PAIR(label, plus, minus) \
	{ \
		label, plus, 1, \
		{ \
			minus \
		} \
	}

static const HmlDerivation referential[] = {EACH_ELECTRODE(ALONE)};
static const HmlDerivation average[] = {EACH_ELECTRODE(FROM_MEAN)};

static const HmlDerivation double_banana[] = {
	PAIR("Fp1-F7", HML_FP1, HML_F7), PAIR("F7-T3", HML_F7, HML_T3),   PAIR("T3-T5", HML_T3, HML_T5),
	PAIR("T5-O1", HML_T5, HML_O1),   PAIR("Fp1-F3", HML_FP1, HML_F3), PAIR("F3-C3", HML_F3, HML_C3),
	PAIR("C3-P3", HML_C3, HML_P3),   PAIR("P3-O1", HML_P3, HML_O1),   PAIR("Fz-Cz", HML_FZ, HML_CZ),
	PAIR("Cz-Pz", HML_CZ, HML_PZ),   PAIR("Fp2-F4", HML_FP2, HML_F4), PAIR("F4-C4", HML_F4, HML_C4),
	PAIR("C4-P4", HML_C4, HML_P4),   PAIR("P4-O2", HML_P4, HML_O2),   PAIR("Fp2-F8", HML_FP2, HML_F8),
	PAIR("F8-T4", HML_F8, HML_T4),   PAIR("T4-T6", HML_T4, HML_T6),   PAIR("T6-O2", HML_T6, HML_O2),
};

static const HmlDerivation transverse[] = {
	PAIR("F7-Fp1", HML_F7, HML_FP1), PAIR("Fp1-Fp2", HML_FP1, HML_FP2), PAIR("Fp2-F8", HML_FP2, HML_F8),
	PAIR("F7-F3", HML_F7, HML_F3),   PAIR("F3-Fz", HML_F3, HML_FZ),     PAIR("Fz-F4", HML_FZ, HML_F4),
	PAIR("F4-F8", HML_F4, HML_F8),   PAIR("T3-C3", HML_T3, HML_C3),     PAIR("C3-Cz", HML_C3, HML_CZ),
	PAIR("Cz-C4", HML_CZ, HML_C4),   PAIR("C4-T4", HML_C4, HML_T4),     PAIR("T5-P3", HML_T5, HML_P3),
	PAIR("P3-Pz", HML_P3, HML_PZ),   PAIR("Pz-P4", HML_PZ, HML_P4),     PAIR("P4-T6", HML_P4, HML_T6),
	PAIR("T5-O1", HML_T5, HML_O1),   PAIR("O1-O2", HML_O1, HML_O2),     PAIR("O2-T6", HML_O2, HML_T6),
};

/* Nearest neighbours (B. Hjorth, Electroenceph. clin. Neurophysiol. 39, 1975). */
static const HmlDerivation laplacian[] = {
	{"Fp1-L", HML_FP1, 3, {HML_F7, HML_F3, HML_FP2}},
	{"F3-L", HML_F3, 4, {HML_FP1, HML_F7, HML_C3, HML_FZ}},
	{"C3-L", HML_C3, 4, {HML_F3, HML_T3, HML_P3, HML_CZ}},
	{"P3-L", HML_P3, 4, {HML_C3, HML_T5, HML_O1, HML_PZ}},
	{"F7-L", HML_F7, 3, {HML_FP1, HML_F3, HML_T3}},
	{"T3-L", HML_T3, 3, {HML_F7, HML_C3, HML_T5}},
	{"T5-L", HML_T5, 3, {HML_T3, HML_P3, HML_O1}},
	{"O1-L", HML_O1, 3, {HML_T5, HML_P3, HML_O2}},
	{"Fz-L", HML_FZ, 3, {HML_F3, HML_CZ, HML_F4}},
	{"Cz-L", HML_CZ, 4, {HML_FZ, HML_C3, HML_PZ, HML_C4}},
	{"Pz-L", HML_PZ, 3, {HML_CZ, HML_P3, HML_P4}},
	{"Fp2-L", HML_FP2, 3, {HML_F8, HML_F4, HML_FP1}},
	{"F4-L", HML_F4, 4, {HML_FP2, HML_F8, HML_C4, HML_FZ}},
	{"C4-L", HML_C4, 4, {HML_F4, HML_T4, HML_P4, HML_CZ}},
	{"P4-L", HML_P4, 4, {HML_C4, HML_T6, HML_O2, HML_PZ}},
	{"F8-L", HML_F8, 3, {HML_FP2, HML_F4, HML_T4}},
	{"T4-L", HML_T4, 3, {HML_F8, HML_C4, HML_T6}},
	{"T6-L", HML_T6, 3, {HML_T4, HML_P4, HML_O2}},
	{"O2-L", HML_O2, 3, {HML_T6, HML_P4, HML_O1}},
};

const HmlMontage hml_montages[HML_MONTAGES] = {
	[HML_MONTAGE_REFERENTIAL] = {"referential", COUNT(referential), referential, false},
	[HML_MONTAGE_AVERAGE] = {"average", COUNT(average), average, false},
	[HML_MONTAGE_DOUBLE_BANANA] = {"double_banana", COUNT(double_banana), double_banana, true},
	[HML_MONTAGE_TRANSVERSE] = {"transverse", COUNT(transverse), transverse, true},
	[HML_MONTAGE_LAPLACIAN] = {"laplacian", COUNT(laplacian), laplacian, false},
};

HmlStatus
hml_montage_find(HmlContext *ctx, const char *name, const HmlMontage **out)
{
	for (size_t i = 0; i < HML_MONTAGES; i++)
		if (strcmp(name, hml_montages[i].name) == 0)
		{
			*out = &hml_montages[i];
			return HML_OK;
		}
	hml_fail(ctx, HML_INVALID_ARGUMENT, "invalid montage \"%.*s\"", 64, name);
	return hml_hint(ctx, "The montages are referential, average, double_banana, transverse and laplacian.");
}

static void
subtract(float *out, const float *other, float weight, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] -= weight * other[i];
}

void
hml_montage_apply(const HmlMontage *montage, const float *electrodes, size_t n, float *out)
{
	for (size_t r = 0; r < montage->n; r++)
	{
		const HmlDerivation *row = &montage->rows[r];
		float *samples = out + r * n;

		memcpy(samples, electrodes + row->plus * n, n * sizeof(*samples));
		for (size_t k = 0; k < row->n_others; k++)
			subtract(samples, electrodes + row->others[k] * n, 1.0f / row->n_others, n);
	}
}
