# One image for the API, the worker and the clock: `wayfare serve`, `wayfare work`, `wayfare schedule`.
FROM python:3.13-slim AS packages
COPY requirements-production.lock /tmp/
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --require-hashes --no-deps -r /tmp/requirements-production.lock \
    && /venv/bin/pip uninstall --yes pip

FROM python:3.13-slim
RUN useradd --system --uid 10001 --no-create-home wayfare
COPY --from=packages /venv /venv
COPY domain /srv/wayfare/domain
COPY db /srv/wayfare/db
COPY resolvers /srv/wayfare/resolvers
COPY schema /srv/wayfare/schema
COPY workers /srv/wayfare/workers
COPY app /srv/wayfare/app
ENV PATH=/venv/bin:$PATH \
    PYTHONPATH=/srv/wayfare \
    PYTHONUNBUFFERED=1 \
    WAYFARE_HOST=0.0.0.0
USER 10001
WORKDIR /tmp
EXPOSE 8000
ENTRYPOINT ["python", "-P", "-m", "app"]
CMD ["serve"]
