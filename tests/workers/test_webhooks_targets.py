"""No webhook reaches the inside: whatever its URL looks like, and whatever its name leads to a moment later."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from uuid import UUID

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from db.database import Database
from domain.events import EventType
from domain.webhooks import PAUSES
from domain.webhooks.targets import Address
from tests.jobs import drain
from tests.receiver import listen, receiving, told
from tests.workers.test_webhooks import deliveries, later, make
from workers.webhooks.outbound import LookUp, send_webhooks

INSIDE = [
    "http://127.0.0.1:{port}/",
    "https://127.0.0.1:{port}/",
    "https://127.1:{port}/",
    "http://2130706433:{port}/",
    "https://0x7f.1:{port}/",
    "http://0:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "https://[::ffff:7f00:1]:{port}/",
    "http://[::1]:{port}/",
    "http://localhost:{port}/",
    "https://localhost.:{port}/",
    "http://user@127.0.0.1:{port}/",
    "https://inside.nip.io:{port}/",
    "https://inside.nip.io/",
    "gopher://127.0.0.1:{port}/",
]
PUBLIC, PRIVATE = ip_address("93.184.215.14"), ip_address("127.0.0.1")


@pytest.fixture(autouse=True)
def sending(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # However slow the machine is, nothing becomes due again while a test looks.
    monkeypatch.setattr("domain.webhooks.PAUSES", (PAUSES[1], *PAUSES[1:]))
    yield
    send_webhooks(None)


def answering(*answers: list[Address]) -> LookUp:
    """A resolver that gives one answer after the other, the last one for ever."""
    left = list(answers)

    async def look_up(_host: str, _port: int) -> list[Address]:
        return left.pop(0) if len(left) > 1 else left[0]

    return look_up


async def test_no_form_of_an_inner_url_is_connected_to(database: Database, organization: UUID) -> None:
    told(allowed=(), look_up=answering([PRIVATE]))
    async with receiving() as receiver:
        port = receiver.url.split(":")[2].split("/")[0]
        for url in INSIDE:
            await listen(database, organization, url.format(port=port), EventType.CUSTOMER_CREATED)
        await make(database, organization, "ada")
        await drain(database, organization)
        assert receiver.connections == 0
    rows = await deliveries(database, organization)
    assert len(rows) == len(INSIDE)
    assert all(row["statuses"] == [None] and row["error"] for row in rows)


async def test_a_name_that_leads_elsewhere_a_moment_later_leads_nowhere(database: Database, organization: UUID) -> None:
    requests: list[httpx2.Request] = []

    def take(request: httpx2.Request) -> httpx2.Response:
        requests.append(request)
        return httpx2.Response(500, stream=httpx2.ByteStream(b""))

    told(allowed=(), look_up=answering([PUBLIC], [PRIVATE]), transport=httpx2.MockTransport(take))
    await listen(database, organization, "https://rebind.example/hook?x=1", EventType.CUSTOMER_CREATED)
    await make(database, organization, "ada")
    await drain(database, organization)
    [request] = requests
    # To the address that was checked, with the name in the header and in the handshake.
    assert str(request.url) == f"https://{PUBLIC}/hook?x=1"
    assert request.headers["host"] == "rebind.example"
    assert request.extensions["sni_hostname"] == "rebind.example"
    await later(database, organization)
    await drain(database, organization)
    assert len(requests) == 1
    [row] = await deliveries(database, organization)
    assert row["statuses"] == [500, None]
    assert "not a public one" in row["error"]


async def test_one_inner_address_among_public_ones_is_enough_to_refuse(database: Database, organization: UUID) -> None:
    told(allowed=(), look_up=answering([PUBLIC, PRIVATE]))
    async with receiving() as receiver:
        await listen(database, organization, "https://both.example/", EventType.CUSTOMER_CREATED)
        await make(database, organization, "ada")
        await drain(database, organization)
        assert receiver.connections == 0


async def test_a_name_without_an_address_is_tried_again(database: Database, organization: UUID) -> None:
    async def look_up(_host: str, _port: int) -> list[Address]:
        raise OSError("no such name")

    told(allowed=(), look_up=look_up)
    await listen(database, organization, "https://nowhere.example/", EventType.CUSTOMER_CREATED)
    await make(database, organization, "ada")
    await drain(database, organization)
    [row] = await deliveries(database, organization)
    assert (row["state"], row["statuses"]) == ("PENDING", [None])


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context with a certificate for the name, and the context of a client that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    return server, ssl.create_default_context(cafile=file)


@pytest.mark.parametrize(("name", "status"), [("hooks.example", 200), ("other.example", None)])
async def test_the_certificate_must_be_that_of_the_name(
    database: Database, organization: UUID, tmp_path: Path, name: str, status: int | None
) -> None:
    server, trust = certificate(tmp_path, "hooks.example")
    told(look_up=answering([PRIVATE]), trust=trust)
    async with receiving(ssl=server) as receiver:
        url = receiver.url.replace("127.0.0.1", name)
        await listen(database, organization, url, EventType.CUSTOMER_CREATED)
        await make(database, organization, "ada")
        await drain(database, organization)
    [row] = await deliveries(database, organization)
    assert row["statuses"] == [status]
    assert (row["error"] is None) == (status == 200), row["error"]
