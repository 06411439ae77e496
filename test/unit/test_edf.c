/*
 * test_edf.c
 *	  EDF files: what is written is read again, and the odd ones are understood or
 *	  refused with their reason.
 *
 * The files are made here: a good one by hml_edf_write(), whose header or records are
 * then changed.
 */
#include "unit/support.h"

#include "core/signal/edf/edf.h"
#include "core/signal/edf/edf_write.h"

#define CHANNELS 3
#define RATE 100
#define SECONDS 6
#define SAMPLES (RATE * SECONDS)
#define HEADER (256 * (CHANNELS + 2))

/* Places of fields of the file, and of the signals in units of their number. */
#define PATIENT 8
#define RECORDING 88
#define START_DATE 168
#define RESERVED 192
#define N_RECORDS 236
#define DURATION 244
#define SIGNAL(offset, width, signal) (256 + (CHANNELS + 1) * (offset) + (signal) * (width))
#define LABEL(signal) SIGNAL(0, 16, signal)
#define UNIT(signal) SIGNAL(96, 8, signal)
#define PHYSICAL_MIN(signal) SIGNAL(104, 8, signal)
#define PHYSICAL_MAX(signal) SIGNAL(112, 8, signal)
#define DIGITAL_MAX(signal) SIGNAL(128, 8, signal)

typedef struct File
{
	TestHost host;
	HmlContext ctx;
	HmlWriter bytes;
	HmlArena *arena;
	HmlEdf edf;
	float samples[CHANNELS * SAMPLES];
} File;

static void
make_file(File *file)
{
	static const char *const labels[CHANNELS] = {"EEG Fp1-REF", "EEG F3-REF", "EKG"};
	static const HmlEdfAnnotation annotations[] = {
		{1.5, 2, "eyes closed"}, {1.75, NAN, "blink \xc3\xa9"}, {-2, NAN, "before"}, {90, 1, "after"}};
	HmlEdfContent content = {.n_channels = CHANNELS,
							 .n_samples = SAMPLES,
							 .sample_rate = RATE,
							 .samples = file->samples,
							 .labels = labels,
							 .unit = "uV",
							 .physical_max = 3276.7,
							 .n_annotations = 4,
							 .annotations = annotations};

	test_host_init(&file->host, &file->ctx);
	for (size_t i = 0; i < CHANNELS * SAMPLES; i++)
		file->samples[i] = (float) (200 * sin((double) i * 0.37) + (double) (i % 17));
	hml_writer_init(&file->bytes, &file->ctx);
	assert_ok(&file->ctx, hml_edf_write(&content, &file->bytes));
	assert_ok(&file->ctx, hml_arena_create(&file->ctx, &file->arena));
}

static void
put(File *file, size_t place, const char *text)
{
	memcpy(file->bytes.data + place, text, strlen(text));
}

static HmlStatus
open_file(File *file)
{
	return hml_edf_open(file->arena, file->bytes.data, file->bytes.length, &file->edf);
}

static void
finish(File *file)
{
	hml_arena_free(file->arena);
	hml_writer_free(&file->bytes);
	test_host_finish(&file->host, &file->ctx);
}

static void
assert_warning(const File *file, const char *text)
{
	for (size_t i = 0; i < file->edf.n_warnings; i++)
		if (strstr(file->edf.warnings[i], text) != NULL)
			return;
	fail_msg("no warning of \"%s\"", text);
}

static void
test_round_trip(void **state)
{
	File file;
	float read[SAMPLES];

	(void) state;
	make_file(&file);
	assert_ok(&file.ctx, open_file(&file));
	assert_string_equal(file.edf.format, "EDF+C");
	assert_int_equal(file.edf.n_channels, CHANNELS);
	assert_int_equal(file.edf.n_stretches, 1);
	assert_int_equal(file.edf.n_warnings, 0);
	assert_int_equal(file.edf.person, 0);
	assert_false(file.edf.start.has_date);
	assert_true(file.edf.start.has_time);
	assert_close(file.edf.end_s, SECONDS, 0);
	for (size_t c = 0; c < CHANNELS; c++)
	{
		assert_close(file.edf.channels[c].sample_rate, RATE, 0);
		assert_string_equal(file.edf.channels[c].unit, "uV");
		assert_ok(&file.ctx, hml_edf_read(&file.ctx, &file.edf, &file.edf.channels[c], file.edf.stretches, 0,
										  SAMPLES, 1, read));
		for (size_t i = 0; i < SAMPLES; i++)
			assert_true(fabs(read[i] - file.samples[c * SAMPLES + i]) <= 0.0501);
	}
	assert_int_equal(file.edf.n_annotations, 4);
	assert_string_equal(file.edf.annotations[0].text, "before");
	assert_close(file.edf.annotations[0].onset_s, -2, 0);
	assert_string_equal(file.edf.annotations[1].text, "eyes closed");
	assert_close(file.edf.annotations[1].onset_s, 1.5, 0);
	assert_close(file.edf.annotations[1].duration_s, 2, 0);
	assert_string_equal(file.edf.annotations[2].text, "blink \xc3\xa9");
	assert_true(isnan(file.edf.annotations[2].duration_s));
	assert_close(file.edf.annotations[3].onset_s, 90, 0);
	finish(&file);
}

static void
test_odd_headers(void **state)
{
	File file;
	float one;

	(void) state;
	make_file(&file);
	put(&file, N_RECORDS, "-1      ");
	put(&file, PATIENT, "MCH-0234567 F 02-MAY-1951 Haagse_Harry");
	put(&file, RECORDING, "Startdate 02-MAR-2002 X Technician_Tom X");
	put(&file, START_DATE, "02.03.02");
	put(&file, LABEL(1), "EEG Fp1-REF ");
	put(&file, UNIT(0), "\xb5V");
	put(&file, UNIT(1), "   ");
	put(&file, UNIT(2), "\x83\xcaV");
	put(&file, PHYSICAL_MIN(0), "-3276,7 ");
	put(&file, PHYSICAL_MAX(1), "-3276.7 ");
	put(&file, PHYSICAL_MIN(2), "3276.7  ");
	put(&file, PHYSICAL_MAX(2), "-3276.7 ");
	assert_ok(&file.ctx, open_file(&file));
	assert_warning(&file, "The number of records is not given: there are 6.");
	assert_int_equal(file.edf.person, HML_EDF_PATIENT_CODE | HML_EDF_PATIENT_SEX | HML_EDF_PATIENT_BIRTHDATE |
										  HML_EDF_PATIENT_NAME | HML_EDF_RECORDING);
	assert_true(file.edf.start.has_date);
	assert_int_equal(file.edf.start.year, 2002);
	assert_string_equal(file.edf.channels[1].label, "EEG Fp1-REF (2)");
	assert_string_equal(file.edf.channels[0].unit, "uV");
	assert_string_equal(file.edf.channels[2].unit, "uV");
	assert_true(isnan(file.edf.channels[1].microvolts));
	assert_close(file.edf.channels[0].physical_min, -3276.7, 0);
	assert_false(file.edf.channels[1].usable);
	assert_warning(&file, "physical maximum equals the minimum");
	assert_true(file.edf.channels[2].gain < 0);
	assert_ok(&file.ctx,
			  hml_edf_read(&file.ctx, &file.edf, &file.edf.channels[2], file.edf.stretches, 7, 1, 1, &one));
	assert_true(fabs(one + file.samples[2 * SAMPLES + 7]) < 0.1);
	for (size_t i = 0; i < file.edf.n_warnings; i++)
		assert_null(strstr(file.edf.warnings[i], "Harry"));
	finish(&file);
}

static void
test_unusable_digital_range(void **state)
{
	File file;

	(void) state;
	make_file(&file);
	put(&file, DIGITAL_MAX(0), "-32767  ");
	put(&file, PHYSICAL_MAX(1), "much    ");
	assert_ok(&file.ctx, open_file(&file));
	assert_false(file.edf.channels[0].usable);
	assert_false(file.edf.channels[1].usable);
	assert_true(file.edf.channels[2].usable);
	assert_warning(&file, "digital maximum");
	assert_warning(&file, "no numbers");
	finish(&file);
}

/* Time of a record: the first bytes of its annotations. */
static void
set_clock(File *file, size_t record, const char *onset)
{
	size_t record_size = (file->bytes.length - HEADER) / SECONDS;
	char *clock = (char *) file->bytes.data + HEADER + record * record_size + 2 * CHANNELS * RATE;

	memset(clock, 0, 24);
	snprintf(clock, 24, "%s\x14\x14", onset);
}

static void
test_gaps(void **state)
{
	static const char *const onsets[SECONDS] = {"+0.25",    "+1.25",   "+1000.25",
												"+1001.25", "+1001.5", "+9999.25"};
	File file;

	(void) state;
	make_file(&file);
	put(&file, RESERVED, "EDF+D");
	for (size_t r = 0; r < SECONDS; r++)
		set_clock(&file, r, onsets[r]);
	assert_ok(&file.ctx, open_file(&file));
	assert_string_equal(file.edf.format, "EDF+D");
	assert_int_equal(file.edf.n_stretches, 3);
	assert_close(file.edf.stretches[0].onset_s, 0, 0);
	assert_close(file.edf.stretches[1].onset_s, 1000, 0);
	assert_int_equal(file.edf.stretches[1].n_records, 3);
	assert_close(file.edf.stretches[2].onset_s, 9999, 0);
	assert_close(file.edf.start.second, 0.25, 0);
	assert_warning(&file, "Records that begin before the end of the one before are put after it: 1.");
	assert_ptr_equal(hml_edf_stretch_at(&file.edf, 1002.5), &file.edf.stretches[1]);
	assert_null(hml_edf_stretch_at(&file.edf, 500));
	assert_close(hml_edf_recorded_s(&file.edf), SECONDS, 0);
	finish(&file);
}

static void
test_no_duration(void **state)
{
	File file;

	(void) state;
	make_file(&file);
	put(&file, DURATION, "0       ");
	assert_ok(&file.ctx, open_file(&file));
	assert_false(file.edf.channels[0].usable);
	assert_int_equal(file.edf.n_annotations, 4);
	assert_close(file.edf.end_s, 0, 0);
	finish(&file);
}

static void
test_truncated(void **state)
{
	File file;

	(void) state;
	make_file(&file);
	file.bytes.length -= 100;
	assert_ok(&file.ctx, open_file(&file));
	assert_true(file.edf.truncated);
	assert_int_equal(file.edf.n_records, SECONDS - 1);
	assert_warning(&file, "The last record is cut off");
	file.bytes.length = HEADER + 50;
	assert_status(&file.ctx, open_file(&file), HML_CORRUPT);
	finish(&file);
}

/* Insert a carriage return before each line feed, as a transfer as text does. */
static void
test_converted_line_ends(void **state)
{
	File file;
	HmlWriter damaged;

	(void) state;
	make_file(&file);
	hml_writer_init(&damaged, &file.ctx);
	for (size_t i = 0; i < file.bytes.length; i++)
	{
		if (file.bytes.data[i] == '\n')
			hml_write_u8(&damaged, '\r');
		hml_write_u8(&damaged, file.bytes.data[i]);
	}
	assert_ok(&file.ctx, hml_writer_finish(&damaged));
	assert_status(&file.ctx, hml_edf_open(file.arena, damaged.data, damaged.length, &file.edf),
				  HML_INVALID_DATA);
	assert_message(&file.ctx, "turned into CR LF");
	assert_message(&file.ctx, "binary mode");
	hml_writer_free(&damaged);
	finish(&file);
}

static void
test_refused(void **state)
{
	File file;

	(void) state;
	make_file(&file);
	assert_status(&file.ctx, hml_edf_open(file.arena, "", 0, &file.edf), HML_CORRUPT);
	assert_status(&file.ctx, hml_edf_open(file.arena, "id,name\n1,x\n", 12, &file.edf), HML_CORRUPT);
	assert_message(&file.ctx, "not an EDF or BDF file");
	for (size_t length = 0; length < HEADER; length += 13)
		assert_status(&file.ctx, hml_edf_open(file.arena, file.bytes.data, length, &file.edf), HML_CORRUPT);
	put(&file, DURATION, "a while ");
	assert_status(&file.ctx, open_file(&file), HML_CORRUPT);
	finish(&file);
}

static HmlStatus
open_again(HmlContext *ctx, void *argument)
{
	File *file = argument;
	HmlArena *arena;
	HmlEdf edf;
	HmlStatus status;

	HML_TRY(hml_arena_create(ctx, &arena));
	status = hml_edf_open(arena, file->bytes.data, file->bytes.length, &edf);
	hml_arena_free(arena);
	return status;
}

static void
test_failures(void **state)
{
	File file;

	(void) state;
	make_file(&file);
	put(&file, N_RECORDS, "-1      ");
	test_allocation_sweep(open_again, &file);
	test_cancellation_sweep(open_again, &file);
	finish(&file);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_odd_headers),
		cmocka_unit_test(test_unusable_digital_range),
		cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_no_duration),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_converted_line_ends),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_failures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
