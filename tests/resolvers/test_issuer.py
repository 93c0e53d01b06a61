"""Tokens of an OpenID Connect issuer: real keys, a real key set over HTTP, and whom they let in."""

import asyncio
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from app.callers import trusted_issuer
from app.settings import Settings
from db.database import Database
from db.organizations import create_organization
from domain.access import Caller
from domain.ids import new_id
from domain.refusals import Rejected
from resolvers.access import authenticate
from resolvers.issuer import KEPT, PAUSE, Issuer
from resolvers.tools import Tools
from tests.people import add_person

NOW = datetime.now(UTC)
ISSUER, AUDIENCE = "https://id.example.com", "wayfare-api"
KEYS: dict[str, Any] = {
    "rsa": rsa.generate_private_key(65537, 2048),
    "ec": ec.generate_private_key(ec.SECP256R1()),
    "ed": ed25519.Ed25519PrivateKey.generate(),
    "new": ec.generate_private_key(ec.SECP256R1()),
}
ALGORITHM = {"rsa": "RS256", "ec": "ES256", "ed": "EdDSA", "new": "ES256"}
STRANGER = rsa.generate_private_key(65537, 2048)


def jwk(name: str) -> dict[str, Any]:
    writer: Any = {"rsa": RSAAlgorithm, "ed": OKPAlgorithm}.get(name, ECAlgorithm)
    return {**json.loads(writer.to_jwk(KEYS[name].public_key())), "kid": name, "use": "sig", "alg": ALGORITHM[name]}


@dataclass
class KeyServer:
    """Serves what `answer` says and counts how often it is asked."""

    status: int = 200
    body: bytes = b""
    asked: int = 0
    url: str = ""
    names: list[str] = field(default_factory=list)

    def publish(self, *names: str, **more: Any) -> None:
        self.body = json.dumps({"keys": [*map(jwk, names), *more.values()]}).encode()


@pytest.fixture
def server() -> Iterator[KeyServer]:
    state = KeyServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # http.server's name
            state.asked += 1
            self.send_response(state.status)
            if state.status == 302:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", str(len(state.body)))
            self.end_headers()
            self.wfile.write(state.body)

        def log_message(self, format: str, *args: object) -> None:
            """Tests are quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        state.url = f"http://127.0.0.1:{running.server_port}/keys"
        state.publish("rsa", "ec", "ed")
        yield state
        running.shutdown()
        thread.join()


@pytest.fixture
def issuer(server: KeyServer) -> Issuer:
    made = trusted_issuer(Settings(oidc_issuer=ISSUER, oidc_audience=AUDIENCE, oidc_jwks_url=server.url))
    assert made
    return made


def claims(**changed: Any) -> dict[str, Any]:
    issued = int(NOW.timestamp())
    given = {"iss": ISSUER, "aud": AUDIENCE, "sub": "u-1", "iat": issued, "exp": issued + 3600}
    return {name: value for name, value in (given | changed).items() if value is not None}


def token(
    name: str = "rsa", *, key: Any = None, algorithm: str | None = None, kid: str | None = None, **said: Any
) -> str:
    header = {"kid": kid or name}
    return jwt.encode(claims(**said), key or KEYS[name], algorithm or ALGORITHM[name], header)


async def enter(database: Database, issuer: Issuer, text: str, organization: str | None = None) -> Caller | None:
    """Who comes in by the token, or None; refusals all sound the same."""
    try:
        return await authenticate(database, f"Bearer {text}", NOW, Tools(issuer=issuer), organization)
    except Rejected as rejection:
        if rejection.code != "UNAUTHENTICATED":
            raise
        return None


@pytest.mark.parametrize("name", ["rsa", "ec", "ed"])
async def test_tokens_of_each_kind_of_key_are_read(issuer: Issuer, name: str) -> None:
    read = await issuer.read(token(name, email="Ada@example.com", email_verified=True), NOW)
    assert read
    assert (read.subject, read.email) == (f"{ISSUER} u-1", "Ada@example.com")
    listed = await issuer.read(token(name, aud=["other", AUDIENCE]), NOW)
    assert listed
    assert listed.email is None


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
@pytest.mark.parametrize(
    "forged",
    [
        token(key=STRANGER),
        token("ec", kid="rsa"),
        token(algorithm="PS256"),
        token(algorithm="RS512"),
        jwt.encode(claims(), "x" * 32, "HS256", {"kid": "oct"}),
        jwt.encode(claims(), "", "none", {"kid": "rsa"}),
        jwt.encode(claims(), KEYS["rsa"], "RS256"),
        jwt.encode(claims(), KEYS["rsa"], "RS256", {"kid": "rsa", "crit": ["x"], "x": 1}),
        token(kid="../../dev/null"),
        token(kid="rsa\n"),
        token(aud="other"),
        token(aud=["other"]),
        token(aud=None),
        token(iss="https://id.example.com/"),
        token(iss="https://id.example"),
        token(sub=None),
        token(sub=""),
        token(sub="x\0"),
        token(sub="x" * 256),
        token(exp=int(NOW.timestamp())),
        token(exp=None),
        token(exp=int(NOW.timestamp()) + 315_360_000),
        token(iat=None),
        token(iat=int(NOW.timestamp()) + 3_000),
        token(nbf=int(NOW.timestamp()) + 3_000),
        token(x="x" * 9_000),
    ],
    ids=range(26),
)
async def test_forged_tokens_are_not_read(issuer: Issuer, server: KeyServer, forged: str) -> None:
    oct_key = {"kty": "oct", "k": "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHg", "kid": "oct", "alg": "HS256"}
    server.publish("rsa", "ec", "ed", shared=oct_key)
    assert await issuer.read(forged, NOW) is None
    assert await issuer.read(token(), NOW)


async def test_keys_are_fetched_once_and_anew_for_an_unknown_one_but_not_often(
    issuer: Issuer, server: KeyServer
) -> None:
    assert all(await asyncio.gather(*(issuer.read(token(), NOW) for _ in range(10))))
    assert server.asked == 1
    for _ in range(10):
        assert await issuer.read(token("new"), NOW) is None
    assert server.asked == 1, "an unknown key id must not be a way to make us ask all the time"
    server.publish("new", "ec")
    later = NOW + PAUSE + timedelta(seconds=1)
    assert await issuer.read(token("new"), later)
    assert server.asked == 2
    assert await issuer.read(token("rsa"), later) is None, "what was withdrawn is not believed"


@pytest.mark.parametrize(
    ("status", "body"),
    [(500, b""), (302, b""), (200, b"no json"), (200, b"[]"), (200, b"x" * 2_000_000), (200, b"\xff")],
)
async def test_keys_of_before_serve_while_the_issuer_does_not(
    issuer: Issuer, server: KeyServer, status: int, body: bytes
) -> None:
    assert await issuer.read(token(), NOW)
    server.status, server.body = status, body
    later = NOW + KEPT + timedelta(seconds=1)
    assert await issuer.read(token(exp=int(later.timestamp()) + 60, iat=int(later.timestamp())), later)
    assert server.asked == 2


async def test_issuer_that_never_answered_lets_nobody_in(issuer: Issuer, server: KeyServer) -> None:
    server.status = 503
    assert await issuer.read(token(), NOW) is None
    server.status = 200
    assert await issuer.read(token(), NOW + PAUSE + timedelta(seconds=1))


async def test_member_comes_in_by_a_verified_address_and_from_then_on_by_the_subject(
    database: Database, organization: UUID, issuer: Issuer
) -> None:
    email = f"ada-{new_id()}@example.com"
    member = await add_person(database, organization, email, "viewer", password=None)
    subject = str(new_id())
    assert await enter(database, issuer, token(sub=subject)) is None
    assert await enter(database, issuer, token(sub=subject, email=email)) is None
    assert await enter(database, issuer, token(sub=subject, email=email, email_verified="true")) is None
    assert await enter(database, issuer, token(sub=subject, email="no address", email_verified=True)) is None
    who = await enter(database, issuer, token(sub=subject, email=email.upper(), email_verified=True))
    assert who
    assert (who.member_id, who.organization_id) == (member, organization)
    assert await enter(database, issuer, token(sub=subject)) == who
    assert await enter(database, issuer, token(sub=subject, email="other@example.com", email_verified=True)) == who
    stranger = token(sub=str(new_id()), email=email, email_verified=True)
    assert await enter(database, issuer, stranger) is None, "an address that changed hands is not its member"
    async with database.tenant(organization) as tx:
        await tx.run("delete from member")
    assert await enter(database, issuer, token(sub=subject)) is None


async def test_who_is_invited_to_several_organizations_names_one(
    database: Database, organization: UUID, issuer: Issuer
) -> None:
    email, subject = f"ada-{new_id()}@example.com", str(new_id())
    other, slug = new_id(), f"other-{new_id()}"
    async with database.tenant(other) as tx:
        await create_organization(tx, name="Other", slug=slug)
    for each in (organization, other):
        await add_person(database, each, email, "viewer", password=None)
    text = token(sub=subject, email=email, email_verified=True)
    assert await enter(database, issuer, text) is None
    first = await enter(database, issuer, text, f"test-{organization}")
    assert first
    assert first.organization_id == organization
    assert await enter(database, issuer, text) == first, "where they have come in already"
    second = await enter(database, issuer, text, slug)
    assert second
    assert second.organization_id == other
    assert await enter(database, issuer, text) is None
    assert await enter(database, issuer, text, "no-such-organization") is None
