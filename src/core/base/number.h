/*
 * number.h
 *	  Numbers as text, the same in every locale.
 *
 * printf() and strtod() take the decimal point from LC_NUMERIC, which belongs
 * to the host; numbers in documents, drawings and messages go through here.
 */
#ifndef HML_BASE_NUMBER_H
#define HML_BASE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

#define HML_NUMBER_SIZE 32 /* longest hml_number_format() with its NUL, with room to spare */
#define HML_FIXED_SIZE 336 /* longest hml_number_format_fixed() with its NUL */
#define HML_FIXED_MAX_DECIMALS 17

/* The shortest of 15, 16 or 17 digits that reads back equal; "NaN", "Infinity", "-Infinity".  Returns 'buffer'. */
extern const char *hml_number_format(char buffer[HML_NUMBER_SIZE], double number);

/* With exactly 'decimals' digits (0 to 17) after the point, and no "-0".  Returns 'buffer'. */
extern const char *hml_number_format_fixed(char buffer[HML_FIXED_SIZE], double number, int decimals);

/*
 * Read a number as JSON writes it, correctly rounded, from the start of 'text'.
 * Returns the bytes that it took, 0 where there is none.  A number too large for
 * a double gives an infinity, one too small a zero.
 */
extern size_t hml_number_parse(const char *text, size_t length, double *out);

#endif /* HML_BASE_NUMBER_H */
