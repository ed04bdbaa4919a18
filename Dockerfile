# syntax=docker/dockerfile:1
# The worker: `docker build -t scriptmill .`, then `docker run scriptmill --help`.

FROM rust:1.95-slim-trixie AS build
# The oldest processors that the image is for: `scriptmill precompile --help` lists them. Others compile the engine at each start.
ARG ENGINE_CPU
WORKDIR /src
COPY . .
# The cache mounts keep crates and built dependencies between builds; the binary is copied out of them.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --profile dist --locked --bin scriptmill \
    && cp target/dist/scriptmill /usr/local/bin/scriptmill
# The engine, compiled once and for all: each start of a worker loads it instead.
RUN scriptmill precompile ${ENGINE_CPU:+--cpu "$ENGINE_CPU"}

# glibc of the same Debian, CA certificates and a user that is not root; no shell, no package manager.
FROM gcr.io/distroless/cc-debian13:nonroot
COPY --from=build /usr/local/bin/scriptmill /usr/local/bin/scriptmill
# Of root, and nobody else may write it: it would not be loaded otherwise.
COPY --from=build --chmod=0444 /usr/local/lib/scriptmill/engine.bin /usr/local/lib/scriptmill/engine.bin
COPY LICENSE-APACHE LICENSE-MIT /usr/share/doc/scriptmill/
ENV SCRIPTMILL_HTTP__ADDRESS=0.0.0.0:8080
EXPOSE 8080
ENTRYPOINT ["/usr/local/bin/scriptmill"]
CMD ["work"]
