/*
 * numbers.h
 *	  Numbers of a message between client and coordinator, which are not believed.
 */
#ifndef HML_FEDERATED_NUMBERS_H
#define HML_FEDERATED_NUMBERS_H

#include "core/base/bytes.h"

/* HML_CORRUPT: the message has numbers that no client would send. */
extern HmlStatus hml_fed_implausible(HmlReader *reader);

/* A count of rows, at most 'most' of them. */
extern HmlStatus hml_fed_read_rows(HmlReader *reader, int64_t most, int64_t *out) HML_NODISCARD;

#endif /* HML_FEDERATED_NUMBERS_H */
