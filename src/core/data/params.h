/*
 * params.h
 *	  Parameters of a training: declared in a table, checked in one place.
 *
 * An algorithm declares its parameters as an array of HmlParamSpec that ends
 * with a row without a name.  hml_params_parse() checks a JSON object against
 * it: an unknown name is HML_UNDEFINED with the known ones in the hint, a wrong
 * type or a value out of range is HML_INVALID_ARGUMENT that quotes both, and
 * null stands for the default.  The same table feeds healthml.algorithm_parameters()
 * and the reference manual.
 */
#ifndef HML_DATA_PARAMS_H
#define HML_DATA_PARAMS_H

#include "core/base/json.h"
#include "core/base/text.h"

typedef enum HmlParamType
{
	HML_PARAM_INTEGER, /* whole number in [min, max] */
	HML_PARAM_NUMBER,  /* number in [min, max] */
	HML_PARAM_BOOLEAN,
	HML_PARAM_TEXT,             /* any string, or one of 'choices' where that is not NULL */
	HML_PARAM_NUMBER_OR_CHOICE, /* "auto" or a number: max_samples, contamination */
	HML_PARAM_INTEGERS,         /* array of whole numbers in [min, max]: hidden_layers */
	HML_PARAM_TEXTS,            /* array of strings */
	HML_PARAM_OBJECT            /* an object that the algorithm checks itself, or one of 'choices' if any */
} HmlParamType;

/*
 * Added to a type: not written while it is not given, so that models which were
 * trained before the parameter was there keep their bytes.
 */
#define HML_PARAM_IMPLIED 16

#define HML_PARAM_KIND(type) ((HmlParamType) ((type) & ~HML_PARAM_IMPLIED))

typedef struct HmlParamSpec
{
	const char *name;
	HmlParamType type;    /* perhaps with HML_PARAM_IMPLIED */
	const char *fallback; /* default as JSON text, such as "300" or "\"auto\""; "null" = not set */
	double min;           /* inclusive, may be infinite; ignored where the type has no range */
	double max;           /* likewise; a whole number is exact up to 2^53 */
	const char *choices;  /* "auto" or "mean|median|constant|error"; NULL = any */
	const char *help;     /* one sentence for the manual */
} HmlParamSpec;

typedef struct HmlParams HmlParams;

/*
 * Checked values of 'given' (an object, or NULL for none) against 'specs',
 * a list of tables that ends with NULL: an algorithm's own and the shared ones.
 * Of two parameters of one name the first counts.  'given' must live as long as
 * the arena.  'owner' is the algorithm's name, for messages.
 */
extern HmlStatus hml_params_parse(HmlArena *arena, const char *owner, const HmlParamSpec *const *specs,
								  const HmlJson *given, HmlParams **out) HML_NODISCARD;

/* Readers; asking for a name that is not in the table is a programming error and reads as absent. */
extern const HmlJson *hml_param_json(const HmlParams *params,
									 const char *name);                  /* never NULL; type NULL = not set */
extern bool hml_param_is_set(const HmlParams *params, const char *name); /* given, or with a default */
extern bool hml_param_is_choice(const HmlParams *params, const char *name, const char *choice);
extern double hml_param_number(const HmlParams *params, const char *name);
extern int64_t hml_param_integer(const HmlParams *params, const char *name);
extern bool hml_param_boolean(const HmlParams *params, const char *name);
extern const char *hml_param_text(const HmlParams *params, const char *name); /* NULL = not set */

/* All values, defaults included unless they are implied, as one JSON object: what model_version.params keeps. */
extern void hml_params_write(const HmlParams *params, HmlText *text);

#endif /* HML_DATA_PARAMS_H */
