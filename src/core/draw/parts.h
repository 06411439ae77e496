/*
 * parts.h
 *	  What pictures with a line for each name share.
 */
#ifndef HML_DRAW_PARTS_H
#define HML_DRAW_PARTS_H

#include "core/draw/chart.h"

#define HML_BARS_WIDTH 720.0
#define HML_BARS_LEFT 230.0
#define HML_BARS_RIGHT 650.0
#define HML_BARS_TOP 64.0
#define HML_BARS_MOST_OF_A_NAME 30

/* Polls now and then; false when the picture has failed. */
extern bool hml_drawing_goes_on(HmlText *svg, size_t i);

/* A text of which at most 'most' bytes are shown, at most 150. */
extern void hml_add_clipped(HmlText *svg, double x, double y, HmlAnchor anchor, const char *text, int most);

#endif /* HML_DRAW_PARTS_H */
