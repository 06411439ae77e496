/*
 * artifact.c
 *	  A model as bytes: a header and sections, each with its checksum.
 *
 * The reader believes nothing: checksums find accidents, and every count and
 * number is checked as if there were none, because whoever makes an artifact can
 * make its checksums too.  The format is docs/model-format.md.
 */
#include "core/model/model.h"

#include <stdio.h>
#include <string.h>

#include "core/base/crc32c.h"
#include "core/model/background.h"

/* Like PNG's: not text, and damaged by whatever changes line ends or the eighth bit. */
static const unsigned char magic[8] = {0x89, 'H', 'M', 'L', '\r', '\n', 0x1a, '\n'};

#define FORMAT_MAJOR 1
#define FORMAT_MINOR 0
#define HEADER_CHECKED 16 /* bytes in front of the header's checksum */
#define TAG_SIZE 4
#define SECTION_REQUIRED 1u
#define SECTION_OVERHEAD 16 /* tag, flags, length, checksum */

/* Every artifact has these, in this order; sections with other names follow. */
enum
{
	SECTION_META,
	SECTION_FEAT,
	SECTION_CALI,
	SECTION_ALGO,
	N_SECTIONS,
	SECTION_BACK = N_SECTIONS, /* only when there are background rows */
	SECTION_CORR,              /* only when probabilities are corrected */
	N_ALL_SECTIONS
};

static const struct
{
	const char *tag;
	const char *what; /* for messages */
} sections[N_ALL_SECTIONS] = {
	{"META", "section \"META\" of the artifact"}, {"FEAT", "section \"FEAT\" of the artifact"},
	{"CALI", "section \"CALI\" of the artifact"}, {"ALGO", "section \"ALGO\" of the artifact"},
	{"BACK", "section \"BACK\" of the artifact"}, {"CORR", "section \"CORR\" of the artifact"},
};

static void
write_text(HmlWriter *writer, const char *text)
{
	hml_write_text(writer, text, strlen(text));
}

static void
write_meta(const HmlModel *model, HmlWriter *writer)
{
	write_text(writer, model->algorithm->name);
	write_text(writer, model->algorithm->task);
	hml_write_u64(writer, (uint64_t) model->trained_rows);
	write_text(writer, model->params);
	hml_write_u32(writer, (uint32_t) model->n_outputs);
	hml_write_u8(writer, model->output_names != NULL);
	for (size_t i = 0; model->output_names != NULL && i < model->n_outputs; i++)
		write_text(writer, model->output_names[i]);
}

static void
write_payload(const HmlModel *model, int section, HmlWriter *writer)
{
	switch (section)
	{
		case SECTION_META:
			write_meta(model, writer);
			break;
		case SECTION_FEAT:
			hml_pipeline_write(model->pipeline, writer);
			break;
		case SECTION_CALI:
			hml_calibration_write(&model->calibration, writer);
			break;
		case SECTION_ALGO:
			model->algorithm->write(model, writer);
			break;
		case SECTION_BACK:
			hml_background_write(model, writer);
			break;
		case SECTION_CORR:
			hml_corrections_write(model->corrections, model->n_corrections, writer);
			break;
	}
}

static bool
has_section(const HmlModel *model, int section)
{
	if (section == SECTION_BACK)
		return model->n_background > 0;
	return section != SECTION_CORR || model->n_corrections > 0;
}

static int
sections_of(const HmlModel *model)
{
	int n = 0;

	for (int section = 0; section < N_ALL_SECTIONS; section++)
		n += has_section(model, section);
	return n;
}

static void
write_header(const HmlModel *model, HmlWriter *writer)
{
	size_t start = writer->length;

	hml_write_bytes(writer, magic, sizeof(magic));
	hml_write_u16(writer, FORMAT_MAJOR);
	hml_write_u16(writer, FORMAT_MINOR);
	hml_write_u32(writer, (uint32_t) sections_of(model));
	if (writer->status == HML_OK)
		hml_write_u32(writer, hml_crc32c(writer->data + start, HEADER_CHECKED));
}

static void
write_section(const HmlModel *model, int section, HmlWriter *writer)
{
	size_t start = writer->length;
	size_t payload;

	hml_write_bytes(writer, sections[section].tag, TAG_SIZE);
	hml_write_u32(writer, section != SECTION_BACK ? SECTION_REQUIRED : 0);
	hml_write_u32(writer, 0);
	payload = writer->length;
	write_payload(model, section, writer);
	if (writer->status != HML_OK)
		return;
	hml_write_u32_at(writer, payload - 4, (uint32_t) (writer->length - payload));
	hml_write_u32(writer, hml_crc32c(writer->data + start, writer->length - start));
}

HmlStatus
hml_model_write(const HmlModel *model, HmlWriter *writer)
{
	size_t start = writer->length;

	write_header(model, writer);
	for (int section = 0; section < N_ALL_SECTIONS; section++)
		if (has_section(model, section))
			write_section(model, section, writer);
	HML_TRY(hml_writer_finish(writer));
	if (writer->length - start > HML_MAX_ARTIFACT_SIZE)
		return hml_fail(writer->ctx, HML_LIMIT, "the model needs %zu bytes, more than the limit of %zu",
						writer->length - start, HML_MAX_ARTIFACT_SIZE);
	return HML_OK;
}

static HmlStatus
read_algorithm(HmlModel *model, HmlReader *reader)
{
	const char *name;
	const char *task;

	HML_TRY(hml_read_text_copy(model->arena, reader, &name));
	HML_TRY(hml_read_text_copy(model->arena, reader, &task));
	model->algorithm = hml_algorithm_find(name);
	if (model->algorithm == NULL)
	{
		hml_fail(reader->ctx, HML_UNSUPPORTED, "artifact is of the unknown algorithm \"%.*s\"",
				 hml_utf8_clip(name, 64), name);
		return hml_hint(reader->ctx, "It may come from a later version of healthml.");
	}
	if (strcmp(task, model->algorithm->task) != 0)
		return hml_fail(reader->ctx, HML_CORRUPT, "%s has the wrong task for algorithm \"%s\"", reader->what,
						name);
	return HML_OK;
}

/* An algorithm fills as many outputs as it has: one without a name, or one for each of its classes. */
static HmlStatus
check_outputs(const HmlModel *model, const HmlReader *reader)
{
	bool is_named = model->output_names != NULL;

	if (is_named ? model->algorithm->target_use != HML_TARGET_EVALUATES : model->n_outputs == 1)
		return HML_OK;
	return hml_fail(reader->ctx, HML_CORRUPT, "%s has %zu %s outputs, which algorithm \"%s\" has not",
					reader->what, model->n_outputs, is_named ? "named" : "unnamed", model->algorithm->name);
}

static HmlStatus
read_output_names(HmlModel *model, HmlReader *reader)
{
	uint8_t named;

	HML_TRY(hml_read_u8(reader, &named));
	if (named > 1)
		return hml_fail(reader->ctx, HML_CORRUPT, "%s has a flag of %u", reader->what, named);
	if (named == 1)
		HML_TRY(HML_ARENA_NEW(model->arena, &model->output_names, model->n_outputs));
	for (size_t i = 0; i < model->n_outputs && named == 1; i++)
		HML_TRY(hml_read_text_copy(model->arena, reader, &model->output_names[i]));
	return check_outputs(model, reader);
}

static HmlStatus
read_meta(HmlModel *model, HmlReader *reader)
{
	uint64_t trained_rows;

	HML_TRY(read_algorithm(model, reader));
	HML_TRY(hml_read_u64(reader, &trained_rows));
	HML_TRY(hml_read_text_copy(model->arena, reader, &model->params));
	HML_TRY(hml_read_count(reader, 0, HML_MAX_OUTPUTS, &model->n_outputs));
	if (trained_rows > INT64_MAX || model->n_outputs == 0)
		return hml_fail(reader->ctx, HML_CORRUPT, "%s has counts that make no sense", reader->what);
	model->trained_rows = (int64_t) trained_rows;
	return read_output_names(model, reader);
}

static HmlStatus
read_payload(HmlModel *model, int section, HmlReader *reader)
{
	switch (section)
	{
		case SECTION_META:
			HML_TRY(read_meta(model, reader));
			break;
		case SECTION_FEAT:
			HML_TRY(hml_pipeline_read(model->arena, reader, &model->pipeline));
			break;
		case SECTION_CALI:
			HML_TRY(hml_calibration_read(model->arena, reader, &model->calibration));
			break;
		case SECTION_ALGO:
			HML_TRY(model->algorithm->read(model, reader));
			break;
	}
	return hml_read_end(reader);
}

static HmlStatus
check_crc(HmlReader *reader, const unsigned char *start, const char *what)
{
	uint32_t actual = hml_crc32c(start, (size_t) (reader->next - start));
	uint32_t stated;

	HML_TRY(hml_read_u32(reader, &stated));
	if (actual == stated)
		return HML_OK;
	hml_fail(reader->ctx, HML_CORRUPT, "%s is damaged", what);
	return hml_detail(reader->ctx, "Its checksum is %08x, but %08x is stated.", actual, stated);
}

static HmlStatus
read_header(HmlReader *reader, uint32_t *n_sections)
{
	const unsigned char *start;
	uint16_t major;
	uint16_t minor;

	HML_TRY(hml_read_bytes(reader, sizeof(magic), &start));
	if (memcmp(start, magic, sizeof(magic)) != 0)
		return hml_fail(reader->ctx, HML_CORRUPT, "not a healthml artifact");
	HML_TRY(hml_read_u16(reader, &major));
	HML_TRY(hml_read_u16(reader, &minor));
	HML_TRY(hml_read_u32(reader, n_sections));
	HML_TRY(check_crc(reader, start, "header of the artifact"));
	if (major == FORMAT_MAJOR)
		return HML_OK;
	hml_fail(reader->ctx, HML_UNSUPPORTED, "artifact has format %u.%u, but only format %d can be read", major,
			 minor, FORMAT_MAJOR);
	return hml_hint(reader->ctx, "It was written by another version of healthml.");
}

typedef struct SectionHeader
{
	char tag[TAG_SIZE + 1];
	uint32_t flags;
	const unsigned char *payload;
	size_t length;
} SectionHeader;

/* Also moves the reader past the section. */
static HmlStatus
read_section_header(HmlReader *reader, SectionHeader *out)
{
	const unsigned char *start;
	char what[40];

	HML_TRY(hml_read_bytes(reader, TAG_SIZE, &start));
	for (int i = 0; i < TAG_SIZE; i++)
		out->tag[i] = (char) (start[i] >= 0x20 && start[i] < 0x7f ? start[i] : '?');
	out->tag[TAG_SIZE] = '\0';
	HML_TRY(hml_read_u32(reader, &out->flags));
	HML_TRY(hml_read_count(reader, 1, HML_MAX_ARTIFACT_SIZE, &out->length));
	HML_TRY(hml_read_bytes(reader, out->length, &out->payload));
	snprintf(what, sizeof(what), "section \"%s\" of the artifact", out->tag);
	return check_crc(reader, start, what);
}

static HmlStatus
read_known_section(HmlModel *model, HmlReader *reader, int section)
{
	SectionHeader header;
	HmlReader payload;

	HML_TRY(hml_poll(reader->ctx));
	HML_TRY(read_section_header(reader, &header));
	if (strcmp(header.tag, sections[section].tag) != 0 || header.flags != SECTION_REQUIRED)
		return hml_fail(reader->ctx, HML_CORRUPT, "artifact has \"%s\" where section \"%s\" should be",
						header.tag, sections[section].tag);
	hml_reader_init(&payload, reader->ctx, header.payload, header.length, sections[section].what);
	return read_payload(model, section, &payload);
}

/* Background rows, corrections, or what a later minor version of the format added: fine unless it says that it matters. */
static HmlStatus
read_optional_section(HmlModel *model, HmlReader *reader)
{
	SectionHeader header;
	HmlReader payload;

	HML_TRY(read_section_header(reader, &header));
	if (strcmp(header.tag, sections[SECTION_BACK].tag) == 0 && model->n_background == 0)
	{
		hml_reader_init(&payload, reader->ctx, header.payload, header.length, sections[SECTION_BACK].what);
		return hml_background_read(model, &payload);
	}
	if (strcmp(header.tag, sections[SECTION_CORR].tag) == 0 && model->n_corrections == 0)
	{
		hml_reader_init(&payload, reader->ctx, header.payload, header.length, sections[SECTION_CORR].what);
		return hml_corrections_read(model->arena, &payload, model->n_outputs, &model->corrections,
									&model->n_corrections);
	}
	if ((header.flags & SECTION_REQUIRED) == 0)
		return HML_OK;
	hml_fail(reader->ctx, HML_UNSUPPORTED, "artifact needs section \"%s\" to be understood, which is unknown",
			 header.tag);
	return hml_hint(reader->ctx, "It was written by another version of healthml.");
}

static HmlStatus
read_model(HmlModel *model, HmlReader *reader)
{
	uint32_t n_sections;

	HML_TRY(read_header(reader, &n_sections));
	if (n_sections < N_SECTIONS || n_sections > hml_reader_left(reader) / SECTION_OVERHEAD)
		return hml_fail(reader->ctx, HML_CORRUPT, "artifact cannot have %u sections", n_sections);
	for (int section = 0; section < N_SECTIONS; section++)
		HML_TRY(read_known_section(model, reader, section));
	for (uint32_t i = N_SECTIONS; i < n_sections; i++)
		HML_TRY(read_optional_section(model, reader));
	HML_TRY(hml_read_end(reader));
	return hml_model_settle(model);
}

HmlStatus
hml_model_read(HmlContext *ctx, const void *bytes, size_t length, HmlModel **out)
{
	HmlReader reader;
	HmlModel *model;
	HmlStatus status;

	*out = NULL;
	if (length > HML_MAX_ARTIFACT_SIZE)
		return hml_fail(ctx, HML_LIMIT, "an artifact of %zu bytes is larger than the limit of %zu", length,
						HML_MAX_ARTIFACT_SIZE);
	hml_reader_init(&reader, ctx, bytes, length, "artifact");
	HML_TRY(hml_model_create(ctx, NULL, &model));
	status = read_model(model, &reader);
	if (status == HML_OK)
		*out = model;
	else
		hml_model_free(model);
	return status;
}
