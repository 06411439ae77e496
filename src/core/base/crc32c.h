/*
 * crc32c.h
 *	  CRC-32C (Castagnoli), as in iSCSI (RFC 3720, appendix B.4).
 */
#ifndef HML_BASE_CRC32C_H
#define HML_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

extern uint32_t hml_crc32c(const void *data, size_t length);

#endif /* HML_BASE_CRC32C_H */
