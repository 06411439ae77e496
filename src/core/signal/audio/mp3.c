/*
 * mp3.c
 *	  The frames of MPEG 1, 2 and 2.5 audio, layer III (ISO 11172-3, 13818-3).
 *
 * Without a count of frames in the first one (G. Deltombe's "Xing" header, which
 * others call "Info"), mpg123 guesses the length from the bit rate of the first
 * frames.  So the frames are counted here, and where a file has no count or one
 * that is too small, the decoder gets a first frame that holds the right one.
 *
 * A run of frames that follow one another is a stream; a frame with a count begins
 * another, as where files were joined.  Between runs stand tags or damage.
 */
#include "core/signal/audio/container.h"

#include <string.h>

#define FRAME_HEADER 4
#define CHAIN 4 /* so many frames in a row are no accident */
#define LOOKAHEAD_POLL 65536
#define FRAMES_PER_POLL 4096
#define XING_FRAMES 1  /* flag: a count of frames follows */
#define XING_LENGTH 12 /* name, flags, count */
#define VBRI_OFFSET 36
#define VBRI_FRAMES 14

typedef struct Frame
{
	size_t length;    /* 0 = free format */
	size_t side_info; /* bytes after the header */
	uint16_t stream;  /* what all frames of a stream share */
} Frame;

/* Version (0 = 2.5, 2 = 2, 3 = 1), then the index of the header. */
static const int rates[4][3] = {
	{11025, 12000, 8000}, {0, 0, 0}, {22050, 24000, 16000}, {44100, 48000, 32000}};
static const int kbits[2][15] = {{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160},
								 {0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320}};

static bool
read_header(const unsigned char *b, size_t left, Frame *out)
{
	int version;
	int rate;
	int kbit;
	bool mono;

	if (left < FRAME_HEADER || b[0] != 0xff || (b[1] & 0xe6) != 0xe2 || (b[2] & 0xf0) == 0xf0 ||
		(b[2] & 0x0c) == 0x0c || (b[3] & 0x03) == 2)
		return false;
	version = b[1] >> 3 & 3;
	if (version == 1)
		return false;
	rate = rates[version][b[2] >> 2 & 3];
	kbit = kbits[version == 3][b[2] >> 4];
	mono = b[3] >> 6 == 3;
	out->length = kbit == 0 ? 0 : (size_t) ((version == 3 ? 144000 : 72000) * kbit / rate + (b[2] >> 1 & 1));
	out->side_info = version == 3 ? (mono ? 17 : 32) : (mono ? 9 : 17);
	out->stream = (uint16_t) ((b[1] & 0x1e) << 8 | (b[2] & 0x0c) | mono);
	return true;
}

bool
hml_mp3_starts(const unsigned char *b, size_t length)
{
	size_t at = 0;
	Frame first = {0};
	Frame frame;

	for (int i = 0; i < CHAIN; i++)
	{
		if (at == length || (i >= 2 && at > length))
			return i > 0;
		if (at > length || !read_header(b + at, length - at, &frame) || frame.length == 0)
			return false;
		if (i == 0)
			first = frame;
		if (frame.stream != first.stream)
			return false;
		at += frame.length;
	}
	return true;
}

bool
hml_mp3_is_free_format(const unsigned char *b, size_t length)
{
	Frame frame;

	return read_header(b, length, &frame) && frame.length == 0;
}

/* ---- counts of frames ------------------------------------------------------- */

static int64_t
big_endian_u32(const unsigned char *b)
{
	return (int64_t) b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3];
}

/* Whether a frame holds a count in place of sound: *count, or -1 where it says none; *vbri for Fraunhofer's kind. */
static bool
read_count(const unsigned char *b, const Frame *frame, int64_t *count, bool *vbri)
{
	const unsigned char *xing = b + FRAME_HEADER + frame->side_info;

	*count = -1;
	*vbri = false;
	if (frame->length >= FRAME_HEADER + frame->side_info + XING_LENGTH &&
		(memcmp(xing, "Xing", 4) == 0 || memcmp(xing, "Info", 4) == 0))
	{
		if (xing[7] & XING_FRAMES)
			*count = big_endian_u32(xing + 8);
		return true;
	}
	if (frame->length < VBRI_OFFSET + VBRI_FRAMES + 4 || memcmp(b + VBRI_OFFSET, "VBRI", 4) != 0)
		return false;
	*vbri = true;
	*count = big_endian_u32(b + VBRI_OFFSET + VBRI_FRAMES);
	return true;
}

/* A frame like 'model' that holds the count of 'frames', of the lowest bit rate that has room. */
static void
write_count(const unsigned char *model, size_t frames, HmlStream *out)
{
	Frame frame = {0};
	unsigned char *xing;

	memset(out->head, 0, HML_STREAM_HEAD);
	memcpy(out->head, model, FRAME_HEADER);
	out->head[1] |= 1; /* no checksum after the header */
	for (int kbit = 1; kbit < 15; kbit++)
	{
		out->head[2] = (unsigned char) (kbit << 4 | (model[2] & 0x0c));
		if (read_header(out->head, HML_STREAM_HEAD, &frame) &&
			frame.length >= FRAME_HEADER + frame.side_info + XING_LENGTH)
			break;
	}
	xing = out->head + FRAME_HEADER + frame.side_info;
	memcpy(xing, "Info", 4);
	xing[7] = XING_FRAMES;
	for (int i = 0; i < 4; i++)
		xing[8 + i] = (unsigned char) (frames >> 8 * (3 - i));
	out->head_length = frame.length;
}

/* ---- runs of frames ----------------------------------------------------------- */

typedef struct Run
{
	const unsigned char *start;
	size_t length;   /* of its whole frames, the counting one included */
	size_t counting; /* length of the frame that holds the count, 0 = none */
	bool vbri;
	int64_t count; /* what that says, -1 = nothing */
	size_t frames; /* that hold sound */
	bool cut;      /* the last frame is not whole */
} Run;

static HmlStatus
walk(HmlContext *ctx, const unsigned char *start, size_t left, Run *out)
{
	Frame first;
	Frame frame;
	int64_t count;
	bool vbri;

	*out = (Run){.start = start, .count = -1};
	if (!read_header(start, left, &first) || first.length == 0 || first.length > left)
	{
		out->cut = true;
		return HML_OK;
	}
	if (read_count(start, &first, &out->count, &out->vbri))
		out->counting = out->length = first.length;
	while (read_header(start + out->length, left - out->length, &frame) && frame.stream == first.stream &&
		   frame.length > 0)
	{
		if (frame.length > left - out->length)
		{
			out->cut = true;
			return HML_OK;
		}
		if (out->frames > 0 && read_count(start + out->length, &frame, &count, &vbri))
			return HML_OK;
		out->length += frame.length;
		out->frames++;
		if (out->frames % FRAMES_PER_POLL == 0)
			HML_TRY(hml_poll(ctx));
	}
	/* What is left of a header. */
	out->cut = left - out->length < FRAME_HEADER && left > out->length && start[out->length] == 0xff;
	return HML_OK;
}

/* Where the next run begins, or the end of the file. */
static HmlStatus
find_run(HmlContext *ctx, HmlContainer *file)
{
	for (; file->at < file->length; file->at++)
	{
		if (file->data[file->at] == 0xff && hml_mp3_starts(file->data + file->at, file->length - file->at))
			return HML_OK;
		if (file->at % LOOKAHEAD_POLL == 0)
			HML_TRY(hml_poll(ctx));
	}
	return HML_OK;
}

static void
give(const Run *run, HmlStream *out)
{
	int64_t frames = (int64_t) run->frames;
	bool exact = run->count >= 0 && frames <= run->count + 1 && frames + 1 >= run->count;

	*out = (HmlStream){.data = run->start, .length = run->length, .frames = -1};
	if (run->counting > 0 && !run->vbri && exact)
		return;
	out->data += run->counting;
	out->length -= run->counting;
	write_count(run->start, run->frames, out);
}

HmlStatus
hml_mp3_next(HmlContext *ctx, HmlContainer *file, HmlStream *out, bool *found)
{
	*found = false;
	if (file->at == 0 && hml_mp3_is_free_format(file->data, file->length))
	{
		*out = (HmlStream){.data = file->data, .length = file->length, .frames = -1};
		file->at = file->length;
		*found = true;
		return HML_OK;
	}
	while (!*found)
	{
		Run run;

		HML_TRY(find_run(ctx, file));
		if (file->at == file->length)
			return HML_OK;
		HML_TRY(walk(ctx, file->data + file->at, file->length - file->at, &run));
		file->cut = file->cut || run.cut || run.count > (int64_t) run.frames + 1;
		file->at += run.length + (run.length == 0);
		*found = run.frames > 0;
		if (*found)
			give(&run, out);
	}
	return HML_OK;
}
