/*
 * document.h
 *	  jsonb values as JSON documents of libhml, and back.
 *
 * libhml speaks UTF-8; the database may have another encoding.
 */
#ifndef HEALTHML_DOCUMENT_H
#define HEALTHML_DOCUMENT_H

#include "pg/server/compat.h"

#include "core/base/json.h"

/* The document lies in the arena. */
extern const HmlJson *healthml_document_of_jsonb(HmlArena *arena, Datum jsonb);

/* A jsonb datum in the current memory context. */
extern Datum healthml_jsonb_of_json(const char *json);

/* {"name": number, ...} as such a datum; NaN and infinity become null. */
extern Datum healthml_numbers_document(const char *const *names, const double *numbers, size_t n);

/* UTF-8 to and from the encoding of the database; the argument itself where they are the same. */
extern const char *healthml_from_utf8(const char *utf8);
extern const char *healthml_to_utf8(const char *server);

/* A message in UTF-8 in the encoding of the database, with "?" for what that cannot say: never an error. */
extern const char *healthml_readable(const char *utf8);

#endif /* HEALTHML_DOCUMENT_H */
