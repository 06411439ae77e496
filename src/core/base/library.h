/*
 * library.h
 *	  Shared libraries that are loaded when they are first needed.
 *
 * Libraries that only recordings need would otherwise be loaded by every process
 * that scores a row, which takes longer than the score.  A library that is loaded
 * stays until the process ends.
 *
 *		static struct { __typeof__(sf_close) *close; } sndfile;
 *		static HmlLibrary library = {"libsndfile.so.1", 1, {{"sf_close", &sndfile.close}}};
 *		HML_TRY(hml_library_load(ctx, &library));
 */
#ifndef HML_BASE_LIBRARY_H
#define HML_BASE_LIBRARY_H

#include "core/base/context.h"

#define HML_LIBRARY_MAX_FUNCTIONS 8

typedef struct HmlLibraryFunction
{
	const char *name;
	void *pointer; /* to the pointer to the function */
} HmlLibraryFunction;

typedef struct HmlLibrary
{
	const char *file; /* name of the shared object, with the version of its interface */
	size_t n_functions;
	HmlLibraryFunction functions[HML_LIBRARY_MAX_FUNCTIONS];
	bool loaded;
} HmlLibrary;

/* Does nothing when it is loaded; HML_UNSUPPORTED where it is missing or lacks a function. */
extern HmlStatus hml_library_load(HmlContext *ctx, HmlLibrary *library) HML_NODISCARD;

#endif /* HML_BASE_LIBRARY_H */
