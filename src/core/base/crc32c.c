/*
 * crc32c.c
 *	  CRC-32C by the processor's instruction where there is one, else by table.
 */
#include "core/base/crc32c.h"

#include <string.h>

#include "core/base/cpu.h"

#define POLYNOMIAL UINT32_C(0x82f63b78) /* bit-reversed 0x1edc6f41 */

static uint32_t
crc_of_byte(uint32_t crc)
{
	for (int bit = 0; bit < 8; bit++)
		crc = (crc >> 1) ^ (POLYNOMIAL & -(crc & 1));
	return crc;
}

static uint32_t
crc32c_portable(uint32_t crc, const unsigned char *data, size_t length)
{
	uint32_t table[256];

	for (uint32_t i = 0; i < 256; i++)
		table[i] = crc_of_byte(i);
	for (size_t i = 0; i < length; i++)
		crc = (crc >> 8) ^ table[(crc ^ data[i]) & 0xff];
	return crc;
}

#ifdef __x86_64__
__attribute__((target("sse4.2"))) static uint32_t
crc32c_sse42(uint32_t crc, const unsigned char *data, size_t length)
{
	uint64_t wide = crc;

	for (; length >= 8; data += 8, length -= 8)
	{
		uint64_t word;

		memcpy(&word, data, 8);
		wide = __builtin_ia32_crc32di(wide, word);
	}
	crc = (uint32_t) wide;
	for (; length > 0; data++, length--)
		crc = __builtin_ia32_crc32qi(crc, *data);
	return crc;
}
#endif

uint32_t
hml_crc32c(const void *data, size_t length)
{
#ifdef __x86_64__
	if (hml_cpu_level() >= 2)
		return ~crc32c_sse42(UINT32_MAX, data, length);
#endif
	return ~crc32c_portable(UINT32_MAX, data, length);
}
