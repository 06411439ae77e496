/*
 * ocsvm_solve.c
 *	  Sequential minimal optimisation for the one-class problem.
 *
 * Memory: five numbers a point, and a cache of kernel rows of n float32 each, the
 * least recently used one being overwritten.  A row is always computed whole; only
 * gradients of points that may still move are kept up to date.
 */
#include "core/learn/ocsvm/ocsvm_solve.h"

#include <math.h>
#include <string.h>

#include "core/base/arena.h"

#define SMALLEST_CURVATURE 1e-12 /* where a kernel is not positive definite */
#define SHRINK_EVERY 1000        /* iterations, or n where that is less */
#define UNSHRINK_FACTOR 10.0     /* of the tolerance: then all points are looked at once more */
#define ITERATIONS_BETWEEN_POLLS 16

/* ---- kernel rows ----------------------------------------------------------------------------------- */

#define NO_SLOT UINT32_MAX

/* Rows in slots, which are a list from the most to the least recently used. */
typedef struct RowCache
{
	const HmlOcsvmProblem *problem;
	HmlContext *ctx;
	size_t n_slots;
	size_t n_used;
	float *rows;             /* (n_slots, n) */
	uint32_t *slot_of;       /* (n) or NO_SLOT */
	uint32_t *point_of;      /* (n_slots) */
	uint32_t *older, *newer; /* (n_slots) */
	uint32_t newest, oldest;
	float *point; /* (n_inputs) */
} RowCache;

static HmlStatus
create_cache(HmlArena *arena, const HmlOcsvmProblem *problem, RowCache *cache)
{
	size_t fit = problem->cache_bytes / (problem->n * sizeof(float));

	memset(cache, 0, sizeof(*cache));
	cache->problem = problem;
	cache->ctx = hml_arena_context(arena);
	cache->n_slots = fit < 2 ? 2 : fit < problem->n ? fit : problem->n;
	cache->newest = cache->oldest = NO_SLOT;
	HML_TRY(hml_arena_alloc(arena, cache->n_slots, problem->n * sizeof(float), (void **) &cache->rows));
	HML_TRY(HML_ARENA_NEW(arena, &cache->slot_of, problem->n));
	HML_TRY(HML_ARENA_NEW(arena, &cache->point_of, cache->n_slots));
	HML_TRY(HML_ARENA_NEW(arena, &cache->older, cache->n_slots));
	HML_TRY(HML_ARENA_NEW(arena, &cache->newer, cache->n_slots));
	HML_TRY(HML_ARENA_NEW(arena, &cache->point, problem->n_inputs));
	for (size_t i = 0; i < problem->n; i++)
		cache->slot_of[i] = NO_SLOT;
	return HML_OK;
}

static void
unlink_slot(RowCache *cache, uint32_t slot)
{
	uint32_t newer = cache->newer[slot];
	uint32_t older = cache->older[slot];

	if (newer != NO_SLOT)
		cache->older[newer] = older;
	else
		cache->newest = older;
	if (older != NO_SLOT)
		cache->newer[older] = newer;
	else
		cache->oldest = newer;
}

static void
link_newest(RowCache *cache, uint32_t slot)
{
	cache->newer[slot] = NO_SLOT;
	cache->older[slot] = cache->newest;
	if (cache->newest != NO_SLOT)
		cache->newer[cache->newest] = slot;
	else
		cache->oldest = slot;
	cache->newest = slot;
}

/* A slot for the row of point i. */
static uint32_t
take_slot(RowCache *cache, size_t i)
{
	uint32_t slot;

	if (cache->n_used < cache->n_slots)
		slot = (uint32_t) cache->n_used++;
	else
	{
		slot = cache->oldest;
		cache->slot_of[cache->point_of[slot]] = NO_SLOT;
		unlink_slot(cache, slot);
	}
	cache->slot_of[i] = slot;
	cache->point_of[slot] = (uint32_t) i;
	link_newest(cache, slot);
	return slot;
}

/* k(i, .), valid until two more rows were asked for. */
static HmlStatus
row_of(RowCache *cache, size_t i, const float **row)
{
	const HmlOcsvmProblem *problem = cache->problem;
	uint32_t slot = cache->slot_of[i];

	if (slot == NO_SLOT)
	{
		HML_TRY(hml_poll(cache->ctx));
		slot = take_slot(cache, i);
		for (size_t j = 0; j < problem->n_inputs; j++)
			cache->point[j] = problem->points[j * problem->stride + i];
		hml_kernel_row(&problem->kernel, problem->points, problem->n_inputs, problem->stride, problem->n,
					   cache->point, cache->rows + slot * problem->n);
	}
	else if (slot != cache->newest)
	{
		unlink_slot(cache, slot);
		link_newest(cache, slot);
	}
	*row = cache->rows + slot * problem->n;
	return HML_OK;
}

/* ---- state ----------------------------------------------------------------------------------------- */

typedef struct Solver
{
	const HmlOcsvmProblem *problem;
	HmlContext *ctx;
	RowCache cache;
	double *alpha;
	double *gradient; /* of the active points: (K alpha)[i] */
	double *diagonal;
	uint32_t *active; /* numbers of the points that may move, ascending */
	size_t n_active;
	bool unshrunk;
} Solver;

static bool
at_top(const Solver *solver, size_t i)
{
	return solver->alpha[i] >= 1.0;
}

static bool
at_bottom(const Solver *solver, size_t i)
{
	return solver->alpha[i] <= 0.0;
}

static void
activate_all(Solver *solver)
{
	solver->n_active = solver->problem->n;
	for (size_t i = 0; i < solver->n_active; i++)
		solver->active[i] = (uint32_t) i;
}

/* gradient[i] of all points for which 'wanted' says so, from nothing. */
static HmlStatus
compute_gradient(Solver *solver, const bool *wanted)
{
	size_t n = solver->problem->n;

	for (size_t i = 0; i < n; i++)
		if (wanted[i])
			solver->gradient[i] = 0;
	for (size_t j = 0; j < n; j++)
	{
		const float *row;
		double alpha = solver->alpha[j];

		if (at_bottom(solver, j))
			continue;
		HML_TRY(row_of(&solver->cache, j, &row));
		for (size_t i = 0; i < n; i++)
			if (wanted[i])
				solver->gradient[i] += alpha * (double) row[i];
	}
	return HML_OK;
}

/* Bring the gradients of the points that were put aside up to date, and look at all points again. */
static HmlStatus
unshrink(Solver *solver)
{
	size_t n = solver->problem->n;
	bool *wanted;
	HmlStatus status;

	if (solver->n_active == n)
		return HML_OK;
	HML_TRY(HML_NEW(solver->ctx, &wanted, n));
	memset(wanted, true, n);
	for (size_t a = 0; a < solver->n_active; a++)
		wanted[solver->active[a]] = false;
	status = compute_gradient(solver, wanted);
	hml_free(solver->ctx, wanted);
	activate_all(solver);
	return status;
}

static HmlStatus
create_solver(HmlArena *arena, const HmlOcsvmProblem *problem, double *alpha, Solver *solver)
{
	size_t n = problem->n;
	double total = problem->nu * (double) n;
	size_t whole = (size_t) total;

	memset(solver, 0, sizeof(*solver));
	solver->problem = problem;
	solver->ctx = hml_arena_context(arena);
	solver->alpha = alpha;
	HML_TRY(HML_ARENA_NEW_ZERO(arena, &solver->gradient, n));
	HML_TRY(HML_ARENA_NEW(arena, &solver->diagonal, n));
	HML_TRY(HML_ARENA_NEW(arena, &solver->active, n));
	HML_TRY(create_cache(arena, problem, &solver->cache));
	activate_all(solver);
	for (size_t i = 0; i < n; i++)
	{
		alpha[i] = i < whole ? 1.0 : 0.0;
		solver->diagonal[i] =
			hml_kernel_self(&problem->kernel, problem->points, problem->n_inputs, problem->stride, i);
	}
	if (whole < n)
		alpha[whole] = total - (double) whole;
	for (size_t j = 0; j < n; j++)
	{
		const float *row;

		if (at_bottom(solver, j))
			continue;
		HML_TRY(row_of(&solver->cache, j, &row));
		for (size_t i = 0; i < n; i++)
			solver->gradient[i] += alpha[j] * (double) row[i];
	}
	return HML_OK;
}

/* ---- iterations ------------------------------------------------------------------------------------ */

/* The greatest violation from above and from below; their sum is below the tolerance at the optimum. */
typedef struct Violation
{
	double up;   /* of -gradient, over points that may grow */
	double down; /* of gradient, over points that may shrink */
} Violation;

/*
 * The point that may grow and violates most, and the one that then promises the
 * greatest decrease of the objective.  False where the conditions hold.
 */
static HmlStatus
select_pair(Solver *solver, size_t *first, size_t *second, bool *found)
{
	Violation worst = {-INFINITY, -INFINITY};
	double least = INFINITY;
	const float *row;
	size_t i = SIZE_MAX;
	size_t j = SIZE_MAX;

	*found = false;
	for (size_t a = 0; a < solver->n_active; a++)
	{
		size_t t = solver->active[a];

		if (!at_top(solver, t) && -solver->gradient[t] >= worst.up)
		{
			worst.up = -solver->gradient[t];
			i = t;
		}
	}
	if (i == SIZE_MAX)
		return HML_OK;
	HML_TRY(row_of(&solver->cache, i, &row));
	for (size_t a = 0; a < solver->n_active; a++)
	{
		size_t t = solver->active[a];
		double difference = worst.up + solver->gradient[t];

		if (at_bottom(solver, t))
			continue;
		if (solver->gradient[t] >= worst.down)
			worst.down = solver->gradient[t];
		if (difference > 0)
		{
			double curvature = solver->diagonal[i] + solver->diagonal[t] - 2.0 * (double) row[t];
			double gain = -difference * difference / (curvature > 0 ? curvature : SMALLEST_CURVATURE);

			if (gain <= least)
			{
				least = gain;
				j = t;
			}
		}
	}
	*first = i;
	*second = j;
	*found = j != SIZE_MAX && worst.up + worst.down >= solver->problem->tolerance;
	return HML_OK;
}

/* The minimum along alpha[i] + alpha[j] = constant, within the box. */
static void
step_pair(const Solver *solver, size_t i, size_t j, double curvature, double *alpha_i, double *alpha_j)
{
	double sum = solver->alpha[i] + solver->alpha[j];
	double step =
		(solver->gradient[i] - solver->gradient[j]) / (curvature > 0 ? curvature : SMALLEST_CURVATURE);
	double low = sum > 1.0 ? sum - 1.0 : 0.0;
	double high = sum > 1.0 ? 1.0 : sum;

	*alpha_i = solver->alpha[i] - step;
	*alpha_j = solver->alpha[j] + step;
	if (*alpha_i > high)
	{
		*alpha_i = high;
		*alpha_j = sum - high;
	}
	else if (*alpha_i < low)
	{
		*alpha_i = low;
		*alpha_j = sum - low;
	}
}

static HmlStatus
update_pair(Solver *solver, size_t i, size_t j)
{
	const float *row_i;
	const float *row_j;
	double alpha_i;
	double alpha_j;
	double change_i;
	double change_j;

	HML_TRY(row_of(&solver->cache, i, &row_i));
	HML_TRY(row_of(&solver->cache, j, &row_j));
	step_pair(solver, i, j, solver->diagonal[i] + solver->diagonal[j] - 2.0 * (double) row_i[j], &alpha_i,
			  &alpha_j);
	change_i = alpha_i - solver->alpha[i];
	change_j = alpha_j - solver->alpha[j];
	solver->alpha[i] = alpha_i;
	solver->alpha[j] = alpha_j;
	for (size_t a = 0; a < solver->n_active; a++)
	{
		size_t t = solver->active[a];

		solver->gradient[t] += change_i * (double) row_i[t] + change_j * (double) row_j[t];
	}
	return HML_OK;
}

static Violation
violation_of(const Solver *solver)
{
	Violation worst = {-INFINITY, -INFINITY};

	for (size_t a = 0; a < solver->n_active; a++)
	{
		size_t t = solver->active[a];

		if (!at_top(solver, t))
			worst.up = fmax(worst.up, -solver->gradient[t]);
		if (!at_bottom(solver, t))
			worst.down = fmax(worst.down, solver->gradient[t]);
	}
	return worst;
}

/* Put aside the points at a bound that want to stay there. */
static HmlStatus
shrink(Solver *solver)
{
	Violation worst = violation_of(solver);
	size_t n = 0;

	if (!solver->unshrunk && worst.up + worst.down <= solver->problem->tolerance * UNSHRINK_FACTOR)
	{
		solver->unshrunk = true;
		HML_TRY(unshrink(solver));
		worst = violation_of(solver);
	}
	for (size_t a = 0; a < solver->n_active; a++)
	{
		size_t t = solver->active[a];
		bool stays = (at_top(solver, t) && -solver->gradient[t] > worst.up) ||
					 (at_bottom(solver, t) && solver->gradient[t] > worst.down);

		if (!stays)
			solver->active[n++] = (uint32_t) t;
	}
	solver->n_active = n;
	return HML_OK;
}

static HmlStatus
iterate(Solver *solver, HmlOcsvmSolution *solution)
{
	const HmlOcsvmProblem *problem = solver->problem;
	int64_t period = problem->n < SHRINK_EVERY ? (int64_t) problem->n : SHRINK_EVERY;
	int64_t until_shrink = period;

	for (;; solution->iterations++)
	{
		size_t i;
		size_t j;
		bool found;

		if (problem->max_iterations >= 0 && solution->iterations >= problem->max_iterations)
			break;
		if (--until_shrink == 0)
		{
			until_shrink = period;
			if (problem->shrinking)
				HML_TRY(shrink(solver));
		}
		HML_TRY(select_pair(solver, &i, &j, &found));
		if (!found && solver->n_active < problem->n)
		{
			HML_TRY(unshrink(solver));
			HML_TRY(select_pair(solver, &i, &j, &found));
			until_shrink = 1;
		}
		solution->converged = !found;
		if (!found)
			break;
		HML_TRY(update_pair(solver, i, j));
		if (solution->iterations % ITERATIONS_BETWEEN_POLLS == 0)
			HML_TRY(hml_poll(solver->ctx));
	}
	return unshrink(solver);
}

/* The mean gradient of the points between the bounds; without any, the middle of what the others allow. */
static double
rho_of(const Solver *solver)
{
	double low = -INFINITY;
	double high = INFINITY;
	double sum = 0;
	size_t n_free = 0;

	for (size_t i = 0; i < solver->problem->n; i++)
	{
		double gradient = solver->gradient[i];

		if (at_top(solver, i))
			low = fmax(low, gradient);
		else if (at_bottom(solver, i))
			high = fmin(high, gradient);
		else
		{
			sum += gradient;
			n_free++;
		}
	}
	if (n_free > 0)
		return sum / (double) n_free;
	return isfinite(low) && isfinite(high) ? 0.5 * (low + high) : isfinite(low) ? low : high;
}

HmlStatus
hml_ocsvm_solve(HmlContext *ctx, const HmlOcsvmProblem *problem, HmlOcsvmSolution *solution)
{
	HmlArena *arena;
	Solver solver;
	HmlStatus status;

	solution->iterations = 0;
	solution->converged = false;
	HML_TRY(hml_arena_create(ctx, &arena));
	status = create_solver(arena, problem, solution->alpha, &solver);
	if (status == HML_OK)
		status = iterate(&solver, solution);
	if (status == HML_OK)
		solution->rho = rho_of(&solver);
	hml_arena_free(arena);
	return status;
}
