/*
 * heart_sound.h
 *	  A recording of the heart as a model sees it.
 *
 * The path: samples of the one channel -> 4 kHz -> band-pass, if wanted -> level that clicks do
 * not move -> log-mel -> windows with a weight -> heart cycle -> typical beat ->
 * features.  See heart_cycle.h, heart_beat.h and heart_features.h for the last steps.
 *
 * The public training recordings are sampled at 2 kHz: nothing above 1 kHz was
 * ever seen, and their anti-aliasing filters, which differ between databases,
 * begin at about 900 Hz.  The bands therefore end at 900 Hz.  They begin at 20 Hz,
 * where heart sounds do.
 */
#ifndef HML_HEART_HEART_SOUND_H
#define HML_HEART_HEART_SOUND_H

#include "core/heart/heart_features.h"
#include "core/signal/dsp/mel.h"
#include "core/signal/signal.h"

typedef struct HmlHeartSoundSpec
{
	bool band_pass; /* 4th order Butterworth, zero phase */
	double low;     /* Hz */
	double high;    /* Hz */
	double window_s;
	double window_hop_s;
	HmlMelSpec mel; /* its sample rate is the one that recordings are brought to */
} HmlHeartSoundSpec;

#define HML_HEART_SOUND_SPEC_DEFAULT \
	{ \
		.band_pass = false, .low = 25, .high = 400, .window_s = 5, .window_hop_s = 2.5, .mel = { \
			.sample_rate = 4000, \
			.n_fft = 256, \
			.hop_length = 80, \
			.n_mels = 40, \
			.fmin = 20, \
			.fmax = 900, \
			.padding = HML_PAD_REFLECT \
		} \
	}

typedef struct HmlHeartWindow
{
	size_t first_frame;
	size_t n_frames;
	double start_s;
	double snr_db; /* level of the loudest tenth of 25 ms frames above that of the quietest */
	double clipped_share;
	double sounding_share;
	double weight; /* 0 = of no use (silent, clipped, noise alone), 1 = good */
} HmlHeartWindow;

typedef struct HmlHeartSound
{
	double sample_rate; /* of 'samples' */
	size_t n_samples;
	float *
		samples; /* (n_samples) the loudest tenth of its frames has level 1, limited to +-HML_HEART_MAX_LEVEL */
	bool silent;          /* nothing to hear: samples are 0 and weights too */
	double clipped_share; /* of the recording as it came, see hml_audio_describe() */
	size_t hop;           /* samples from one frame to the next */
	double frames_per_s;
	size_t n_stretches;
	HmlHeartStretch *stretches; /* (n_stretches) frames with sound */
	double sounding_share;      /* of the samples */
	size_t n_frames;
	size_t n_mels;
	float *log_mel; /* (n_mels, n_frames) dB */
	size_t n_windows;
	HmlHeartWindow *windows; /* (n_windows) from the beginning to the end */
	double weight;           /* mean of the windows', as far as they have sound */
	HmlHeartCycle cycle;
	double heart_rate_bpm; /* NaN where it is not reliable */
	bool has_beats;        /* enough whole beats for 'typical' and 'features' */
	HmlTypicalBeat typical;
	float floors[HML_HEART_FLOORS]; /* 0 where it is silent */
	float features[HML_HEART_FEATURES];
} HmlHeartSound;

#define HML_HEART_MAX_LEVEL 8.0f

/*
 * HML_INVALID_ARGUMENT for a specification that makes no sense, HML_INVALID_DATA for
 * more than one channel.  Everything lies in 'arena'.
 */
extern HmlStatus hml_heart_sound(HmlArena *arena, const HmlHeartSoundSpec *spec, const HmlSignal *signal,
								 HmlHeartSound *out) HML_NODISCARD;

/*
 * Whether a model's word on it is worth anything.  It is not when the recording is
 * silent; when more than HML_HEART_MOST_CLIPPED of it is clipped, which resampling hides
 * from the windows; when fewer than HML_BEAT_MIN_BEATS beats are heard; when two heart rates
 * fit alike; when there is neither a rhythm nor do beats stand out (HML_HEART_LOST_RHYTHM and HML_HEART_LOST_FIT);
 * when its windows have hardly any weight and beats stand out as little as from
 * noise alone (HML_HEART_LEAST_WEIGHT and HML_HEART_NOISE_FIT).  A window is worth
 * nothing, either, where it has hardly any weight while the recording has more.
 */
extern bool hml_heart_sound_is_judgeable(const HmlHeartSound *sound);
extern bool hml_heart_window_is_judgeable(const HmlHeartSound *sound, const HmlHeartWindow *window);

#define HML_HEART_MOST_CLIPPED 0.2 /* the training recordings have up to 0.05 */
#define HML_HEART_LOST_RHYTHM 0.18
#define HML_HEART_LOST_FIT (-0.58)
#define HML_HEART_LEAST_WEIGHT 0.2
#define HML_HEART_NOISE_FIT (-0.65)

/*
 * The features of the beats whose middles lie in the window; what is of the
 * recording as a whole (rhythm, fit, floors) stays.  Without enough beats there
 * *has_beats is false and features are left as they are.
 */
extern HmlStatus hml_heart_window_features(HmlArena *arena, const HmlHeartSound *sound,
										   const HmlHeartWindow *window, float *features,
										   bool *has_beats) HML_NODISCARD;

/* ---- synthetic sounds ------------------------------------------------ */

typedef enum HmlMurmur
{
	HML_MURMUR_NONE,
	HML_MURMUR_SYSTOLIC,
	HML_MURMUR_DIASTOLIC
} HmlMurmur;

typedef struct HmlSyntheticHeart
{
	double seconds; /* 0.1 to 600 */
	double bpm;     /* 20 to 300 */
	HmlMurmur murmur;
	double noise; /* 0 to 1: root mean square, where a first sound peaks at about 0.3 */
	uint64_t seed;
} HmlSyntheticHeart;

#define HML_SYNTHETIC_RATE 4000

/* A WAV file, 16 bit, mono, HML_SYNTHETIC_RATE; freed with hml_free().  The same values give the same bytes. */
extern HmlStatus hml_synthetic_heart_sound(HmlContext *ctx, const HmlSyntheticHeart *heart,
										   unsigned char **bytes, size_t *length) HML_NODISCARD;

#endif /* HML_HEART_HEART_SOUND_H */
