# healthml: a PostgreSQL extension in C.
#
#: make                 build the extension for the server of PG_CONFIG
#: make install         install it there
#: make demo            show the whole story on a private server (DATA=folder: on the data in it)
#: make demo-federated  four hospitals train one model, each on a server of its own (DATA=folder, too)
#: make test            install what is missing, build, and run every layer of tests:
#:   lint               warnings of two compilers, clang-format, cppcheck, shellcheck
#:   check-layers       the numeric library knows nothing of PostgreSQL
#:   check-sql          no name in the SQL can be captured
#:   test-unit          the numeric library, under ASan and UBSan  (TESTS="name ...")
#:   test-sql           pg_regress             (TESTS="name ..." for some only)
#:   test-pgtap         pgTAP                  (TESTS="file ..." for some only)
#:   test-tap           clusters of their own  (TESTS="file ..." for some only)
#:   test-demo          the demonstration still runs
#:   test-fuzz          each parser against FUZZ_SECONDS=30 of hostile input
#: make test-deep       make test, with 100,000 classifications, then ten minutes of fuzzing each parser, and test-ubsan
#:   test-versions      SQL and pgTAP tests on other versions of PostgreSQL that can be had
#:   test-ubsan         SQL, pgTAP and hostile calls on a server with a module that traps undefined behaviour
#: make heart-sound-model   train the shipped model again (DATA=folder)
#: make bench           speed beside that of other programs
#: make deb             Debian packages for the installed server versions, in build/deb
#:   test-deb           install one in a clean Debian and try it (root only)
#: make dist            a zip for PGXN in build/
#:   test-docker        the steps of the Dockerfile in a clean Debian (root only)
#: make deps            install what building and testing need
#: make clean           delete everything built
#
# The module is built with PGXS for the server of PG_CONFIG.  Sources are found by wildcard: a new file
# needs no line here.  Everything that is built lies in build/, one directory per kind of build, except
# healthml.so and healthml--<version>.sql, which PGXS wants beside the control file.

EXTENSION = healthml
EXTVERSION := $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" $(EXTENSION).control)
PG_CONFIG ?= pg_config
CLANG ?= $(firstword $(notdir $(shell command -v clang-14 clang)))

# make DATA=...: a folder with recordings and tables for tests and demo; to PGXS, DATA means something else.
export HEALTHML_DATA ?= $(abspath $(or $(DATA),../shared/data))
export HEALTHML_GOLDEN ?= $(abspath ../shared/golden)
DEMO_DATA := $(and $(DATA),$(abspath $(DATA)))

# ---- sources -----------------------------------------------------------------------------------------

# *_v3.c and *_v4.c are variants of kernels for x86-64 only.
MACHINE := $(shell $(or $(CC),cc) -dumpmachine 2>/dev/null)
OTHERS_KERNELS := $(if $(filter x86_64-%,$(MACHINE)),,%_v3.c %_v4.c)
CORE := $(filter-out $(OTHERS_KERNELS),$(sort $(wildcard src/core/*/*.c src/core/*/*/*.c)))
GLUE := $(sort $(wildcard src/pg/*/*.c))
UNIT := $(sort $(wildcard test/unit/test_*.c))
UNIT_SUPPORT := $(filter-out $(UNIT),$(sort $(wildcard test/unit/*.c)))
SQL := $(sort $(wildcard sql/*.sql))

# sql/upgrade/A--B/*.sql, one file per area, are the upgrade from A to B.
UPGRADES := $(patsubst sql/upgrade/%/,$(EXTENSION)--%.sql,$(wildcard sql/upgrade/*/))
override DATA =

# ---- libraries ---------------------------------------------------------------------------------------

PACKAGES = fftw3f sndfile soxr libcrypto
LIBRARY_CPPFLAGS := $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)
LIBRARIES := -Wl,--as-needed $(shell pkg-config --libs $(PACKAGES) 2>/dev/null) -lm

# ---- flags -------------------------------------------------------------------------------------------

# 'make WERROR=' for a compiler that warns about what ours does not.
WERROR ?= -Werror
WARNINGS = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
	-Wpointer-arith -Wcast-qual -Wwrite-strings -Wundef -Wvla -Wformat=2 $(WERROR)

# No flag here changes the result of a floating-point operation.
FLOAT = -ffp-contract=off -fno-math-errno -fno-trapping-math
CORE_CPPFLAGS = -Isrc $(LIBRARY_CPPFLAGS)
CORE_CFLAGS = -std=c11 -g -O3 $(FLOAT) -fPIC -fvisibility=hidden -fstack-protector-strong $(WARNINGS)
GLUE_CFLAGS = $(WARNINGS) -Wno-declaration-after-statement -Wno-unused-parameter -Wno-sign-compare \
	-Wno-cast-qual -Wno-missing-field-initializers
SANITIZERS = -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
LEVEL = $(if $(filter %_v3.c,$<),-march=x86-64-v3)$(if $(filter %_v4.c,$<),-march=x86-64-v4)
DEPENDENCIES = -MMD -MP

# ---- the module --------------------------------------------------------------------------------------

MODULE_big = $(EXTENSION)
CORE_OBJS = $(CORE:%.c=build/core/%.o)
GLUE_OBJS = $(GLUE:%.c=build/pg/%.o)
OBJS = $(CORE_OBJS) $(GLUE_OBJS)
DATA_built = $(EXTENSION)--$(EXTVERSION).sql $(UPGRADES)
SHLIB_LINK = -Wl,--version-script=src/pg/server/exports.map $(LIBRARIES)
EXTRA_CLEAN = build $(EXTENSION)--*.sql
override with_llvm = no

PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
ifneq ($(wildcard $(PGXS)),)
PG_CPPFLAGS = -Isrc $(LIBRARY_CPPFLAGS) -DHEALTHML_VERSION='"$(EXTVERSION)"' \
	-isystem $(shell $(PG_CONFIG) --includedir-server)
PG_CFLAGS = $(GLUE_CFLAGS)
include $(PGXS)
else
.PHONY: all install clean
all install:
	@echo 'make: no PostgreSQL headers: "$(PG_CONFIG) --pgxs" names no file.' >&2
	@echo 'Run "make deps" to install what is missing, or set PG_CONFIG.' >&2
	@exit 1
clean:
	rm -rf build $(EXTENSION).so $(EXTENSION)--*.sql
endif

$(EXTENSION).so: src/pg/server/exports.map

# A line "@file" of the SQL is replaced by the file's bytes in base64.
JOIN_SQL = awk '/^@/ { if (system("base64 " substr($$0, 2)) != 0) exit 1; next } { print; fflush() }'
$(EXTENSION)--$(EXTVERSION).sql: $(SQL) $(wildcard models/*) $(EXTENSION).control Makefile
	@{ printf '%s\n' '\echo Use "CREATE EXTENSION $(EXTENSION)" to load this file. \quit'; \
		$(JOIN_SQL) $(SQL); } >$@

.SECONDEXPANSION:
$(UPGRADES): $(EXTENSION)--%.sql: $$(sort $$(wildcard sql/upgrade/%/*.sql)) $(wildcard models/*) Makefile
	@{ printf '%s\n' '\echo Use "ALTER EXTENSION $(EXTENSION) UPDATE" to load this file. \quit'; $(JOIN_SQL) $(filter %.sql,$^); } >$@

build/libhml.a: $(CORE_OBJS)
	rm -f $@ && $(AR) crs $@ $^
all: build/libhml.a

build/core/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(CORE_CFLAGS) $(LEVEL) $(CORE_CPPFLAGS) $(DEPENDENCIES) -c $< -o $@

# Objects of the glue fit one server version.
build/server-version: FORCE
	@mkdir -p $(@D)
	@echo '$(VERSION)' | cmp -s - $@ || echo '$(VERSION)' >$@
build/pg/%.o: %.c Makefile build/server-version
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(CPPFLAGS) $(DEPENDENCIES) -c $< -o $@

# ---- unit tests, with ASan and UBSan -----------------------------------------------------------------

SANITIZED_OBJS = $(CORE:%.c=build/sanitized/%.o) $(UNIT_SUPPORT:%.c=build/sanitized/%.o)
UNIT_PROGRAMS = $(UNIT:test/unit/%.c=build/unit/%)

build/sanitized/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(CORE_CFLAGS) -O1 $(SANITIZERS) $(LEVEL) $(CORE_CPPFLAGS) -Itest $(DEPENDENCIES) -c $< -o $@
build/libhml-sanitized.a: $(SANITIZED_OBJS)
	rm -f $@ && $(AR) crs $@ $^
build/unit/%: build/sanitized/test/unit/%.o build/libhml-sanitized.a
	@mkdir -p $(@D)
	$(CC) $(SANITIZERS) $^ -lcmocka $(LIBRARIES) -o $@

.PHONY: test-unit
test-unit: $(UNIT_PROGRAMS) build/locales
	@LOCPATH=$(abspath build/locales) \
		scripts/tap unit --comments --exec scripts/run-unit $(or $(TESTS:%=build/unit/test_%),$(UNIT_PROGRAMS))

# Locales with other decimal points, for test_number: German, and Pashto, whose point is two bytes long.
build/locales:
	@mkdir -p $@
	@for locale in de_DE ps_AF; do \
		localedef -i $$locale -f UTF-8 $@/$$locale.UTF-8 || echo "make: no locale $$locale"; done

# ---- fuzzing -----------------------------------------------------------------------------------------

FUZZ_SECONDS ?= 30
FUZZ := $(sort $(wildcard test/fuzz/fuzz_*.c))
FUZZ_SUPPORT := $(filter-out $(FUZZ),$(sort $(wildcard test/fuzz/*.c)))
FUZZ_PROGRAMS = $(FUZZ:test/fuzz/%.c=build/fuzz/%)
FUZZ_OBJS = $(CORE:%.c=build/fuzzed/%.o) $(FUZZ_SUPPORT:%.c=build/fuzzed/%.o)

# The variants for newer processors take clang minutes with all that, unless it leaves them slow.
build/fuzzed/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CLANG) $(CORE_CFLAGS) $(if $(LEVEL),-O0,-O1) -Wno-pass-failed -fsanitize=fuzzer-no-link $(SANITIZERS) $(LEVEL) $(CORE_CPPFLAGS) -Itest \
		$(DEPENDENCIES) -c $< -o $@
build/libhml-fuzzed.a: $(FUZZ_OBJS)
	rm -f $@ && $(AR) crs $@ $^
build/fuzz/%: build/fuzzed/test/fuzz/%.o build/libhml-fuzzed.a
	@mkdir -p $(@D)
	$(CLANG) -fsanitize=fuzzer $(SANITIZERS) $^ $(LIBRARIES) -o $@

.PHONY: test-fuzz
test-fuzz: $(FUZZ_PROGRAMS)
	@FUZZ_SECONDS=$(FUZZ_SECONDS) scripts/test-fuzz $^

# ---- tests on a server -------------------------------------------------------------------------------

# 'make test-sql TESTS="iforest metrics"', 'make test-pgtap TESTS=test/pgtap/score.sql' run some only.
REGRESS = $(patsubst test/sql/%.sql,%,$(sort $(wildcard test/sql/*.sql)))
REGRESS_OPTS = --inputdir=test --outputdir=build/regress --load-extension=$(EXTENSION)
PGTAP = $(sort $(wildcard test/pgtap/*.sql test/pgtap/*/*.sql))
TAP = $(sort $(wildcard test/t/*.pl))

# The module with the tiny modality of the unit tests in its catalogues, for the TAP test of large trainings.
TREMOR = build/tremor
TREMOR_OBJS = $(filter-out %/catalog/algorithms.o %/catalog/modalities.o,$(OBJS)) \
	$(TREMOR)/algorithms.o $(TREMOR)/modalities.o $(TREMOR)/tremor.o
$(TREMOR)/algorithms.c: src/core/catalog/algorithms.c Makefile
	@mkdir -p $(@D)
	@sed -e '0,/^#include/s//#include "unit\/tremor.h"\n&/' -e 's/^\tNULL,$$/\t\&tremor_network,\n&/' $< >$@
$(TREMOR)/modalities.c: src/core/catalog/modalities.c Makefile
	@mkdir -p $(@D)
	@sed -e '0,/^#include/s//#include "unit\/tremor.h"\n&/' -e 's/NULL};/\&tremor_modality, &/' $< >$@
$(TREMOR)/tremor.c: test/unit/tremor.c
	@mkdir -p $(@D)
	@cp $< $@
$(TREMOR)/%.o: $(TREMOR)/%.c test/unit/tremor.h
	$(CC) $(CORE_CFLAGS) -DTREMOR_LENGTH=95000 $(CORE_CPPFLAGS) -Itest $(DEPENDENCIES) -c $< -o $@
$(TREMOR)/healthml.so: $(TREMOR_OBJS)
	$(CC) $(CFLAGS) -shared $^ $(LDFLAGS) $(SHLIB_LINK) -o $@

.PHONY: test-sql test-pgtap test-tap test-demo
test-sql: all
	@scripts/in-sandbox scripts/test-sql $(or $(TESTS),$(REGRESS))
test-pgtap: all
	@scripts/in-sandbox scripts/test-pgtap $(or $(TESTS),$(PGTAP))
test-tap: all $(TREMOR)/healthml.so
	@scripts/in-sandbox scripts/test-tap $(or $(TESTS),$(TAP))
test-demo: all
	@scripts/in-sandbox scripts/test-demo

# ASan cannot be loaded into a server; UBSan can when it traps.  Built in a copy of this directory.
UBSAN = -fsanitize=undefined -fsanitize-undefined-trap-on-error
UBSAN_MAKE = $(MAKE) -s -C build/ubsan WERROR= CC='$(or $(CC),cc) -w $(UBSAN)'
.PHONY: test-ubsan
test-ubsan:
	@rm -rf build/ubsan && mkdir -p build/ubsan
	@cp -a Makefile healthml.control sql src scripts test expected docs models README.md build/ubsan/
	@$(UBSAN_MAKE) all
	@$(UBSAN_MAKE) test-sql
	@$(UBSAN_MAKE) test-pgtap
	@$(UBSAN_MAKE) test-tap TESTS=test/t/090_hostile.pl

# ---- code quality ------------------------------------------------------------------------------------

# Everything once more through clang, for its warnings only.
CLANG_CHECKED = $(patsubst %.c,build/clang/%.checked,$(CORE) $(GLUE) $(UNIT) $(UNIT_SUPPORT) $(FUZZ) $(FUZZ_SUPPORT))
build/clang/src/pg/%: CORE_CFLAGS = $(GLUE_CFLAGS)
build/clang/src/pg/%: CORE_CPPFLAGS = $(CPPFLAGS)
build/clang/%.checked: %.c Makefile build/server-version
	@mkdir -p $(@D)
	$(CLANG) -fsyntax-only $(CORE_CFLAGS) $(LEVEL) $(CORE_CPPFLAGS) -Itest $(DEPENDENCIES) -MF $@.d -MT $@ $<
	@touch $@

.PHONY: build-clang lint check-layers check-sql
build-clang: $(CLANG_CHECKED)
lint:
	@scripts/lint
check-layers: build/libhml.a check-sql
	@scripts/check-layers $<
check-sql:
	@scripts/check-sql

# Programs of test/bench that need no server.
build/bench/%: test/bench/%.c test/bench/support.c test/bench/support.h build/libhml.a
	@mkdir -p $(@D)
	$(CC) $(CORE_CFLAGS) $(CORE_CPPFLAGS) $(filter-out %.h,$^) $(LIBRARIES) -o $@

# The model of heart sounds that is shipped, the same bytes each time: make heart-sound-model DATA=folder
.PHONY: heart-sound-model
heart-sound-model: build/bench/heart_sound_recipe
	$< $(or $(DEMO_DATA),$(HEALTHML_DATA))/heart_sounds models/heart_sound

# That of EEGs: make eeg-model DATA=folder
.PHONY: eeg-model
eeg-model: build/bench/eeg_recipe
	$< $(or $(DEMO_DATA),$(HEALTHML_DATA)) models/eeg

# ---- everything --------------------------------------------------------------------------------------

.PHONY: deb test-deb dist test-docker test-versions deps test test-deep demo demo-federated bench quality reference help print-server
quality:
	@scripts/quality $(TESTS)
reference: all
	@scripts/in-sandbox sh -c "psql -Xqc 'CREATE EXTENSION healthml' && scripts/reference >build/reference.md"
	@mv build/reference.md docs/reference.md
deps:
	@scripts/install-deps
test:
	@scripts/test
test-deep: FUZZ_SECONDS = 600
test-deep: export HEALTHML_CLASSIFICATIONS = 100000
test-deep: export HEALTHML_RESTORES = 20
test-deep: export HEALTHML_SPOOLED_SAMPLES = 4000
test-deep: test test-fuzz test-ubsan
demo:
	@scripts/demo "$(DEMO_DATA)"
demo-federated:
	@scripts/demo-federated "$(DEMO_DATA)"
bench:
	@scripts/bench $(TESTS)
test-versions:
	@scripts/test-versions $(TESTS)
deb:
	@scripts/make-deb
dist:
	@scripts/make-dist
test-docker:
	@scripts/test-docker
test-deb:
	@scripts/test-deb
print-server:
	@echo '$(VERSION)'
help:
	@sed -n 's/^#: //p' Makefile

.PHONY: FORCE
.SECONDARY:
-include $(shell find build -name '*.d' 2>/dev/null)
