/*
 * masking.h
 *	  Secure aggregation: a coordinator that sees only the sum of the updates.
 *
 * K. Bonawitz et al.: Practical Secure Aggregation for Privacy-Preserving Machine
 * Learning, CCS 2017, without the recovery of drop-outs: a round in which a
 * client is missing is repeated without it, under fresh keys.
 *
 * Every client has a key pair for the round (X25519, RFC 7748).  Two clients
 * agree on a secret, stretch it (HKDF with SHA-256, RFC 5869) and expand it with
 * ChaCha20 (RFC 8439) to a mask of 32-bit numbers; the one with the smaller
 * public key adds the mask, the other subtracts it, modulo 2^32.  In the sum over
 * all clients the masks cancel.  All ciphers are OpenSSL's.
 *
 * Updates are numbers in [-clip, clip], quantised to HML_MASK_LEVELS steps, so
 * that the sum of up to HML_MASK_MAX_CLIENTS clients stays below 2^32.
 */
#ifndef HML_FEDERATED_MASKING_H
#define HML_FEDERATED_MASKING_H

#include "core/base/context.h"

#define HML_MASK_KEY_SIZE 32
#define HML_MASK_LEVELS (UINT32_C(1) << 22)
#define HML_MASK_MAX_CLIENTS 1024

extern HmlStatus hml_mask_generate_keys(HmlContext *ctx, unsigned char private_key[HML_MASK_KEY_SIZE],
										unsigned char public_key[HML_MASK_KEY_SIZE]) HML_NODISCARD;

/*
 * Add this client's masks against all 'n_peers' others to masked (n).
 * peers is (n_peers, HML_MASK_KEY_SIZE), without this client's own key; 'label'
 * (federation, round, attempt) is bound into the masks, so that keys that were
 * used twice still give fresh ones.  HML_INVALID_DATA when a peer's key is this
 * client's own, appears twice or is no valid key.
 */
extern HmlStatus hml_mask_apply(HmlContext *ctx, const unsigned char private_key[HML_MASK_KEY_SIZE],
								const unsigned char public_key[HML_MASK_KEY_SIZE], const unsigned char *peers,
								size_t n_peers, const char *label, uint32_t *masked, size_t n) HML_NODISCARD;

/*
 * quantised = round((clamp(value, -clip, clip) + clip) * (LEVELS - 1) / (2 * clip)).
 * Returns how many values had to be clamped.  NaN is HML_INVALID_DATA.
 */
extern HmlStatus hml_mask_quantise(HmlContext *ctx, const float *values, size_t n, double clip,
								   uint32_t *quantised, size_t *clamped) HML_NODISCARD;

/* The sum of the values that were quantised, from a sum of 'n_clients' quantised vectors. */
extern void hml_mask_dequantise(const uint32_t *sum, size_t n, size_t n_clients, double clip, double *values);

#endif /* HML_FEDERATED_MASKING_H */
