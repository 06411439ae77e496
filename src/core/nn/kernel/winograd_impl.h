/*
 * winograd_impl.h
 *	  Template of the transforms of winograd.c, see simd.h.
 */
#include "core/base/simd.h"
#include "core/nn/kernel/winograd_set.h"

/* One vector of channels; 'masked' is a constant where this is used. */
HML_INLINE void
input_vector(const float *x, size_t row, size_t pixel, float *v, size_t position, VecMask mask,
			 const int masked)
{
	Vec d[4][4];

#pragma GCC unroll 4
	for (int j = 0; j < 4; j++)
	{
		Vec column[4];

#pragma GCC unroll 4
		for (int i = 0; i < 4; i++)
		{
			const float *at = x + (size_t) i * row + (size_t) j * pixel;

			column[i] = masked ? vec_load_mask(at, mask) : vec_load(at);
		}
		d[0][j] = column[0] - column[2];
		d[1][j] = column[1] + column[2];
		d[2][j] = column[2] - column[1];
		d[3][j] = column[1] - column[3];
	}
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++)
	{
		Vec out[4] = {d[i][0] - d[i][2], d[i][1] + d[i][2], d[i][2] - d[i][1], d[i][1] - d[i][3]};

#pragma GCC unroll 4
		for (int j = 0; j < 4; j++)
		{
			float *to = v + (size_t) (4 * i + j) * position;

			if (masked)
				vec_store_mask(to, mask, out[j]);
			else
				vec_store(to, out[j]);
		}
	}
}

static void
winograd_input(const float *x, size_t row, size_t pixel, size_t channels, float *v, size_t position)
{
	size_t c = 0;

	for (; c + VEC_LANES <= channels; c += VEC_LANES)
		input_vector(x + c, row, pixel, v + c, position, vec_mask(VEC_LANES), 0);
	if (c < channels)
		input_vector(x + c, row, pixel, v + c, position, vec_mask(channels - c), 1);
}

HML_INLINE void
output_vector(const float *m, size_t position, size_t c, const WinogradOutput *out, VecMask mask,
			  const int masked)
{
	Vec sum[2][4];

#pragma GCC unroll 4
	for (int j = 0; j < 4; j++)
	{
		Vec column[4];

#pragma GCC unroll 4
		for (int i = 0; i < 4; i++)
		{
			const float *at = m + (size_t) (4 * i + j) * position + c;

			column[i] = masked ? vec_load_mask(at, mask) : vec_load(at);
		}
		sum[0][j] = column[0] + column[1] + column[2];
		sum[1][j] = column[1] - column[2] - column[3];
	}
	for (int k = 0; k < 4; k++)
	{
		const Vec *s = sum[k / 2];
		Vec value = k % 2 == 0 ? s[0] + s[1] + s[2] : s[1] - s[2] - s[3];

		if (out->y[k] == NULL)
			continue;
		if (out->bias != NULL)
			value = value + (masked ? vec_load_mask(out->bias + c, mask) : vec_load(out->bias + c));
		if (out->add[k] != NULL)
			value = value + (masked ? vec_load_mask(out->add[k] + c, mask) : vec_load(out->add[k] + c));
		value = vec_max(vec_set1(out->low), value);
		if (masked)
			vec_store_mask(out->y[k] + c, mask, value);
		else
			vec_store(out->y[k] + c, value);
	}
}

static void
winograd_output(const float *m, size_t position, size_t channels, const WinogradOutput *out)
{
	size_t c = 0;

	for (; c + VEC_LANES <= channels; c += VEC_LANES)
		output_vector(m, position, c, out, vec_mask(VEC_LANES), 0);
	if (c < channels)
		output_vector(m, position, c, out, vec_mask(channels - c), 1);
}

const WinogradSet HML_VARIANT(hml_winograd_set) = {winograd_input, winograd_output};
