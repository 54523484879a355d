# syntax=docker/dockerfile:1
FROM rust:1.95-bookworm AS build
WORKDIR /build
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    cargo build --release --locked -p chancery --bin chancery \
    && cp target/release/chancery /chancery

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates curl libssl3 \
    && rm -rf /var/lib/apt/lists/* \
    && install -d -m 0700 -o 10001 -g 10001 /data
COPY --from=build /chancery /usr/local/bin/chancery
USER 10001:10001
WORKDIR /data
VOLUME /data
ENV CHANCERY_SERVER__LISTEN=0.0.0.0:8080 \
    CHANCERY_DATABASE__URL=sqlite:/data/chancery.db \
    CHANCERY_KEYS__MASTER_KEY_FILE=/data/master.key
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=3s --start-period=10s --retries=3 \
    CMD ["curl", "--fail", "--silent", "--output", "/dev/null", "http://127.0.0.1:8080/health/ready"]
ENTRYPOINT ["chancery"]
CMD ["serve"]
