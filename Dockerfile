# syntax=docker/dockerfile:1
# One image for every service: SERVICE_NAME says which one a container is, and without it it is all of them.

FROM rust:1.95.0-slim-trixie AS build
# The toolchain is the image's; rust-toolchain.toml would have it bring formatter and lints as well.
ENV RUSTUP_TOOLCHAIN=1.95.0
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/src/target,sharing=locked \
    cargo build --release --locked --package hexalpes && \
    cp target/release/hexalpes /usr/local/bin/hexalpes

FROM debian:trixie-slim
# Authorities for what is spoken to over TLS, and what asks for the health.
RUN apt-get update && \
    apt-get install --yes --no-install-recommends ca-certificates curl && \
    rm -rf /var/lib/apt/lists/* && \
    useradd --uid 10001 --user-group --no-create-home --home-dir /data hexalpes && \
    install --directory --owner hexalpes --group hexalpes /data
COPY --from=build /usr/local/bin/hexalpes /usr/local/bin/hexalpes
USER hexalpes
WORKDIR /data
ENV HEXALPES_DATA=/data
VOLUME /data
# The notifications alone have no SERVICE_PORT, and are on 5005. Alive is who answers: who waits for broker or database is
# not to be restarted for it.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=5 \
    CMD curl --fail --silent --show-error "http://127.0.0.1:${SERVICE_PORT:-5005}/health/live"
# Ctrl-C's signal or TERM: both finish what was accepted.
ENTRYPOINT ["hexalpes"]
