"""Logs for machines: each record of the process as one line of JSON, and one line for each request."""

import logging
import sys
from typing import Any

import structlog

from app.telemetry.requests import Observed

_log = logging.getLogger("wayfare.requests")


def log_as_json() -> None:
    """Makes every logger of the process write JSON to stderr; text cannot break a line, whatever it holds."""
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.EventRenamer("message"),
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    # The server brings handlers of its own, which write text.
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True


def log_request(observed: Observed) -> None:
    _log.info(
        "request",
        extra={
            "request_id": observed.id,
            "path": observed.path,
            "kind": observed.kind,
            "operation": observed.operation,
            "organization": observed.organization,
            "actor": observed.actor,
            "status": observed.status,
            "milliseconds": round(observed.seconds * 1000, 2),
            "codes": observed.codes,
            "error_ids": observed.error_ids,
        },
    )
