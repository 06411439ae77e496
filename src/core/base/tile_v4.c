/*
 * tile_v4.c
 *	  The tiles of tile.h for x86-64-v4.
 */
#define HML_VARIANT(name) name##_v4
#include "core/base/tile_impl.h"
