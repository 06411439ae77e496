/*
 * library.c
 *	  Loading of shared libraries.
 */
#include "core/base/library.h"

#include <dlfcn.h>
#include <string.h>

static HmlStatus
refuse(HmlContext *ctx, const HmlLibrary *library)
{
	const char *reason = dlerror();

	hml_fail(ctx, HML_UNSUPPORTED, "could not load library \"%s\"", library->file);
	hml_detail(ctx, "%s.", reason == NULL ? "The loader gives no reason" : reason);
	return hml_hint(ctx, "Install the package that contains it.");
}

HmlStatus
hml_library_load(HmlContext *ctx, HmlLibrary *library)
{
	void *handle;

	if (library->loaded)
		return HML_OK;
	handle = dlopen(library->file, RTLD_NOW | RTLD_LOCAL);
	if (handle == NULL)
		return refuse(ctx, library);
	for (size_t i = 0; i < library->n_functions; i++)
	{
		void *function = dlsym(handle, library->functions[i].name);

		if (function == NULL)
			return refuse(ctx, library);
		memcpy(library->functions[i].pointer, &function, sizeof(function));
	}
	library->loaded = true;
	return HML_OK;
}
