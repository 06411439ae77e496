/*
 * heart_silence.c
 *	  Long gaps between sounds, against the gaps that the heart itself leaves.
 *
 * A frame is quiet where its level is well below that of the loudest moments of
 * most half seconds.  Between two heart sounds there are quiet frames, too; so a run
 * of them is silence of the recorder only where it lasts clearly longer than three
 * of four runs of this recording do.  Digital zeros and the hiss of an amplifier
 * are the same here.  A quiet run in which short sounds stand out all the same is
 * kept: that is a heart beside something much louder.
 *
 * Time: a pass over the samples.  Polls after each stage.
 */
#include "core/heart/heart_silence.h"

#include <math.h>
#include <string.h>

#include "core/base/sort.h"
#include "core/model/calibration.h"
#include "core/stats/quantile.h"

#define FLOOR_DB (-140.0)
#define BLOCK_S 1.0 /* has a first heart sound in it, mostly */
#define LOUD_QUANTILE 0.75
#define OUTLIERS 2    /* the loudest block may be a knock */
#define SAME_DB 20.0  /* what lies as far below the loudest is still the same source */
#define QUIET_DB 15.0 /* below the loudest moments, at most */
#define FAINT_DB 8.0  /* sounds that stand out less than that have no quiet runs between them */

#define LEAST_GAP_S 0.1 /* of two sounds */
#define LEAST_SILENCE_S 0.9
#define LEAST_EDGE_S 0.6 /* before the first sound and after the last */
#define GAP_QUANTILE 0.75
#define GAP_MOST_S 3.0    /* of the slowest heart */
#define SOUNDS_MOST_S 0.8 /* from one gap to the next */
#define LEAST_GAPS 2
#define NO_LOUDER_DB 6.0 /* than those gaps */
#define LONGER 1.5       /* than the gaps of the heart */
#define LONGER_AT_EDGE 1.2
#define MARGIN_S 0.1      /* of silence that stays beside a sound */
#define LEAST_SOUND_S 0.5 /* between two silences: less is a knock */

#define PIECE_S 1.0
#define SOUND_DB 8.0 /* above the median of its piece */
#define SOUND_S 0.2  /* and no longer than this */

typedef struct Levels
{
	size_t n;
	double *db; /* (n) */
	double frames_per_s;
	double loud;  /* level of the loudest moments */
	double quiet; /* below that a frame is quiet */
} Levels;

static size_t
frames_of(const Levels *levels, double seconds)
{
	return (size_t) (seconds * levels->frames_per_s + 0.5);
}

/* Power round the mean of each frame: neither an offset nor a drift counts. */
static void
measure_frames(const float *samples, size_t n, size_t hop, Levels *out)
{
	for (size_t f = 0; f < out->n; f++)
	{
		size_t first = f * hop;
		size_t count = n - first < hop ? n - first : hop;
		double sum = 0;
		double squares = 0;
		double power;

		for (size_t i = first; i < first + count; i++)
		{
			sum += (double) samples[i];
			squares += (double) samples[i] * samples[i];
		}
		power = squares / (double) count - sum / (double) count * (sum / (double) count);
		out->db[f] = power > 0 ? fmax(FLOOR_DB, 10 * log10(power)) : FLOOR_DB;
	}
}

/* ---- what is quiet ------------------------------------------------------- */

static double
largest(const double *x, size_t n)
{
	double most = x[0];

	for (size_t i = 1; i < n; i++)
		most = x[i] > most ? x[i] : most;
	return most;
}

/* False where the sounds stand out too little. */
static HmlStatus
find_quiet(HmlArena *arena, Levels *levels, bool *found)
{
	HmlContext *ctx = hml_arena_context(arena);
	size_t block = frames_of(levels, BLOCK_S);
	size_t blocks = (levels->n + block - 1) / block;
	double *sorted;
	double *frames;
	size_t first = 0;
	double quietest;

	HML_TRY(HML_ARENA_NEW(arena, &sorted, blocks));
	HML_TRY(HML_ARENA_NEW(arena, &frames, levels->n));
	for (size_t b = 0; b < blocks; b++)
	{
		size_t left = levels->n - b * block;

		sorted[b] = largest(levels->db + b * block, left < block ? left : block);
	}
	HML_TRY(hml_sort_doubles(ctx, sorted, blocks));
	while (first < blocks && sorted[first] < sorted[blocks > OUTLIERS ? blocks - OUTLIERS : 0] - SAME_DB)
		first++;
	levels->loud = hml_quantile(sorted + first, blocks - first, LOUD_QUANTILE);
	memcpy(frames, levels->db, levels->n * sizeof(*frames));
	HML_TRY(hml_sort_doubles(ctx, frames, levels->n));
	quietest = hml_quantile(frames, levels->n, 0.1);
	levels->quiet = fmax(levels->loud - QUIET_DB, (levels->loud + quietest) / 2);
	*found = levels->loud - quietest > FAINT_DB;
	return hml_poll(ctx);
}

/* ---- runs ---------------------------------------------------------------- */

/* The next quiet run from frame 'from' on; an empty one at the end where there is none. */
static HmlHeartStretch
next_run(const Levels *levels, size_t from)
{
	HmlHeartStretch run;

	while (from < levels->n && levels->db[from] >= levels->quiet)
		from++;
	run.first = run.last = from;
	while (run.last < levels->n && levels->db[run.last] < levels->quiet)
		run.last++;
	return run;
}

/* The gaps that the heart itself leaves. */
typedef struct Gaps
{
	double usual; /* frames that three of four last at most; 0 = this recording has none to compare with */
	double db;    /* median of their levels, -INFINITY without any */
} Gaps;

/* Gaps of a heart are not longer than GAP_MOST_S, and the sounds between them are short. */
static HmlStatus
measure_gaps(HmlArena *arena, const Levels *levels, Gaps *out)
{
	size_t least = frames_of(levels, LEAST_GAP_S);
	size_t most = frames_of(levels, GAP_MOST_S);
	HmlHeartStretch before = {0, 0};
	double *lengths;
	double *db;
	size_t n = 0;
	size_t n_db = 0;

	*out = (Gaps){0, -INFINITY};
	HML_TRY(HML_ARENA_NEW(arena, &lengths, levels->n / 2 + 1));
	HML_TRY(HML_ARENA_NEW(arena, &db, levels->n));
	for (HmlHeartStretch run = next_run(levels, 0); run.first < levels->n; run = next_run(levels, run.last))
	{
		size_t length = run.last - run.first;

		if (run.first > 0 && run.last < levels->n && length >= least && length <= most &&
			run.first - before.last <= frames_of(levels, SOUNDS_MOST_S))
		{
			lengths[n++] = (double) length;
			memcpy(db + n_db, levels->db + run.first, length * sizeof(*db));
			n_db += length;
		}
		if (length >= least)
			before = run;
	}
	if (n < LEAST_GAPS)
		return HML_OK;
	HML_TRY(hml_sort_doubles(hml_arena_context(arena), lengths, n));
	HML_TRY(hml_sort_doubles(hml_arena_context(arena), db, n_db));
	out->usual = hml_quantile(lengths, n, GAP_QUANTILE);
	out->db = hml_quantile(db, n_db, 0.5);
	return HML_OK;
}

/* Whether short sounds that are much too faint for this recording stand out within a piece of a run. */
static HmlStatus
has_sounds(HmlContext *ctx, const double *db, size_t n, size_t longest, double *sorted, bool *out)
{
	double limit;
	size_t start = 0; /* where the sound began that is going on; 0 = at the edge, or there is none */

	memcpy(sorted, db, n * sizeof(*sorted));
	HML_TRY(hml_sort_doubles(ctx, sorted, n));
	limit = hml_quantile(sorted, n, 0.5) + SOUND_DB;
	*out = false;
	for (size_t i = 1; i < n; i++)
	{
		if (db[i] > limit && db[i - 1] <= limit)
			start = i;
		if (db[i] <= limit && db[i - 1] > limit && start > 0 && i - start <= longest && i - start > 1)
			*out = true;
	}
	return HML_OK;
}

/* No louder than the gaps of the heart, and no more than half of its pieces have sounds. */
static HmlStatus
is_soundless(HmlArena *arena, const Levels *levels, HmlHeartStretch run, const Gaps *gaps, bool *out)
{
	size_t piece = frames_of(levels, PIECE_S);
	size_t pieces = (run.last - run.first) / piece;
	size_t sounding = 0;
	double *sorted;

	HML_TRY(HML_ARENA_NEW(arena, &sorted, run.last - run.first));
	memcpy(sorted, levels->db + run.first, (run.last - run.first) * sizeof(*sorted));
	HML_TRY(hml_sort_doubles(hml_arena_context(arena), sorted, run.last - run.first));
	*out = !isfinite(gaps->db) || hml_quantile(sorted, run.last - run.first, 0.5) <= gaps->db + NO_LOUDER_DB;
	if (!*out || pieces < 2)
		return HML_OK;
	for (size_t p = 0; p < pieces; p++)
	{
		bool sounds;

		HML_TRY(has_sounds(hml_arena_context(arena), levels->db + run.first + p * piece, piece,
						   frames_of(levels, SOUND_S), sorted, &sounds));
		sounding += sounds;
	}
	*out = 2 * sounding <= pieces;
	return HML_OK;
}

/* ---- stretches ------------------------------------------------------------ */

typedef struct Stretches
{
	HmlHeartStretch *items;
	size_t n;
} Stretches;

static void
add(const Levels *levels, size_t first, size_t last, Stretches *out)
{
	if (last >= first + frames_of(levels, LEAST_SOUND_S))
		out->items[out->n++] = (HmlHeartStretch){first, last};
}

/* Silence without the margin that stays beside sounds; digital silence needs none. */
static HmlHeartStretch
without_margin(const Levels *levels, HmlHeartStretch run)
{
	size_t margin = frames_of(levels, MARGIN_S);

	if (run.first > 0 && levels->db[run.first + 1] > FLOOR_DB)
		run.first += margin;
	if (run.last < levels->n && levels->db[run.last - 2] > FLOOR_DB)
		run.last -= margin;
	return run;
}

/* All that lies between the silences. */
static HmlStatus
cut(HmlArena *arena, const Levels *levels, const Gaps *gaps, Stretches *out)
{
	double inside = fmax(LEAST_SILENCE_S * levels->frames_per_s, LONGER * gaps->usual);
	double edge = fmax(LEAST_EDGE_S * levels->frames_per_s, LONGER_AT_EDGE * gaps->usual);
	size_t at = 0;

	for (HmlHeartStretch run = next_run(levels, 0); run.first < levels->n; run = next_run(levels, run.last))
	{
		bool at_edge = run.first == 0 || run.last == levels->n;
		HmlHeartStretch silence;
		bool soundless;

		if ((double) (run.last - run.first) <= (at_edge ? edge : inside))
			continue;
		HML_TRY(is_soundless(arena, levels, run, gaps, &soundless));
		if (!soundless)
			continue;
		silence = without_margin(levels, run);
		add(levels, at, silence.first, out);
		at = silence.last;
		HML_TRY(hml_poll(hml_arena_context(arena)));
	}
	add(levels, at, levels->n, out);
	return HML_OK;
}

HmlStatus
hml_heart_stretches(HmlArena *arena, const float *samples, size_t n, size_t hop, double frames_per_s,
					size_t n_frames, HmlHeartStretch **out, size_t *n_out)
{
	Levels levels = {.n = (n + hop - 1) / hop, .frames_per_s = frames_per_s};
	Stretches stretches = {0};
	bool found;
	Gaps gaps;

	HML_TRY(HML_ARENA_NEW(arena, &levels.db, levels.n));
	HML_TRY(HML_ARENA_NEW(arena, &stretches.items, levels.n / frames_of(&levels, LEAST_SOUND_S) + 1));
	measure_frames(samples, n, hop, &levels);
	HML_TRY(hml_poll(hml_arena_context(arena)));
	if (levels.n >= 2 * frames_of(&levels, BLOCK_S))
	{
		HML_TRY(find_quiet(arena, &levels, &found));
		if (found)
		{
			HML_TRY(measure_gaps(arena, &levels, &gaps));
			HML_TRY(cut(arena, &levels, &gaps, &stretches));
		}
	}
	if (stretches.n == 0)
		stretches.items[stretches.n++] = (HmlHeartStretch){0, n_frames};
	if (stretches.items[stretches.n - 1].last >= levels.n)
		stretches.items[stretches.n - 1].last = n_frames;
	*out = stretches.items;
	*n_out = stretches.n;
	return HML_OK;
}
