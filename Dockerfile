# The relay, and the simulator of the provider:
#   docker build --tag scribe-relay .
#   docker build --tag scribe-relay-simulator --target simulator .
# What each stage installs is pinned, with hashes, by requirements/ and web/package-lock.json.

ARG PYTHON_IMAGE=python:3.12-slim-bookworm

# uv, Node and hatchling: what is built with, and stays behind.
FROM ${PYTHON_IMAGE} AS tools
ENV UV_PYTHON_DOWNLOADS=never UV_NO_CACHE=1 UV_LINK_MODE=copy PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
COPY requirements/ requirements/
COPY pyproject.toml ./
# The folder is called as in a clone, where scripts/npm looks for Node.
RUN python -m venv .venv \
  && .venv/bin/pip install --require-hashes -r requirements/uv.lock \
  && .venv/bin/uv pip install --require-hashes --group build --constraint requirements/demo.lock

FROM tools AS wheel
COPY scripts/npm scripts/
COPY web/package.json web/package-lock.json web/.npmrc web/
RUN scripts/npm ci --loglevel=error
COPY web/ web/
RUN scripts/npm run build -- --logLevel warn
COPY hatch_build.py README.md LICENSE ./
COPY relay/ relay/
RUN SCRIBE_RELAY_PAGES_ARE_BUILT=1 .venv/bin/python -m hatchling build -t wheel -d dist

FROM tools AS installed
RUN python -m venv --without-pip /opt/relay \
  && .venv/bin/uv pip install --python /opt/relay --compile-bytecode --require-hashes \
    -r pyproject.toml --constraint requirements/demo.lock
COPY --from=wheel /src/dist/ dist/
RUN .venv/bin/uv pip install --python /opt/relay --compile-bytecode --no-deps dist/*.whl

FROM installed AS installed-simulator
RUN .venv/bin/uv pip install --python /opt/relay --compile-bytecode --require-hashes \
  -r pyproject.toml --extra demo --constraint requirements/demo.lock

FROM ${PYTHON_IMAGE} AS base
LABEL org.opencontainers.image.title="scribe-relay" \
  org.opencontainers.image.description="A WebSocket relay for live speech-to-text" \
  org.opencontainers.image.licenses="MIT"
# Numbers, since Kubernetes can't tell from a name that it isn't root's.
RUN groupadd --gid 10001 relay \
  && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin relay \
  && install --directory --owner=relay --group=relay --mode=700 /data
COPY --chmod=755 deploy/image/is-healthy /usr/local/bin/
# The root file system may be read-only: nothing but /data is written to.
ENV PATH=/opt/relay/bin:${PATH} \
  PYTHONUNBUFFERED=1 \
  PYTHONDONTWRITEBYTECODE=1
WORKDIR /data
USER 10001:10001

FROM base AS simulator
COPY --from=installed-simulator /opt/relay /opt/relay
EXPOSE 8001
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["is-healthy", "8001", "/simulator/connections"]
ENTRYPOINT ["scribe-relay", "simulate", "--host", "0.0.0.0"]

FROM base AS relay
COPY --from=installed /opt/relay /opt/relay
ENV RELAY_HOST=0.0.0.0 RELAY_DATA_DIR=/data
VOLUME ["/data"]
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["is-healthy"]
# Without a shell between, which would keep SIGTERM for itself.
ENTRYPOINT ["scribe-relay"]
CMD ["serve"]
