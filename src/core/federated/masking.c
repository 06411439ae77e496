/*
 * masking.c
 *	  Pairwise masks from X25519, HKDF-SHA256 and ChaCha20; quantisation.
 *
 * OpenSSL allocates for itself: each function frees what it made on every way
 * out and wipes secrets.  Masks are made in blocks of BLOCK_WORDS, with a poll
 * for cancellation after each.
 */
#include "core/federated/masking.h"

#include <math.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <string.h>

#define BLOCK_WORDS 4096
#define CHACHA_IV_SIZE 16 /* counter and nonce */

static HmlStatus
crypto_failed(HmlContext *ctx, const char *what)
{
	return hml_fail(ctx, HML_INTERNAL, "could not %s", what);
}

HmlStatus
hml_mask_generate_keys(HmlContext *ctx, unsigned char private_key[HML_MASK_KEY_SIZE],
					   unsigned char public_key[HML_MASK_KEY_SIZE])
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
	size_t private_size = HML_MASK_KEY_SIZE;
	size_t public_size = HML_MASK_KEY_SIZE;
	bool ok = key != NULL && EVP_PKEY_get_raw_private_key(key, private_key, &private_size) == 1 &&
			  EVP_PKEY_get_raw_public_key(key, public_key, &public_size) == 1;

	EVP_PKEY_free(key);
	return ok ? HML_OK : crypto_failed(ctx, "generate an X25519 key pair");
}

/* OpenSSL refuses the all-zero secret that a peer of small order would force. */
static bool
agree(const unsigned char *private_key, const unsigned char *peer_key, unsigned char *secret)
{
	EVP_PKEY *own = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, private_key, HML_MASK_KEY_SIZE);
	EVP_PKEY *peer = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, peer_key, HML_MASK_KEY_SIZE);
	EVP_PKEY_CTX *exchange = own == NULL ? NULL : EVP_PKEY_CTX_new(own, NULL);
	size_t size = HML_MASK_KEY_SIZE;
	bool ok = peer != NULL && exchange != NULL && EVP_PKEY_derive_init(exchange) == 1 &&
			  EVP_PKEY_derive_set_peer(exchange, peer) == 1 && EVP_PKEY_derive(exchange, secret, &size) == 1;

	EVP_PKEY_CTX_free(exchange);
	EVP_PKEY_free(peer);
	EVP_PKEY_free(own);
	return ok;
}

static bool
stretch(unsigned char *secret, const char *label, unsigned char *mask_key)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *derivation = kdf == NULL ? NULL : EVP_KDF_CTX_new(kdf);
	char digest[] = "SHA256";
	char *info = (char *) (uintptr_t) label;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, secret, HML_MASK_KEY_SIZE),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, strlen(label)),
		OSSL_PARAM_construct_end(),
	};
	bool ok = derivation != NULL && EVP_KDF_derive(derivation, mask_key, HML_MASK_KEY_SIZE, params) == 1;

	EVP_KDF_CTX_free(derivation);
	EVP_KDF_free(kdf);
	return ok;
}

static HmlStatus
pair_key(HmlContext *ctx, const unsigned char *private_key, const unsigned char *peer_key, const char *label,
		 unsigned char *mask_key)
{
	unsigned char secret[HML_MASK_KEY_SIZE];
	HmlStatus status = HML_OK;

	if (!agree(private_key, peer_key, secret))
		status = hml_fail(ctx, HML_INVALID_DATA, "a peer's public key is not a valid X25519 key");
	else if (!stretch(secret, label, mask_key))
		status = crypto_failed(ctx, "derive a mask key");
	OPENSSL_cleanse(secret, sizeof(secret));
	return status;
}

/* masked += (or -=) the key stream, read as little-endian 32-bit numbers. */
static HmlStatus
add_stream(HmlContext *ctx, EVP_CIPHER_CTX *cipher, bool subtract, uint32_t *masked, size_t n)
{
	static const unsigned char zeros[BLOCK_WORDS * 4];
	unsigned char stream[BLOCK_WORDS * 4];

	for (size_t first = 0; first < n; first += BLOCK_WORDS)
	{
		size_t count = n - first < BLOCK_WORDS ? n - first : BLOCK_WORDS;
		int written = 0;

		HML_TRY(hml_poll(ctx));
		if (EVP_EncryptUpdate(cipher, stream, &written, zeros, (int) (count * 4)) != 1)
			return crypto_failed(ctx, "expand a mask");
		for (size_t i = 0; i < count; i++)
		{
			const unsigned char *b = stream + 4 * i;
			uint32_t mask =
				(uint32_t) b[0] | (uint32_t) b[1] << 8 | (uint32_t) b[2] << 16 | (uint32_t) b[3] << 24;

			masked[first + i] += subtract ? -mask : mask;
		}
	}
	return HML_OK;
}

static HmlStatus
add_mask(HmlContext *ctx, const unsigned char *mask_key, bool subtract, uint32_t *masked, size_t n)
{
	static const unsigned char iv[CHACHA_IV_SIZE]; /* a key is used for one mask only */
	EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
	HmlStatus status;

	if (cipher == NULL || EVP_EncryptInit_ex(cipher, EVP_chacha20(), NULL, mask_key, iv) != 1)
		status = crypto_failed(ctx, "start ChaCha20");
	else
		status = add_stream(ctx, cipher, subtract, masked, n);
	EVP_CIPHER_CTX_free(cipher);
	return status;
}

static HmlStatus
check_peers(HmlContext *ctx, const unsigned char *public_key, const unsigned char *peers, size_t n_peers)
{
	if (n_peers == 0)
	{
		hml_fail(ctx, HML_INVALID_ARGUMENT, "secure aggregation needs at least two clients");
		return hml_detail(ctx, "The sum over one client would be its update.");
	}
	if (n_peers >= HML_MASK_MAX_CLIENTS)
		return hml_fail(ctx, HML_LIMIT, "secure aggregation takes at most %d clients, not %zu",
						HML_MASK_MAX_CLIENTS, n_peers + 1);
	for (size_t i = 0; i < n_peers; i++)
	{
		const unsigned char *peer = peers + i * HML_MASK_KEY_SIZE;

		if (memcmp(peer, public_key, HML_MASK_KEY_SIZE) == 0)
			return hml_fail(ctx, HML_INVALID_DATA, "a peer has the public key of this client");
		for (size_t j = 0; j < i; j++)
			if (memcmp(peer, peers + j * HML_MASK_KEY_SIZE, HML_MASK_KEY_SIZE) == 0)
				return hml_fail(ctx, HML_INVALID_DATA, "two peers have the same public key");
	}
	return HML_OK;
}

HmlStatus
hml_mask_apply(HmlContext *ctx, const unsigned char private_key[HML_MASK_KEY_SIZE],
			   const unsigned char public_key[HML_MASK_KEY_SIZE], const unsigned char *peers, size_t n_peers,
			   const char *label, uint32_t *masked, size_t n)
{
	unsigned char mask_key[HML_MASK_KEY_SIZE];
	HmlStatus status;

	HML_TRY(check_peers(ctx, public_key, peers, n_peers));
	status = HML_OK;
	for (size_t i = 0; i < n_peers && status == HML_OK; i++)
	{
		const unsigned char *peer = peers + i * HML_MASK_KEY_SIZE;
		bool subtract = memcmp(public_key, peer, HML_MASK_KEY_SIZE) > 0;

		status = pair_key(ctx, private_key, peer, label, mask_key);
		if (status == HML_OK)
			status = add_mask(ctx, mask_key, subtract, masked, n);
	}
	OPENSSL_cleanse(mask_key, sizeof(mask_key));
	return status;
}

HmlStatus
hml_mask_quantise(HmlContext *ctx, const float *values, size_t n, double clip, uint32_t *quantised,
				  size_t *clamped)
{
	double scale = (HML_MASK_LEVELS - 1) / (2.0 * clip);

	*clamped = 0;
	for (size_t i = 0; i < n; i++)
	{
		double value = (double) values[i];

		if (isnan(value))
			return hml_fail(ctx, HML_INVALID_DATA, "weight %zu of the update is not a number", i + 1);
		*clamped += value < -clip || value > clip;
		value = fmin(fmax(value, -clip), clip);
		quantised[i] = (uint32_t) lround((value + clip) * scale);
	}
	return HML_OK;
}

void
hml_mask_dequantise(const uint32_t *sum, size_t n, size_t n_clients, double clip, double *values)
{
	double step = 2.0 * clip / (HML_MASK_LEVELS - 1);

	for (size_t i = 0; i < n; i++)
		values[i] = (double) sum[i] * step - (double) n_clients * clip;
}
