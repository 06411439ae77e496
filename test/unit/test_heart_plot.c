/*
 * test_heart_plot.c
 *	  The picture of a heart sound: what it shows, how large it is, what it refuses.
 */
#include "unit/support.h"

#include "core/heart/heart_plot.h"
#include "core/signal/audio/audio_reader.h"
#include "unit/signal_support.h"

typedef struct Fixture
{
	TestHost host;
	HmlContext ctx;
	HmlArena *arena;
	HmlSignal signal;
	HmlHeartSound sound;
	HmlHeartExplanation explanation;
	double windows[200];
	HmlHeartPicture picture;
} Fixture;

static const HmlSignalView whole = {"Rosa & co", 0, INFINITY};

/* A heart, an explanation that is made up: red in the systoles at 300 Hz, a window without a probability. */
static void
set_up(Fixture *fixture, double seconds)
{
	static const HmlHeartSoundSpec spec = HML_HEART_SOUND_SPEC_DEFAULT;
	const HmlAudioLimits limits = HML_AUDIO_LIMITS_DEFAULT;
	HmlSyntheticHeart heart = {seconds, 60, HML_MURMUR_SYSTOLIC, 0.01, 1};
	HmlContext *ctx = &fixture->ctx;
	HmlHeartSound *sound = &fixture->sound;
	HmlAudio audio;
	unsigned char *bytes;
	size_t length;

	memset(fixture, 0, sizeof(*fixture));
	test_host_init(&fixture->host, ctx);
	assert_ok(ctx, hml_arena_create(ctx, &fixture->arena));
	assert_ok(ctx, hml_synthetic_heart_sound(ctx, &heart, &bytes, &length));
	assert_ok(ctx, hml_audio_decode(ctx, bytes, length, &limits, &audio));
	fixture->signal = hml_audio_signal(&audio);
	hml_free(ctx, bytes);
	assert_ok(ctx, hml_heart_sound(fixture->arena, &spec, &fixture->signal, sound));
	assert_in_range(sound->n_windows, 1, 200);
	for (size_t w = 0; w < sound->n_windows; w++)
		fixture->windows[w] = w == 1 ? NAN : 0.25;
	assert_ok(ctx, HML_ARENA_NEW_ZERO(fixture->arena, &fixture->explanation.saliency,
									  sound->n_mels * sound->n_frames));
	for (size_t b = 0; b < sound->cycle.n_beats; b++)
		for (uint32_t t = sound->cycle.beats[b].bounds[1]; t < sound->cycle.beats[b].bounds[2]; t++)
			fixture->explanation.saliency[13 * sound->n_frames + t] = 0.1f;
	for (size_t f = 0; f < HML_HEART_FEATURES; f++)
	{
		fixture->explanation.strongest[f] = f;
		fixture->explanation.contributions[f] = f % 2 ? -1.0 / (double) (f + 1) : 1.5;
	}
	fixture->picture = (HmlHeartPicture){.signal = &fixture->signal,
										 .sound = sound,
										 .label = "abnormal",
										 .p_abnormal = 0.876,
										 .windows = fixture->windows,
										 .explanation = &fixture->explanation};
}

static void
tear_down(Fixture *fixture)
{
	hml_signal_free(&fixture->ctx, &fixture->signal);
	hml_arena_free(fixture->arena);
	test_host_finish(&fixture->host, &fixture->ctx);
}

static size_t
count(const char *text, const char *what)
{
	size_t n = 0;

	for (const char *p = strstr(text, what); p != NULL; p = strstr(p + 1, what))
		n++;
	return n;
}

static void
test_everything_is_shown(void **state)
{
	Fixture fixture;
	HmlText svg;

	(void) state;
	set_up(&fixture, 10);
	hml_text_init(&svg, &fixture.ctx);
	assert_ok(&fixture.ctx, hml_plot_heart_sound(&svg, &fixture.picture, &whole));
	assert_drawable(svg.data);
	assert_non_null(strstr(svg.data, "<title>Rosa &amp; co</title>"));
	assert_non_null(strstr(svg.data, ">abnormal, p(abnormal) = 0.88</text>"));
	assert_non_null(strstr(svg.data, ">wav, 4000 Hz, 10.0 s, 60 beats a minute</text>"));
	/* A first and a second sound of each beat, on the ground. */
	assert_int_equal(count(svg.data, "<rect "), 1 + 2 * fixture.sound.cycle.n_beats);
	/* Power, saliency, and the bar of its colours. */
	assert_int_equal(count(svg.data, "data:image/png"), 3);
	assert_int_equal(count(svg.data, "stroke-opacity"), fixture.sound.n_windows - 1);
	assert_non_null(strstr(svg.data, ">+1.50</tspan> s2_systole_150hz"));
	assert_non_null(strstr(svg.data, ">-0.50</tspan> s1_systole_150hz"));
	hml_text_free(&svg);
	tear_down(&fixture);
}

/* Only what lies in the view is drawn, and nothing beside its panel. */
static void
test_view(void **state)
{
	Fixture fixture;
	HmlText svg;

	(void) state;
	set_up(&fixture, 10);
	hml_text_init(&svg, &fixture.ctx);
	assert_ok(&fixture.ctx, hml_plot_heart_sound(&svg, &fixture.picture, &(HmlSignalView){"", 4.0, 6.0}));
	assert_drawable(svg.data);
	assert_in_range(count(svg.data, "<rect "), 1 + 4, 1 + 6);
	for (const char *p = strstr(svg.data, "<rect x="); p != NULL; p = strstr(p + 1, "<rect x="))
	{
		double left = strtod(p + 9, NULL);
		double width = strtod(strstr(p, "width=\"") + 7, NULL);

		assert_true(left >= HML_SIGNAL_LEFT && width > 0 && left + width <= HML_SIGNAL_RIGHT + 0.1);
	}
	hml_text_free(&svg);
	tear_down(&fixture);
}

static void
test_without_beats(void **state)
{
	Fixture fixture;
	HmlText svg;

	(void) state;
	set_up(&fixture, 1.5);
	fixture.picture.explanation = NULL;
	fixture.picture.label = "uncertain";
	fixture.picture.doubt = "too short";
	fixture.windows[0] = NAN;
	hml_text_init(&svg, &fixture.ctx);
	assert_ok(&fixture.ctx, hml_plot_heart_sound(&svg, &fixture.picture, &whole));
	assert_drawable(svg.data);
	assert_non_null(strstr(svg.data, ">uncertain: too short</text>"));
	assert_int_equal(count(svg.data, "data:image/png"), 1);
	assert_int_equal(count(svg.data, "stroke-opacity"), 0);
	hml_text_free(&svg);
	tear_down(&fixture);
}

static void
test_size(void **state)
{
	Fixture fixture;
	HmlText svg;

	(void) state;
	set_up(&fixture, 300);
	hml_text_init(&svg, &fixture.ctx);
	assert_ok(&fixture.ctx, hml_plot_heart_sound(&svg, &fixture.picture, &whole));
	assert_in_range(svg.length, 100000, 300000);
	hml_text_free(&svg);
	tear_down(&fixture);
}

static void
test_refusals(void **state)
{
	static const double views[][2] = {{-1, 2}, {10, 11}, {NAN, 2}, {3, 3}, {3, NAN}};
	Fixture fixture;
	HmlText svg;

	(void) state;
	set_up(&fixture, 10);
	hml_text_init(&svg, &fixture.ctx);
	for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++)
		assert_status(
			&fixture.ctx,
			hml_plot_heart_sound(&svg, &fixture.picture, &(HmlSignalView){"", views[i][0], views[i][1]}),
			HML_INVALID_ARGUMENT);
	hml_text_free(&svg);
	tear_down(&fixture);
}

static HmlStatus
draw(HmlContext *ctx, void *argument)
{
	HmlText svg;
	const char *text;
	HmlStatus status;

	hml_text_init(&svg, ctx);
	status = hml_plot_heart_sound(&svg, &((Fixture *) argument)->picture, &whole);
	if (status == HML_OK)
		status = hml_text_finish(&svg, &text);
	hml_text_free(&svg);
	return status;
}

static void
test_sweeps(void **state)
{
	Fixture fixture;

	(void) state;
	set_up(&fixture, 4);
	test_allocation_sweep(draw, &fixture);
	test_cancellation_sweep(draw, &fixture);
	tear_down(&fixture);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything_is_shown),
		cmocka_unit_test(test_view),
		cmocka_unit_test(test_without_beats),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_sweeps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
