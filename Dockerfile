# affiche in a container: one binary, the C library it is linked against, CA certificates. No shell, no package manager.
#
#   docker build -t affiche .
#   docker run --rm --read-only -p 8080:8080 affiche
#
# docs/deploy.md says what to set where. scripts/container.sh builds and tries this file where no image registry is reached.

FROM docker.io/library/rust:1.95-slim-bookworm AS build
WORKDIR /src

# The dependencies make a layer of their own, so that a change of ours does not build them again.
COPY Cargo.toml Cargo.lock ./
RUN mkdir -p src benches/stages && touch src/lib.rs && echo 'fn main() {}' | tee benches/stages/main.rs > src/main.rs \
 && cargo build --profile dist --locked --bin affiche \
 && rm -r src benches

COPY . .
# `touch`: the files may be older than the empty ones that were just built.
RUN touch src/lib.rs src/main.rs && cargo build --profile dist --locked --bin affiche

# What the binary needs to run, found by asking the loader, so that it holds on every architecture. glibc resolves names by
# itself since 2.34; nsswitch.conf tells it how. The licences of what is copied come along.
RUN set -eu; root=/rootfs; mkdir -p "$root/etc" /empty; \
    install -m 755 target/dist/affiche "$root/affiche"; \
    for file in $(ldd target/dist/affiche | grep -o '/[^ ]*') /etc/ssl/certs/ca-certificates.crt; do cp -L --parents "$file" "$root"; done; \
    for package in libc6 libgcc-s1 ca-certificates; do cp -L --parents "/usr/share/doc/$package/copyright" "$root"; done; \
    echo 'affiche:x:65532:65532:affiche:/data:/sbin/nologin' > "$root/etc/passwd"; \
    echo 'affiche:x:65532:' > "$root/etc/group"; \
    echo 'hosts: files dns' > "$root/etc/nsswitch.conf"; \
    "$root/affiche" --version

FROM scratch
LABEL org.opencontainers.image.title="affiche" \
      org.opencontainers.image.description="Turns a JSON template and variables into a poster image" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
COPY --from=build /rootfs/ /
# A volume mounted here keeps uploads and the disk cache; where it cannot be written there is no disk tier.
COPY --from=build --chown=65532:65532 /empty/ /data/
# Cloud Run and its like set PORT themselves.
ENV PORT=8080 AFFICHE_DATA_DIR=/data
EXPOSE 8080
USER 65532:65532
HEALTHCHECK --interval=30s --timeout=3s --start-period=5s CMD ["/affiche", "health"]
ENTRYPOINT ["/affiche"]
CMD ["serve"]
