# healthml in the official image of PostgreSQL:
#   docker build -t healthml . && docker run -e POSTGRES_PASSWORD=… healthml
# 'make test-docker' runs these steps in a clean Debian, without Docker.
ARG PG_MAJOR=17
FROM postgres:${PG_MAJOR}-bookworm AS build
ARG PG_MAJOR
RUN apt-get update && apt-get install -y --no-install-recommends gcc make pkgconf libc6-dev libfftw3-dev libsndfile1-dev libsoxr-dev libssl-dev postgresql-server-dev-${PG_MAJOR}
COPY . /src
RUN make -C /src -j "$(nproc)" WERROR= && make -C /src install WERROR= DESTDIR=/install

FROM postgres:${PG_MAJOR}-bookworm
RUN apt-get update && apt-get install -y --no-install-recommends libfftw3-single3 libsndfile1 libsoxr0 libssl3 && rm -rf /var/lib/apt/lists/*
COPY --from=build /install /
