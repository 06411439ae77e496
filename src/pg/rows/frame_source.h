/*
 * frame_source.h
 *	  From a source to a frame: the rows that an algorithm learns from.
 *
 * Everything that can be known to be wrong with the columns is refused before
 * the first row is read.  The rows are read once; when they do not fit, the frame
 * holds a uniform sample of them.
 */
#ifndef HEALTHML_FRAME_SOURCE_H
#define HEALTHML_FRAME_SOURCE_H

#include "pg/server/compat.h"

#include "nodes/pg_list.h"

#include "core/model/model.h"

typedef struct HealthmlFrameRequest
{
	const char *source;
	List *features;     /* names as char *; NIL = every numeric or boolean column but target and group */
	List *excluded;     /* names of columns that are no features, as char * */
	const char *target; /* NULL = none */
	const char *group;  /* NULL = none, and so below */
	const char *site;
	bool group_may_be_feature;
	const char *subject;
	const char *time;
	const char *weight;
	List *labels; /* names of the columns with soft labels, one for each class */
	const HmlEncoder
		*encoder;           /* its features, of the recordings in a column, instead of columns; NULL = none */
	HmlSampleKind sample;   /* what it makes */
	const char *recordings; /* that column, of bytea, or of real[] (channels x samples) with a sample_rate */
	double sample_rate;     /* of arrays, Hz; NaN = arrays are not taken */
	const char *at_s;       /* column of the second of the recording that is meant; NULL = none */
	bool target_is_condition; /* it must be boolean or a number */
	size_t max_rows;
	size_t max_bytes;
	uint64 seed; /* of the sample */
} HealthmlFrameRequest;

/*
 * Take from the parameters of an algorithm which columns have which role, where it has them: group, site, weight, votes
 * (soft labels, a column for each class), exclude, and of recordings the column that the modality names, at_s and
 * sample_rate.
 */
extern void healthml_request_roles(HealthmlFrameRequest *request, const HmlAlgorithm *algorithm,
								   const HmlParams *params);

/* The frame's memory comes from 'ctx'; *rows_read gets the number of rows of the source. */
extern HmlFrame *healthml_read_frame(HmlContext *ctx, const HealthmlFrameRequest *request, int64 *rows_read);

#endif /* HEALTHML_FRAME_SOURCE_H */
