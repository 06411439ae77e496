/*
 * signal.c
 *	  The end of a signal.
 */
#include "core/signal/signal.h"

void
hml_signal_free(HmlContext *ctx, HmlSignal *signal)
{
	hml_free(ctx, signal->samples);
	hml_free(ctx, signal->labels);
	*signal = (HmlSignal){0};
}
