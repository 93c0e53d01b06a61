"""Top-level errors as clients see them: always a code, never an internal detail."""

import logging
from importlib import import_module
from typing import Any
from uuid import uuid4

from graphql import GraphQLError, GraphQLSyntaxError

from domain.refusals import Rejected

MAX_ERRORS = 5
# No "Did you mean": who may read the schema has its documentation, who guesses names is not helped.
import_module("graphql.pyutils.did_you_mean").MAX_LENGTH = 0  # type: ignore[attr-defined]  # of the module it names
_log = logging.getLogger("wayfare.errors")


def formatted(errors: list[GraphQLError]) -> list[dict[str, Any]]:
    """At most five errors, each `{message, locations, path, extensions: {code}}`; faults are masked and logged once."""
    return [_formatted(error) for error in errors[:MAX_ERRORS]]


def _formatted(error: GraphQLError) -> dict[str, Any]:
    message, extensions = _told(error)
    shown: dict[str, Any] = {"message": message}
    if error.locations:
        shown["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    if error.path:
        shown["path"] = error.path
    return shown | {"extensions": extensions}


def _told(error: GraphQLError) -> tuple[str, dict[str, Any]]:
    original = error.original_error
    if isinstance(original, Rejected):
        return original.message, {"code": original.code, **original.details}
    if isinstance(error, GraphQLSyntaxError):
        return error.message, {"code": _parse_code(error)}
    if code := _code_of(error):
        return error.message, {"code": code}
    if original is None or isinstance(original, GraphQLError):
        return error.message, {"code": _request_code(error)}
    return _masked(error, original)


def _code_of(error: BaseException | None) -> str | None:
    """The code a scalar gave its refusal, however deep variable coercion wrapped it."""
    while error is not None:
        extensions = getattr(error, "extensions", None) or {}
        if "code" in extensions:
            return str(extensions["code"])
        error = getattr(error, "original_error", None) or error.__cause__
    return None


def _parse_code(error: GraphQLSyntaxError) -> str:
    return "MAX_TOKENS_EXCEEDED" if "tokens" in error.message else "GRAPHQL_PARSE_FAILED"


def _request_code(error: GraphQLError) -> str:
    # A value that could not be coerced names its variable; what is raised while executing has a path.
    if error.path:
        return "BAD_USER_INPUT"
    return "BAD_USER_INPUT" if error.message.startswith("Variable ") else "GRAPHQL_VALIDATION_FAILED"


def _masked(error: GraphQLError, original: BaseException) -> tuple[str, dict[str, Any]]:
    fault = masked(original, error.path)
    return fault["message"], fault["extensions"]


def masked(fault: BaseException, place: object) -> dict[str, Any]:
    """A fault of ours as a client sees it; logged once, with the id that the client is given."""
    error_id = str(uuid4())
    _log.error("fault %s at %s", error_id, place, exc_info=fault)
    return {
        "message": "Something went wrong on our side; quote the errorId to your operator.",
        "extensions": {"code": "INTERNAL_SERVER_ERROR", "errorId": error_id},
    }
