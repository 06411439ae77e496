/*
 * test_network_page.c
 *	  docs/network-specification.md and docs/reference.md against the operator table: no operator, attribute or
 *	  parameter without a word.
 */
#include "unit/support.h"

#include "core/nn/graph/network.h"

static char *
read_page(const char *path)
{
	FILE *file = fopen(path, "rb");
	char *text = calloc(1, 1 << 20);

	if (file == NULL || text == NULL)
		fail_msg("cannot read \"%s\"", path);
	assert_true(fread(text, 1, (1 << 20) - 1, file) > 0);
	fclose(file);
	return text;
}

/* The line or lines of a page from 'heading' to the next heading. */
static char *
section(const char *page, const char *heading)
{
	const char *begin = strstr(page, heading);
	const char *end;
	char *copy;

	if (begin == NULL)
		fail_msg("there is no \"%s\"", heading);
	begin += strlen(heading);
	end = strstr(begin, "\n#");
	copy = calloc(1, (end == NULL ? strlen(begin) : (size_t) (end - begin)) + 1);
	assert_non_null(copy);
	memcpy(copy, begin, end == NULL ? strlen(begin) : (size_t) (end - begin));
	return copy;
}

static void
must_mention(const char *text, const char *what, const char *op)
{
	char quoted[96];

	snprintf(quoted, sizeof(quoted), "`%s`", what);
	if (strstr(text, quoted) == NULL)
		fail_msg("nothing is said of \"%s\" of operator \"%s\"", what, op);
}

static void
test_reference_has_every_attribute(void **state)
{
	char *page = read_page("docs/reference.md");

	(void) state;
	for (size_t i = 0; hml_ops[i] != NULL; i++)
	{
		char heading[96];
		char *text;

		snprintf(heading, sizeof(heading), "### %s (operator)", hml_ops[i]->name);
		text = section(page, heading);
		assert_non_null(strstr(text, hml_ops[i]->help));
		for (const HmlAttrSpec *attr = hml_ops[i]->attrs; attr->name != NULL; attr++)
			must_mention(text, attr->name, hml_ops[i]->name);
		free(text);
	}
	free(page);
}

static void
test_page_has_every_parameter(void **state)
{
	char *page = read_page("docs/network-specification.md");
	char *text = section(page, "## What is learnt");
	TestHost host;
	HmlContext ctx;

	(void) state;
	test_host_init(&host, &ctx);
	for (size_t i = 0; hml_ops[i] != NULL; i++)
		for (size_t k = 0; hml_ops[i]->cases[k] != NULL; k++)
		{
			HmlArena *arena;
			HmlNetwork *network;
			const HmlNode *node;

			assert_ok(&ctx, hml_arena_create(&ctx, &arena));
			assert_ok(&ctx,
					  hml_network_parse(arena, hml_ops[i]->cases[k], strlen(hml_ops[i]->cases[k]), &network));
			node = &network->nodes[network->n_inputs];
			for (size_t p = 0; p < node->n_parameters && p < 4; p++)
			{
				must_mention(text, node->op->name, node->op->name);
				must_mention(text, node->parameters[p].name, node->op->name);
			}
			hml_arena_free(arena);
		}
	test_host_finish(&host, &ctx);
	free(text);
	free(page);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reference_has_every_attribute),
		cmocka_unit_test(test_page_has_every_parameter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
