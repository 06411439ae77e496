/*
 * tile_v3.c
 *	  The tiles of tile.h for x86-64-v3.
 */
#define HML_VARIANT(name) name##_v3
#include "core/base/tile_impl.h"
