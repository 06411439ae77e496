/*
 * robust.c
 *	  Coordinate-wise median and trimmed mean, Krum and multi-Krum.
 *
 * The coordinate-wise ones sort a block of BLOCK coordinates at a time, gathered
 * so that each coordinate's values lie together.  Krum needs all pairwise
 * distances, O(n_updates^2 * n), and their matrix in memory.
 */
#include "core/federated/robust.h"

#include <math.h>
#include <string.h>

#include "core/base/checked.h"
#include "core/base/sort.h"

#define BLOCK 64

/* Restore the heap below 'root', whose children are heaps: the largest value is on top. */
static void
sift_down(float *heap, size_t root, size_t n)
{
	float value = heap[root];

	for (size_t child = 2 * root + 1; child < n; child = 2 * root + 1)
	{
		if (child + 1 < n && heap[child + 1] > heap[child])
			child++;
		if (!(heap[child] > value))
			break;
		heap[root] = heap[child];
		root = child;
	}
	heap[root] = value;
}

/* Heapsort (J. W. J. Williams, 1964): in place, and no bad case. */
static void
sort_ascending(float *values, size_t n)
{
	for (size_t root = n / 2; root-- > 0;)
		sift_down(values, root, n);
	for (size_t end = n; end-- > 1;)
	{
		float largest = values[0];

		values[0] = values[end];
		values[end] = largest;
		sift_down(values, 0, end);
	}
}

/* Mean of the values that remain when 'cut' are dropped at each end. */
static float
mean_within(const float *ascending, size_t count, size_t cut)
{
	double sum = 0.0;

	for (size_t i = cut; i < count - cut; i++)
		sum += (double) ascending[i];
	return (float) (sum / (double) (count - 2 * cut));
}

static HmlStatus
mean_of_sorted_columns(HmlContext *ctx, const float *updates, size_t n_updates, size_t n, size_t cut,
					   float *result)
{
	size_t block_size;
	float *block;
	HmlStatus status;

	if (n_updates == 0)
		return hml_fail(ctx, HML_INVALID_DATA, "there is no update to average");
	if (!hml_size_mul(n_updates, BLOCK, &block_size))
		return hml_fail(ctx, HML_LIMIT, "%zu updates are too many", n_updates);
	HML_TRY(HML_NEW(ctx, &block, block_size));

	status = HML_OK;
	for (size_t first = 0; first < n && status == HML_OK; first += BLOCK)
	{
		size_t width = n - first < BLOCK ? n - first : BLOCK;

		for (size_t u = 0; u < n_updates; u++)
			for (size_t j = 0; j < width; j++)
				block[j * n_updates + u] = updates[u * n + first + j];
		for (size_t j = 0; j < width; j++)
		{
			float *column = block + j * n_updates;

			sort_ascending(column, n_updates);
			result[first + j] = mean_within(column, n_updates, cut);
		}
		status = hml_poll(ctx);
	}
	hml_free(ctx, block);
	return status;
}

HmlStatus
hml_fed_median(HmlContext *ctx, const float *updates, size_t n_updates, size_t n, float *result)
{
	size_t cut = n_updates == 0 ? 0 : (n_updates - 1) / 2;

	return mean_of_sorted_columns(ctx, updates, n_updates, n, cut, result);
}

HmlStatus
hml_fed_trimmed_mean(HmlContext *ctx, const float *updates, size_t n_updates, size_t n, double beta,
					 float *result)
{
	if (!(beta >= 0.0 && beta < 0.5))
	{
		hml_fail(ctx, HML_INVALID_ARGUMENT, "share to trim must be at least 0 and below 0.5, not %g", beta);
		return hml_hint(ctx, "It is cut off at both ends: 0.2 drops two of ten values at each.");
	}
	return mean_of_sorted_columns(ctx, updates, n_updates, n, (size_t) (beta * (double) n_updates), result);
}

static double
squared_distance(const float *a, const float *b, size_t n)
{
	double sum = 0.0;

	for (size_t i = 0; i < n; i++)
	{
		double d = (double) a[i] - (double) b[i];

		sum += d * d;
	}
	return sum;
}

static HmlStatus
fill_distances(HmlContext *ctx, const float *updates, size_t n_updates, size_t n, double *distances)
{
	for (size_t i = 0; i < n_updates; i++)
	{
		distances[i * n_updates + i] = 0.0;
		for (size_t j = 0; j < i; j++)
		{
			double d = squared_distance(updates + i * n, updates + j * n, n);

			distances[i * n_updates + j] = distances[j * n_updates + i] = d;
			HML_TRY(hml_poll(ctx));
		}
	}
	return HML_OK;
}

/* The row is sorted in place; its first entry is the update's distance to itself. */
static HmlStatus
krum_score(HmlContext *ctx, double *row, size_t n_updates, size_t n_closest, double *score)
{
	HML_TRY(hml_sort_doubles(ctx, row, n_updates));
	*score = 0.0;
	for (size_t i = 1; i <= n_closest && i < n_updates; i++)
		*score += row[i];
	return HML_OK;
}

/* Of equal scores the first update wins. */
static void
select_lowest(const double *scores, size_t n_updates, size_t keep, bool *selected)
{
	memset(selected, 0, n_updates * sizeof(bool));
	for (size_t k = 0; k < keep; k++)
	{
		size_t best = n_updates;

		for (size_t u = 0; u < n_updates; u++)
			if (!selected[u] && (best == n_updates || scores[u] < scores[best]))
				best = u;
		selected[best] = true;
	}
}

static void
average_selected(const float *updates, const int64_t *samples, size_t n_updates, size_t n,
				 const bool *selected, float *result)
{
	for (size_t j = 0; j < n; j++)
	{
		double sum = 0.0;
		double weight = 0.0;

		for (size_t u = 0; u < n_updates; u++)
			if (selected[u])
			{
				double w = samples == NULL ? 1.0 : (double) samples[u];

				sum += w * (double) updates[u * n + j];
				weight += w;
			}
		result[j] = (float) (sum / weight);
	}
}

HmlStatus
hml_fed_krum(HmlContext *ctx, const float *updates, const int64_t *samples, size_t n_updates, size_t n,
			 size_t malicious, size_t keep, float *result, bool *selected)
{
	size_t n_closest = n_updates > malicious + 3 ? n_updates - malicious - 2 : 1;
	size_t n_pairs;
	double *distances = NULL;
	double *scores = NULL;
	bool *chosen = NULL;
	HmlStatus status;

	if (keep == 0 || keep > n_updates)
		return hml_fail(ctx, HML_INVALID_ARGUMENT,
						"number of updates to keep must be between 1 and %zu, not %zu", n_updates, keep);
	if (!hml_size_mul(n_updates, n_updates, &n_pairs))
		return hml_fail(ctx, HML_LIMIT, "%zu updates are too many", n_updates);

	if ((status = HML_NEW(ctx, &distances, n_pairs)) == HML_OK &&
		(status = HML_NEW(ctx, &scores, n_updates)) == HML_OK &&
		(status = HML_NEW(ctx, &chosen, n_updates)) == HML_OK)
		status = fill_distances(ctx, updates, n_updates, n, distances);
	for (size_t u = 0; u < n_updates && status == HML_OK; u++)
		status = krum_score(ctx, distances + u * n_updates, n_updates, n_closest, &scores[u]);
	if (status == HML_OK)
	{
		select_lowest(scores, n_updates, keep, chosen);
		average_selected(updates, samples, n_updates, n, chosen, result);
		if (selected != NULL)
			memcpy(selected, chosen, n_updates * sizeof(bool));
	}
	hml_free(ctx, chosen);
	hml_free(ctx, scores);
	hml_free(ctx, distances);
	return status;
}
