/*
 * heart_feature_table.c
 *	  Names of the features, and where in the typical beat each one looks.
 *
 * Frequencies in names are middles of bands, but for contrasts and floors, where
 * they are lower limits.
 */
#include "core/heart/heart_features.h"

/* ---- names ----------------------------------------------------------- */

#define CONTRAST_NAMES(hz) \
	"s2_systole_" hz, "s1_systole_" hz, "early_systole_diastole_" hz, "middle_systole_diastole_" hz, \
		"late_systole_diastole_" hz, "early_late_diastole_" hz, "s1_variation_" hz, "systole_variation_" hz, \
		"s2_variation_" hz, "diastole_variation_" hz

#define LEVEL_NAMES(hz) \
	"level_s1_1_" hz, "level_s1_2_" hz, "level_systole_1_" hz, "level_systole_2_" hz, "level_systole_3_" hz, \
		"level_systole_4_" hz, "level_systole_5_" hz, "level_s2_1_" hz, "level_s2_2_" hz, \
		"level_diastole_1_" hz, "level_diastole_2_" hz, "level_diastole_3_" hz, "level_diastole_4_" hz, \
		"level_diastole_5_" hz, "level_diastole_6_" hz

#define RANGE_NAMES(hz) \
	"range_s1_" hz, "range_early_systole_" hz, "range_late_systole_" hz, "range_s2_" hz, \
		"range_early_diastole_" hz, "range_late_diastole_" hz

const char *const hml_heart_feature_names[HML_HEART_FEATURES] = {
	CONTRAST_NAMES("150hz"),
	CONTRAST_NAMES("290hz"),
	CONTRAST_NAMES("420hz"),
	"s1_duration_sd",
	"systole_duration_sd",
	"s2_duration_sd",
	"diastole_duration_sd",
	"rhythm",
	"fit",

	LEVEL_NAMES("75hz"),
	LEVEL_NAMES("160hz"),
	LEVEL_NAMES("245hz"),
	LEVEL_NAMES("330hz"),
	LEVEL_NAMES("415hz"),
	LEVEL_NAMES("505hz"),
	LEVEL_NAMES("590hz"),
	LEVEL_NAMES("675hz"),
	LEVEL_NAMES("760hz"),
	LEVEL_NAMES("845hz"),
	RANGE_NAMES("115hz"),
	RANGE_NAMES("290hz"),
	RANGE_NAMES("460hz"),
	RANGE_NAMES("630hz"),
	RANGE_NAMES("805hz"),
	"s1_duration",
	"systole_duration",
	"s2_duration",
	"diastole_duration",
	"beat_duration",
	"beat_duration_sd",

	"floor_4hz",
	"floor_10hz",
	"floor_16hz",
	"floor_23hz",
	"floor_31hz",
	"floor_39hz",
	"floor_51hz",
	"floor_63hz",
	"floor_78hz",
	"floor_98hz",
	"floor_125hz",
	"floor_156hz",
	"floor_195hz",
	"floor_250hz",
	"floor_313hz",
	"floor_391hz",
	"floor_500hz",
	"floor_625hz",
	"floor_781hz",
	"floor_879hz",
};

/* ---- regions --------------------------------------------------------- */

#define NOWHERE \
	{ \
		0, 0, 0, 0 \
	}

/* Parts of the beat as heart_features.c compares them. */
#define S1 0, 4
#define SYSTOLE 5, 13
#define SYSTOLE_EARLY 5, 8
#define SYSTOLE_MIDDLE 7, 11
#define SYSTOLE_LATE 10, 13
#define S2 14, 18
#define DIASTOLE 20, 29
#define DIASTOLE_EARLY 19, 22
#define DIASTOLE_LATE 25, 30

#define CONTRAST_REGIONS(from, to) \
	{{from, to, S2}, {from, to, SYSTOLE}}, {{from, to, S1}, {from, to, SYSTOLE}}, \
		{{from, to, SYSTOLE_EARLY}, {from, to, DIASTOLE}}, \
		{{from, to, SYSTOLE_MIDDLE}, {from, to, DIASTOLE}}, \
		{{from, to, SYSTOLE_LATE}, {from, to, DIASTOLE}}, \
		{{from, to, DIASTOLE_EARLY}, {from, to, DIASTOLE_LATE}}, {{from, to, S1}, NOWHERE}, \
		{{from, to, SYSTOLE}, NOWHERE}, {{from, to, S2}, NOWHERE}, \
	{ \
		{from, to, DIASTOLE}, NOWHERE \
	}

#define LEVEL_REFERENCE \
	{ \
		0, 24, 0, HML_BEAT_BINS \
	}
#define LEVEL(from, bin) \
	{ \
		{from, from + 4, bin, bin + 2}, LEVEL_REFERENCE \
	}
#define LEVEL_REGIONS(from) \
	LEVEL(from, 0), LEVEL(from, 2), LEVEL(from, 4), LEVEL(from, 6), LEVEL(from, 8), LEVEL(from, 10), \
		LEVEL(from, 12), LEVEL(from, 14), LEVEL(from, 16), LEVEL(from, 18), LEVEL(from, 20), \
		LEVEL(from, 22), LEVEL(from, 24), LEVEL(from, 26), LEVEL(from, 28)

#define RANGE(from, first, last) \
	{ \
		{from, from + 8, first, last}, NOWHERE \
	}
#define RANGE_REGIONS(from) \
	RANGE(from, 0, 4), RANGE(from, 4, 9), RANGE(from, 9, 14), RANGE(from, 14, 18), RANGE(from, 18, 24), \
		RANGE(from, 24, 30)

/* Timing and floors, which follow what stands here, have no place in the beat. */
const HmlHeartRegions hml_heart_feature_regions[HML_HEART_FEATURES] = {
	CONTRAST_REGIONS(6, 10), CONTRAST_REGIONS(10, 16), CONTRAST_REGIONS(16, 24), {NOWHERE, NOWHERE},
	{NOWHERE, NOWHERE},      {NOWHERE, NOWHERE},       {NOWHERE, NOWHERE},       {NOWHERE, NOWHERE},
	{NOWHERE, NOWHERE},      LEVEL_REGIONS(0),         LEVEL_REGIONS(4),         LEVEL_REGIONS(8),
	LEVEL_REGIONS(12),       LEVEL_REGIONS(16),        LEVEL_REGIONS(20),        LEVEL_REGIONS(24),
	LEVEL_REGIONS(28),       LEVEL_REGIONS(32),        LEVEL_REGIONS(36),        RANGE_REGIONS(0),
	RANGE_REGIONS(8),        RANGE_REGIONS(16),        RANGE_REGIONS(24),        RANGE_REGIONS(32),
};
