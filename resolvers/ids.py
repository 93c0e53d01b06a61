"""Opaque global ids: base64url of `Type:uuid`."""

from base64 import urlsafe_b64decode
from uuid import UUID

from domain.ids import global_id as global_id

# No row has it, so an id that cannot be read behaves exactly like one that is unknown.
NOBODY = UUID(int=0)


def split_id(value: str) -> tuple[str, UUID]:
    """The type and the row of a global id; ("", NOBODY) for anything that is not one."""
    try:
        type_name, _, identifier = urlsafe_b64decode(value + "=" * (-len(value) % 4)).decode().partition(":")
        return type_name, UUID(identifier)
    except ValueError:
        return "", NOBODY


def row_id(value: str, type_name: str) -> UUID:
    """The row of a global id of this type; NOBODY when it is of another type or garbage."""
    found, identifier = split_id(value)
    return identifier if found == type_name else NOBODY
