/*
 * test_crc32c.c
 *	  The examples of RFC 3720, appendix B.4, on every level of processor.
 */
#include "unit/support.h"

#include "core/base/cpu.h"
#include "core/base/crc32c.h"

static void
test_known_vectors(void **state)
{
	unsigned char bytes[32];

	(void) state;
	for (int level = 1; level <= 4; level++)
	{
		hml_cpu_cap_level(level);
		assert_int_equal(hml_crc32c("", 0), 0);
		assert_int_equal(hml_crc32c("123456789", 9), 0xe3069283);
		memset(bytes, 0, sizeof(bytes));
		assert_int_equal(hml_crc32c(bytes, sizeof(bytes)), 0x8a9136aa);
		memset(bytes, 0xff, sizeof(bytes));
		assert_int_equal(hml_crc32c(bytes, sizeof(bytes)), 0x62a8ab43);
		for (int i = 0; i < 32; i++)
			bytes[i] = (unsigned char) i;
		assert_int_equal(hml_crc32c(bytes, sizeof(bytes)), 0x46dd794e);
		for (int i = 0; i < 32; i++)
			bytes[i] = (unsigned char) (31 - i);
		assert_int_equal(hml_crc32c(bytes, sizeof(bytes)), 0x113fdb5c);
	}
	hml_cpu_cap_level(4);
}

static void
test_variants_agree_at_every_length_and_offset(void **state)
{
	unsigned char bytes[200];

	(void) state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char) (i * 37 + 11);
	for (size_t offset = 0; offset < 8; offset++)
		for (size_t length = 0; length <= sizeof(bytes) - offset; length++)
		{
			uint32_t portable;

			hml_cpu_cap_level(1);
			portable = hml_crc32c(bytes + offset, length);
			hml_cpu_cap_level(4);
			assert_int_equal(hml_crc32c(bytes + offset, length), portable);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_vectors),
		cmocka_unit_test(test_variants_agree_at_every_length_and_offset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
