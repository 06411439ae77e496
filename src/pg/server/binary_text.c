/*
 * binary_text.c
 *	  Input and output functions made of receive and send functions.
 *
 * One parser per type then sees everything that comes from outside.  A receive
 * function checks by itself that no bytes are left over.
 */
#include "pg/server/binary_text.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"

Datum
healthml_text_to_value(const char *text, PGFunction receive)
{
	bytea *bytes = DatumGetByteaPP(DirectFunctionCall1(byteain, CStringGetDatum(text)));
	StringInfoData buffer = {.data = VARDATA_ANY(bytes), .len = VARSIZE_ANY_EXHDR(bytes)};

	return DirectFunctionCall1(receive, PointerGetDatum(&buffer));
}

char *
healthml_value_to_text(Datum value, PGFunction send)
{
	return DatumGetCString(DirectFunctionCall1(byteaout, DirectFunctionCall1(send, value)));
}
