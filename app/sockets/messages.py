"""The messages of graphql-transport-ws: what a client may send, and the codes with which a socket is closed.

The protocol: https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, TypeAlias

import orjson

SUBPROTOCOL = "graphql-transport-ws"
MAX_MESSAGE = 64 * 1024


class Closed(IntEnum):
    """Why we close a socket."""

    TOO_SLOW = 1008
    FAULT = 1011
    TRY_LATER = 1013
    BAD_MESSAGE = 4400
    UNAUTHORIZED = 4401
    FORBIDDEN = 4403
    SUBPROTOCOL = 4406
    INIT_TIMEOUT = 4408
    DUPLICATE = 4409
    TOO_MANY = 4429


class CloseError(Exception):
    """The socket must be closed with this code and reason."""

    def __init__(self, code: Closed, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        # A close frame has room for 123 bytes.
        self.reason = reason.encode()[:123].decode(errors="ignore")


@dataclass(frozen=True, slots=True)
class Init:
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ping:
    payload: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Pong:
    pass


@dataclass(frozen=True, slots=True)
class Subscribe:
    """`payload` is a GraphQL request, not yet looked at."""

    id: str
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Complete:
    id: str


Message: TypeAlias = Init | Ping | Pong | Subscribe | Complete


def read(text: str | None) -> Message:
    """A client's message; raises CloseError 4400 for anything that the protocol does not know."""
    if text is None:
        raise _bad("Send text, not binary data.")
    try:
        given = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise _bad("The message is not JSON.") from error
    if not isinstance(given, dict):
        raise _bad("The message is not an object.")
    return _message(given.get("type"), given)


def _message(type_: Any, given: dict[str, Any]) -> Message:
    match type_:
        case "connection_init":
            return Init(_object(given) or {})
        case "ping":
            return Ping(_object(given))
        case "pong":
            _object(given)
            return Pong()
        case "subscribe":
            payload = _object(given)
            if payload is None:
                raise _bad("`payload` must be a GraphQL request.")
            return Subscribe(_id(given), payload)
        case "complete":
            return Complete(_id(given))
        case _:
            raise _bad("The message has no `type` that a client may send.")


def _object(given: dict[str, Any]) -> dict[str, Any] | None:
    payload = given.get("payload")
    if not isinstance(payload, dict | None):
        raise _bad("`payload` must be an object.")
    return payload


def _id(given: dict[str, Any]) -> str:
    id_ = given.get("id")
    if not isinstance(id_, str) or not id_:
        raise _bad("`id` must be a string that is not empty.")
    return id_


def _bad(reason: str) -> CloseError:
    return CloseError(Closed.BAD_MESSAGE, reason)
