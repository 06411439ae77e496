/*
 * recurrent_impl.h
 *	  Template of the steps of recurrent.c, see simd.h.
 */
#include "core/base/simd.h"
#include "core/base/vecmath.h"
#include "core/nn/kernel/recurrent.h"
#include "core/nn/kernel/recurrent_set.h"

/* As many sums, gates times vectors, as there are registers to spare. */
#if VEC_LANES == 16
#define LSTM_VECTORS 4
#define GRU_VECTORS 8
#else
#define LSTM_VECTORS 3
#define GRU_VECTORS 4
#endif

/*
 * sum[gate][vector] += weights * h; 'gates' and 'vectors' are constants where
 * this is used.  Every other step goes through the weights backwards, so that it
 * begins with those that the first-level cache still has.
 */
HML_INLINE void
add_hidden(const RecurrentBlock *b, const int gates, const int vectors, Vec sum[4][RECURRENT_MAX_VECTORS])
{
	const ptrdiff_t width = gates * vectors * VEC_LANES;
	const ptrdiff_t step = b->backwards ? -1 : 1;
	const float *h = b->backwards ? b->h + b->hidden - 1 : b->h;
	const float *w = b->backwards ? b->packed + (b->hidden - 1) * (size_t) width : b->packed;

	for (size_t k = 0; k < b->hidden; k++)
	{
		Vec unit = vec_set1(*h);

#pragma GCC unroll 4
		for (int g = 0; g < gates; g++)
#pragma GCC unroll 8
			for (int j = 0; j < vectors; j++)
				sum[g][j] = vec_fma(unit, vec_load(w + (g * vectors + j) * VEC_LANES), sum[g][j]);
		h += step;
		w += step * width;
	}
}

HML_INLINE VecMask
block_mask(const RecurrentBlock *b, size_t unit)
{
	return vec_mask(b->units - unit < VEC_LANES ? b->units - unit : VEC_LANES);
}

HML_INLINE void
lstm_step(const RecurrentBlock *b, const int vectors)
{
	Vec sum[4][RECURRENT_MAX_VECTORS];

#pragma GCC unroll 4
	for (int g = 0; g < 4; g++)
#pragma GCC unroll 8
		for (int j = 0; j < vectors; j++)
			sum[g][j] = vec_load(b->x + (size_t) g * b->hidden + j * VEC_LANES);
	add_hidden(b, 4, vectors, sum);

#pragma GCC unroll 8
	for (int j = 0; j < vectors; j++)
	{
		size_t unit = (size_t) j * VEC_LANES;
		Vec input = vec_sigmoid(sum[0][j]);
		Vec forget = vec_sigmoid(sum[1][j]);
		Vec cell = vec_fma(forget, vec_load(b->c + unit), input * vec_tanh(sum[2][j]));

		vec_store(b->c + unit, cell);
		vec_store_mask(b->h_new + unit, block_mask(b, unit), vec_sigmoid(sum[3][j]) * vec_tanh(cell));
	}
}

HML_INLINE void
gru_step(const RecurrentBlock *b, const int vectors)
{
	Vec sum[4][RECURRENT_MAX_VECTORS];

#pragma GCC unroll 8
	for (int j = 0; j < vectors; j++)
	{
		size_t unit = (size_t) j * VEC_LANES;

		sum[0][j] = vec_load(b->x + unit);
		sum[1][j] = vec_load(b->x + b->hidden + unit);
		sum[2][j] = vec_load(b->bias + unit);
	}
	add_hidden(b, 3, vectors, sum);

#pragma GCC unroll 8
	for (int j = 0; j < vectors; j++)
	{
		size_t unit = (size_t) j * VEC_LANES;
		Vec reset = vec_sigmoid(sum[0][j]);
		Vec update = vec_sigmoid(sum[1][j]);
		Vec new = vec_tanh(vec_fma(reset, sum[2][j], vec_load(b->x + 2 * b->hidden + unit)));

		vec_store_mask(b->h_new + unit, block_mask(b, unit),
					   vec_fma(update, vec_load_mask(b->h_old + unit, block_mask(b, unit)) - new, new));
	}
}

#define STEPS(vectors) \
	static void lstm_##vectors(const RecurrentBlock *block) \
	{ \
		lstm_step(block, vectors); \
	} \
	static void gru_##vectors(const RecurrentBlock *block) \
	{ \
		gru_step(block, vectors); \
	}
#define GRU_STEPS(vectors) \
	static void gru_##vectors(const RecurrentBlock *block) \
	{ \
		gru_step(block, vectors); \
	}

/* clang-format off */
STEPS(1)
STEPS(2)
STEPS(3)
#if VEC_LANES == 16
STEPS(4)
GRU_STEPS(5)
GRU_STEPS(6)
GRU_STEPS(7)
GRU_STEPS(8)
#else
GRU_STEPS(4)
#endif
/* clang-format on */

const struct HmlRecurrentSet HML_VARIANT(hml_recurrent_set) = {
	VEC_LANES,
	LSTM_VECTORS,
	GRU_VECTORS,
#if VEC_LANES == 16
	{lstm_1, lstm_2, lstm_3, lstm_4},
	{gru_1, gru_2, gru_3, gru_4, gru_5, gru_6, gru_7, gru_8},
#else
	{lstm_1, lstm_2, lstm_3},
	{gru_1, gru_2, gru_3, gru_4},
#endif
};
