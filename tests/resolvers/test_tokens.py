"""A1 to A3: access tokens that were forged, changed or are not for us; each is refused in the same words."""

import base64
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from db import sessions
from db.database import Database
from domain.access import unauthenticated
from domain.ids import new_id
from domain.refusals import Rejected
from domain.sessions import Access, claims_of
from resolvers.access import authenticate
from resolvers.tokens import ALGORITHM, TokenKeys
from tests.api import TOOLS
from tests.campaigns import SECRET
from tests.people import add_person

NOW = datetime.now(UTC)
KEYS = TokenKeys([SECRET])
RSA = rsa.generate_private_key(65537, 2048)
PUBLIC = RSA.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

Token = Callable[..., str]


@pytest.fixture
async def access(database: Database, organization: UUID) -> Access:
    """A session that is good, so that only the token can be what is wrong."""
    member = await add_person(database, organization, "ada@example.com", password=None)
    async with database.tenant(organization) as tx:
        await tx.run("update member set state = 'ACTIVE'")
        return (await sessions.open_session(tx, member, NOW)).access


def signed(
    claims: dict[str, Any], *, key: Any = None, algorithm: str = ALGORITHM, kid: object = None, **header: Any
) -> str:
    """A token signed as ours are, unless something else is said."""
    named = KEYS._newest if kid is None else kid
    own = KEYS._keys[KEYS._newest]
    return jwt.encode(claims, own if key is None else key, algorithm, {"kid": named, **header})


def by_hand(header: dict[str, Any], claims: object, key: bytes) -> str:
    """What the library would not write."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims)]
    signature = hmac.digest(key, b".".join(parts), "sha256")
    return b".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


async def refused(database: Database, header: str | None) -> None:
    with pytest.raises(Rejected) as rejected:
        await authenticate(database, header, NOW, TOOLS)
    assert rejected.value == unauthenticated()


async def test_a_good_token_is_taken(database: Database, access: Access) -> None:
    caller = await authenticate(database, f"Bearer {signed(claims_of(access, NOW))}", NOW, TOOLS)
    assert caller.member_id == access.member_id
    written = {"alg": ALGORITHM, "typ": "JWT", "kid": KEYS._newest}
    same = by_hand(written, claims_of(access, NOW), KEYS._keys[KEYS._newest])
    assert (await authenticate(database, f"bearer {same}", NOW, TOOLS)) == caller


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Basic YWRhOnBhc3N3b3Jk",
        "Bearer x",
        "Bearer ..",
        "Bearer a.b.c",
        "Bearer eyJhbGciOiJub25lIn0..",
        "Bearer wf_",
        "Bearer wf_0123456789ab_",
        "Bearer wf_0123456789ab_" + "x" * 42,
        "Bearer wf_0123456789ab_" + "x" * 42 + "\0",
        "Bearer wf_0123456789a\0_" + "x" * 43,
        "Bearer wf_0123456789ab_" + "é" * 43,
        "Bearer wf_0123456789ab_" + "x" * 42 + "\ud800",
        "Bearer wf_0123456789ab_" + "x" * 42 + "'",
        "Bearer " + "[" * 8_000,
        "Bearer " + base64.urlsafe_b64encode(b"[" * 5_000).decode() + ".e30.x",
        "Bearer " + "x" * 10_000_000,
    ],
    ids=lambda header: repr(header)[:40],
)
async def test_what_is_no_token_is_refused_before_anything_is_asked(
    database: Database, header: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ask(*_: object, **__: object) -> None:
        raise AssertionError("the database was asked")

    monkeypatch.setattr(Database, "look_up", ask)
    await refused(database, header)


CHANGED_CLAIMS: dict[str, dict[str, Any]] = {
    "expired": {"exp": int(NOW.timestamp())},
    "no exp": {"exp": None},
    "exp is text": {"exp": str(int(NOW.timestamp()) + 60)},
    "exp is true": {"exp": True},
    "exp is infinite": {"exp": float("inf")},
    "exp is no number": {"exp": float("nan")},
    "exp in ten years": {"exp": int(NOW.timestamp()) + 315_360_000},
    "lasts longer than ours": {"exp": int(NOW.timestamp()) + 901},
    "no iat": {"iat": None},
    "iat in the future": {"iat": int(NOW.timestamp()) + 60},
    "nbf in the future": {"nbf": int(NOW.timestamp()) + 60},
    "nbf is text": {"nbf": "0"},
    "foreign aud": {"aud": "https://elsewhere.example"},
    "aud list": {"aud": ["wayfare"]},
    "no aud": {"aud": None},
    "foreign iss": {"iss": "https://elsewhere.example"},
    "iss begins like ours": {"iss": "wayf"},
    "iss list": {"iss": ["wayfare"]},
    "sub number": {"sub": 1},
    "sub of nobody": {"sub": str(new_id())},
    "no sub": {"sub": None},
    "sid of no session": {"sid": str(new_id())},
    "sid list": {"sid": ["x"]},
    "foreign org": {"org": str(new_id())},
    "org is sql": {"org": "' or true --"},
}


@pytest.mark.parametrize("change", CHANGED_CLAIMS.values(), ids=CHANGED_CLAIMS)
async def test_claims_that_we_would_not_write_are_refused(
    database: Database, access: Access, change: dict[str, Any]
) -> None:
    claims = {name: value for name, value in (claims_of(access, NOW) | change).items() if value is not None}
    written = {"alg": ALGORITHM, "typ": "JWT", "kid": KEYS._newest}
    await refused(database, f"Bearer {by_hand(written, claims, KEYS._keys[KEYS._newest])}")


def _swapped(access: Access) -> str:
    header, _, signature = signed(claims_of(access, NOW)).split(".")
    payload = signed(claims_of(access, NOW) | {"sub": str(new_id())}).split(".")[1]
    return ".".join([header, payload, signature])


FORGED: dict[str, Callable[[Access], str]] = {
    "alg none": lambda access: jwt.encode(claims_of(access, NOW), "", "none", {"kid": KEYS._newest}),
    "alg None": lambda access: by_hand({"alg": "None", "kid": KEYS._newest}, claims_of(access, NOW), b""),
    "no signature": lambda access: signed(claims_of(access, NOW)).rpartition(".")[0] + ".",
    "swapped payload": _swapped,
    "another secret": lambda access: signed(claims_of(access, NOW), key=b"x" * 32),
    "the underived secret": lambda access: signed(claims_of(access, NOW), key=SECRET),
    "another algorithm, our key": lambda access: signed(claims_of(access, NOW), algorithm="HS512", key=b"k" * 64),
    "RSA": lambda access: signed(claims_of(access, NOW), key=RSA, algorithm="RS256"),
    "HS256 with a public key": lambda access: by_hand(
        {"alg": "HS256", "kid": KEYS._newest}, claims_of(access, NOW), PUBLIC
    ),
    "unknown kid": lambda access: signed(claims_of(access, NOW), kid="other"),
    "kid is a path": lambda access: signed(claims_of(access, NOW), key=b"\0" * 32, kid="../../dev/null"),
    "kid is empty": lambda access: signed(claims_of(access, NOW), key=b"\0" * 32, kid=""),
    "kid is a number": lambda access: by_hand(
        {"alg": "HS256", "kid": 0}, claims_of(access, NOW), KEYS._keys[KEYS._newest]
    ),
    "kid is a list": lambda access: by_hand(
        {"alg": "HS256", "kid": [KEYS._newest]}, claims_of(access, NOW), KEYS._keys[KEYS._newest]
    ),
    "no kid": lambda access: by_hand({"alg": "HS256"}, claims_of(access, NOW), KEYS._keys[KEYS._newest]),
    "unknown crit": lambda access: by_hand(
        {"alg": "HS256", "kid": KEYS._newest, "crit": ["x"], "x": 1}, claims_of(access, NOW), KEYS._keys[KEYS._newest]
    ),
    "key in the header": lambda access: by_hand(
        {"alg": "HS256", "jwk": {"kty": "oct", "k": "eHh4"}}, claims_of(access, NOW), b"xxx"
    ),
    "claims are a list": lambda _access: by_hand(
        {"alg": "HS256", "kid": KEYS._newest}, ["x"], KEYS._keys[KEYS._newest]
    ),
    "longer than any of ours": lambda access: signed(claims_of(access, NOW) | {"x": "x" * 3_000}),
}


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
async def test_forged_tokens_are_refused(database: Database, access: Access, forge: Callable[[Access], str]) -> None:
    await refused(database, f"Bearer {forge(access)}")


def test_keys_rotate_without_anybody_being_sent_away() -> None:
    old, both, new = TokenKeys([b"o" * 32]), TokenKeys([b"n" * 32, b"o" * 32]), TokenKeys([b"n" * 32])
    access = Access(new_id(), new_id(), new_id())
    assert both.read(old.sign(access, NOW), NOW) == access
    assert new.read(both.sign(access, NOW), NOW) == access
    assert old.read(both.sign(access, NOW), NOW) is None
    assert new.read(old.sign(access, NOW), NOW) is None


async def test_session_that_is_over_is_refused(database: Database, organization: UUID, access: Access) -> None:
    token = f"Bearer {signed(claims_of(access, NOW))}"
    await authenticate(database, token, NOW, TOOLS)
    async with database.tenant(organization) as tx:
        await tx.run("update session set expires_at = :at", at=NOW - timedelta(seconds=1))
    await refused(database, token)
