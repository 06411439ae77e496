/*
 * channels.c
 *	  The portable kernels of channels.h, and the choice among the variants.
 */
#define HML_VARIANT(name) name##_c
#include "core/nn/kernel/channels_impl.h"

#include "core/base/cpu.h"

const HmlChannels *
hml_channels(void)
{
	return HML_PICK(&hml_channels);
}
