/*
 * png.h
 *	  Pictures of up to 256 colours as PNG data URIs.
 */
#ifndef HML_DRAW_PNG_H
#define HML_DRAW_PNG_H

#include "core/base/text.h"

#define HML_PALETTE_SIZE 256

typedef struct HmlColor
{
	unsigned char red, green, blue;
	unsigned char alpha; /* 255 = opaque */
} HmlColor;

typedef struct HmlImage
{
	uint32_t width; /* both at least 1 */
	uint32_t height;
	const unsigned char *pixels; /* (height, width), top row first: numbers of colours */
	const HmlColor *palette;     /* (HML_PALETTE_SIZE) */
} HmlImage;

/*
 * Append "data:image/png;base64,...": about 4/3 of width * height bytes.  It holds
 * no character that XML would want escaped.
 */
extern void hml_text_add_png(HmlText *text, const HmlImage *image);

/* Dark violet to yellow, as even to the eye as it is in numbers. */
extern void hml_palette_viridis(HmlColor *palette);

/* White to dark grey. */
extern void hml_palette_grey(HmlColor *palette);

/* 0 = opaque blue, over clear in the middle, to 255 = opaque red. */
extern void hml_palette_contrast(HmlColor *palette);

#endif /* HML_DRAW_PNG_H */
