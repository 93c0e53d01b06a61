"""Apple passes: whose a pass is, said by a token that only this installation can have written."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain.signed import read_signed, sign

_PURPOSE = "apple pass"
LIBRARY = re.compile(r"[A-Za-z0-9_-]{1,128}")
PUSH_TOKEN = re.compile(r"[0-9a-fA-F]{64,200}")
# Telephones and watches of one person, and a few of before.
MAX_HOLDERS = 20
# What a pass has room for.
MAX_FIELDS = 12
MESSAGE = "message"


@dataclass(frozen=True, slots=True)
class PassLink:
    organization_id: UUID
    device_id: UUID


def pass_token(secret: bytes, link: PassLink) -> str:
    """What a telephone shows for a pass, and what downloads it."""
    return sign(secret, _PURPOSE, link.organization_id.bytes + link.device_id.bytes)


def read_pass_token(secrets: Sequence[bytes], token: str) -> PassLink | None:
    payload = read_signed(secrets, _PURPOSE, token)
    if payload is None or len(payload) != 32:
        return None
    return PassLink(UUID(bytes=payload[:16]), UUID(bytes=payload[16:]))


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who issues a pass, as the account says."""

    pass_type: str
    team: str
    name: str


def described(issuer: Issuer, serial: str, token: str, place: str, content: Mapping[str, Any]) -> dict[str, Any]:
    """The pass.json of a store card that shows its content, and says the latest message when that changes."""
    shown = [(key, value) for key, value in content.items() if key != MESSAGE][:MAX_FIELDS]
    fields = [{"key": _key(key), "label": key, "value": _value(value)} for key, value in shown]
    said = {"key": "message", "label": "Message", "value": _value(content.get(MESSAGE, "")), "changeMessage": "%@"}
    return {
        "formatVersion": 1,
        "passTypeIdentifier": issuer.pass_type,
        "teamIdentifier": issuer.team,
        "organizationName": issuer.name,
        "description": issuer.name,
        "logoText": issuer.name,
        "serialNumber": serial,
        "authenticationToken": token,
        "webServiceURL": place,
        "barcodes": [{"format": "PKBarcodeFormatQR", "message": serial, "messageEncoding": "iso-8859-1"}],
        "storeCard": {
            "primaryFields": fields[:1],
            "secondaryFields": fields[1:5],
            "auxiliaryFields": fields[5:9],
            "backFields": [said, *fields[9:]],
        },
    }


def _key(name: str) -> str:
    return f"f-{name}"


def _value(value: Any) -> str | int | float:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else str(value)
