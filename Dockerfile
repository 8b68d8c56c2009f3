# The controller's image: `make image`. Made from requirements.lock and this checkout, and from nothing else.
#
# The base is pinned by digest (the tag beside it is for people). To renew it: `docker pull python:3.13-slim-bookworm`,
# then the digest that `docker inspect --format '{{index .RepoDigests 0}}'` prints, in both places.

FROM python:3.13.13-slim-bookworm@sha256:355bfa66770995d7e9a0da4b3473b44d0cb451f6b56f5615ad9c39e3c4eca03f AS build

# Every time in the image is this one, so that two builds of a commit are the same bytes.
ARG SOURCE_DATE_EPOCH=1767225600
ENV SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH} \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_NO_INPUT=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONHASHSEED=0
WORKDIR /source

# What the controller needs, out of the lock file: the tools to check and test it stay out of the image.
COPY requirements.lock pyproject.toml ./
COPY rollouts/cli/generate_lock.py rollouts/cli/
RUN python rollouts/cli/generate_lock.py rollouts > /tmp/run.lock \
 && python rollouts/cli/generate_lock.py setuptools wheel > /tmp/build.lock \
 && python -m venv --without-pip /opt/rollouts \
 && python -m pip --python /opt/rollouts/bin/python install --require-hashes --only-binary :all: --no-compile -r /tmp/run.lock \
 && python -m venv --without-pip /tmp/build \
 && python -m pip --python /tmp/build/bin/python install --require-hashes --only-binary :all: -r /tmp/build.lock

COPY README.md LICENSE ./
COPY rollouts rollouts
COPY analysis analysis
COPY trafficrouters trafficrouters
# The wheel is built and installed without the network; its bytecode names hashes, not times, and is never written again.
RUN python -m pip --python /tmp/build/bin/python wheel --no-deps --no-build-isolation --no-index --wheel-dir /tmp/wheels . \
 && python -m pip --python /opt/rollouts/bin/python install --no-deps --no-index --no-compile /tmp/wheels/*.whl \
 && /opt/rollouts/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/rollouts/lib \
 && find /opt/rollouts -exec touch --no-dereference --date="@${SOURCE_DATE_EPOCH}" {} +


FROM python:3.13.13-slim-bookworm@sha256:355bfa66770995d7e9a0da4b3473b44d0cb451f6b56f5615ad9c39e3c4eca03f AS controller

ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="rollouts" \
      org.opencontainers.image.description="A progressive-delivery controller with metric analysis for Kubernetes" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"

COPY --from=build /opt/rollouts /opt/rollouts
# Nothing is written but to /tmp, should anything ever be: the root file system may be read-only.
ENV PATH=/opt/rollouts/bin:$PATH \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 65532:65532
WORKDIR /tmp
# probes and metrics
EXPOSE 8080 8090
# Whether it is healthy is asked by probes, on /healthz and /readyz.
HEALTHCHECK NONE
# No shell takes part: signals reach the controller itself.
ENTRYPOINT ["/opt/rollouts/bin/rollouts"]
CMD ["controller"]


# The demo's application for clusters with real containers; its version says how it misbehaves (v3-errors5).
FROM controller AS application
ARG VERSION=v1
ENV VERSION=${VERSION}
ENTRYPOINT ["/opt/rollouts/bin/python", "-m", "rollouts.sandbox.standalone"]
CMD []


# What `docker build .` makes when nothing else is asked for.
FROM controller
