# docker build --build-arg VERSION=$(git describe --always) --build-arg REVISION=$(git rev-parse HEAD) -t mintmark .
# Exactly one base: --build-arg PYTHON=python:3.13-slim-bookworm@sha256:…, as `docker buildx imagetools inspect python:3.13-slim-bookworm` says it;
# releases have it as the default below (`make release BASE=…`). amd64 and arm64: every wheel of the lock is there for both.
# Without a network: a folder of wheels (`pip download --only-binary :all: --no-deps -r requirements/build.txt -r requirements/image.txt`),
# --build-arg PIP_NO_INDEX=1 --build-arg PIP_FIND_LINKS=<where the build sees it>.
# Other extras than tracing and operator, or the package of your hooks beside them: a lock of your own as requirements/mine.txt, made as
# CONTRIBUTING.md says of image.txt, and --build-arg LOCK=requirements/mine.txt.
# With buildah: --format docker, or HEALTHCHECK is left out. tests/image walks these steps without a container engine.

ARG PYTHON=python:3.13-slim-bookworm

# Everything with hashes, wheels only: nothing is compiled, nothing else is fetched.
FROM ${PYTHON} AS build
# pip's own variables: where packages come from.
ARG PIP_INDEX_URL
ARG PIP_NO_INDEX
ARG PIP_FIND_LINKS
# What is installed: every package with its hashes.
ARG LOCK=requirements/image.txt
WORKDIR /build
COPY requirements/build.txt ${LOCK} requirements/
RUN python -m venv /build/tools && /build/tools/bin/pip install --quiet --no-cache-dir --no-compile --only-binary :all: --no-deps --require-hashes -r requirements/build.txt
RUN python -m venv /opt/mintmark && /opt/mintmark/bin/pip install --quiet --no-cache-dir --no-compile --only-binary :all: --no-deps --require-hashes -r "${LOCK}"
COPY pyproject.toml README.md LICENSE ./
COPY service service
RUN /build/tools/bin/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir /build/dist . \
    && /opt/mintmark/bin/pip install --quiet --no-cache-dir --no-compile --no-index --no-deps /build/dist/*.whl \
    && /opt/mintmark/bin/pip uninstall --quiet --yes pip setuptools \
    && find /opt/mintmark -name __pycache__ -type d -prune -exec rm -rf {} + \
    && python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/mintmark/lib

FROM ${PYTHON}
ARG PYTHON
ARG VERSION=unknown
ARG REVISION=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="Mintmark" \
      org.opencontainers.image.description="OAuth 2.0 and OpenID Connect token service on aiohttp and Redis" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.base.name="${PYTHON}"
# Nothing is ever installed here: whoever gets in finds no installer.
RUN rm -rf /usr/local/lib/python3*/ensurepip /usr/local/lib/python3*/site-packages/pip* /usr/local/bin/pip*
COPY --from=build /opt/mintmark /opt/mintmark
ENV PATH=/opt/mintmark/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MINTMARK_HOST=0.0.0.0
# A number, so that Kubernetes can see that it is not root. Nothing is written but metrics of several workers, to TMPDIR.
USER 10001:10001
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s \
    CMD ["python", "-m", "service.fronts.probe"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["mintmark"]
CMD ["serve"]
