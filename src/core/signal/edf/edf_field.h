/*
 * edf_field.h
 *	  Fields of fixed width as the headers of EDF files hold them.
 */
#ifndef HML_SIGNAL_EDF_EDF_FIELD_H
#define HML_SIGNAL_EDF_EDF_FIELD_H

#include "core/base/arena.h"

typedef struct HmlEdfField
{
	const unsigned char *bytes;
	size_t length;
} HmlEdfField;

/* Without blanks, NULs and line ends round it. */
extern HmlEdfField hml_edf_trim(HmlEdfField field);

extern bool hml_edf_equal(HmlEdfField field, const char *text);
extern bool hml_edf_begins(HmlEdfField field, const char *text);

/* Cut the first word off a field; empty where there is none left. */
extern HmlEdfField hml_edf_word(HmlEdfField *field);

/*
 * A number at the start of a field: sign, leading zeros, decimal comma and exponent
 * are all accepted.  Returns the bytes that it took, 0 where there is none.
 */
extern size_t hml_edf_number_at(HmlEdfField field, double *out);

/* A field that is one number; false where it is not. */
extern bool hml_edf_number(HmlEdfField field, double *out);

/* The same for a whole number from least to most. */
extern bool hml_edf_integer(HmlEdfField field, double least, double most, int64_t *out);

/* A trimmed copy in UTF-8: what is no UTF-8 is read as Latin-1, control characters become blanks. */
extern HmlStatus hml_edf_text(HmlArena *arena, HmlEdfField field, const char **out) HML_NODISCARD;

/*
 * The unit of voltage that a field means ("nV", "uV", "mV", "V"), however its micro
 * sign is written, and how many microvolts it is; NULL where it is none.
 */
extern const char *hml_edf_voltage(HmlEdfField field, double *microvolts);

#endif /* HML_SIGNAL_EDF_EDF_FIELD_H */
