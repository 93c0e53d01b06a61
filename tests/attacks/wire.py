"""HTTP as an attacker writes it: by hand, so that nothing is made right on the way."""

import contextlib
import json
import socket
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import Any


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


def request_of(case: dict[str, Any], key: str) -> bytes:
    """The bytes of a request; a header that is None is left out."""
    if "wire" in case:
        return str(case["wire"]).encode()
    body = _body(case)
    headers = {
        "Host": "127.0.0.1",
        "Authorization": f"Bearer {key}",
        "Content-Type": "application/json",
        "Connection": "close",
        **case.get("headers", {}),
    }
    headers |= {"Transfer-Encoding": "chunked"} if "chunks" in case else {"Content-Length": str(len(body))}
    lines = [f"{case.get('method', 'POST')} {case.get('path', '/graphql')} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.items() if value is not None]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _body(case: dict[str, Any]) -> bytes:
    if "query" in case:
        return json.dumps({"query": case["query"], "variables": case.get("variables")}).encode()
    if "hex" in case:
        return bytes.fromhex(case["hex"])
    if "chunks" in case:
        parts = [chunk.encode() for chunk in case["chunks"]] + [b""]
        return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
    return str(case.get("body", "")).encode()


def exchange(host: str, request: bytes) -> Answer:
    """Sends the bytes and reads the answer, also when the server stops reading before the end."""
    name, _, port = host.partition(":")
    with socket.create_connection((name, int(port)), timeout=20) as connection:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(request)
        answer = HTTPResponse(connection)
        answer.begin()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
