/*
 * numbers.c
 *	  Checked numbers of messages.
 */
#include "core/federated/numbers.h"

HmlStatus
hml_fed_implausible(HmlReader *reader)
{
	return hml_fail(reader->ctx, HML_CORRUPT, "%s has numbers that no client would send", reader->what);
}

HmlStatus
hml_fed_read_rows(HmlReader *reader, int64_t most, int64_t *out)
{
	uint64_t rows;

	HML_TRY(hml_read_u64(reader, &rows));
	*out = (int64_t) rows;
	return rows <= (uint64_t) most ? HML_OK : hml_fed_implausible(reader);
}
