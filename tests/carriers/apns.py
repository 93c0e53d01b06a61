"""A stand-in for APNs: HTTP/2 over TLS, provider tokens of ES256 or a client's certificate."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import h2.config
import h2.connection
import h2.events
import jwt

from tests.carriers.keys import Authority, authority, ec_key, public_pem


@dataclass
class Apns:
    """reasons: what it says of these tokens instead of taking the message, with the status."""

    url: str = ""
    received: list[tuple[str, dict[str, str], dict[str, Any]]] = field(default_factory=list)
    reasons: dict[str, tuple[int, str]] = field(default_factory=dict)
    wants_certificate: bool = False

    def answer(self, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        token = headers[":path"].removeprefix("/3/device/")
        if not self.wants_certificate and not _known(headers.get("authorization", "")):
            return 403, {}, b'{"reason":"InvalidProviderToken"}'
        if headers.get("apns-topic") not in ("com.example.tea", "pass.com.example.tea"):
            return 400, {}, b'{"reason":"TopicDisallowed"}'
        if token in self.reasons:
            status, why = self.reasons[token]
            return status, {}, json.dumps({"reason": why}).encode()
        if token == "0" * 64:
            return 400, {}, b'{"reason":"BadDeviceToken"}'
        self.received.append((token, headers, json.loads(body)))
        return 200, {"apns-id": headers.get("apns-id", "made-up")}, b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        spoken = writer.get_extra_info("ssl_object").selected_alpn_protocol()
        assert spoken == "h2", f"APNs speaks HTTP/2 alone, not {spoken}"
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        connection.initiate_connection()
        heads: dict[int, dict[str, str]] = {}
        bodies: dict[int, bytes] = {}
        try:
            writer.write(connection.data_to_send())
            while data := await reader.read(65_536):
                for event in connection.receive_data(data):
                    self._take(connection, event, heads, bodies)
                writer.write(connection.data_to_send())
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    def _take(self, connection: Any, event: Any, heads: dict[int, dict[str, str]], bodies: dict[int, bytes]) -> None:
        if isinstance(event, h2.events.RequestReceived):
            named = {str(name): str(value) for name, value in event.headers}
            heads[event.stream_id], bodies[event.stream_id] = named, b""
        elif isinstance(event, h2.events.DataReceived):
            bodies[event.stream_id] += event.data
            connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            status, said, body = self.answer(heads[event.stream_id], bodies[event.stream_id])
            connection.send_headers(event.stream_id, [(":status", str(status)), *said.items()])
            connection.send_data(event.stream_id, body, end_stream=True)


def _known(authorization: str) -> bool:
    try:
        token = authorization.removeprefix("bearer ")
        claims = jwt.decode(token, public_pem(ec_key("apns")), algorithms=["ES256"])
        return bool(claims["iss"] == "TEAM123456" and jwt.get_unverified_header(token)["kid"] == "KEY1234567")
    except (jwt.PyJWTError, KeyError):
        return False


@asynccontextmanager
async def apns(*, client: Authority | None = None) -> AsyncIterator[Apns]:
    """client: whose certificate a caller has to show instead of a token."""
    server = Apns(wants_certificate=client is not None)
    context = authority().serving("h2")
    if client is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=client.certificate)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=context)
    server.url = f"https://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listening.close()
