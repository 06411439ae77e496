/*
 * tile.c
 *	  The portable tiles of tile.h, and the choice among the variants.
 */
#define HML_VARIANT(name) name##_c
#include "core/base/tile_impl.h"

#include "core/base/cpu.h"

const HmlTileSet *
hml_tile_set(void)
{
	return HML_PICK(&hml_tile_set);
}
