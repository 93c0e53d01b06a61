"""Organizations and brands: what their short names may be."""

import re

from domain.refusals import Refused

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,48}[a-z0-9])?")


def slug(value: str, *field: str) -> str:
    """A short name in lower case; refuses INVALID."""
    if not _SLUG.fullmatch(value):
        raise Refused("INVALID", "A slug has 1 to 50 lower-case letters, digits and inner hyphens.", field)
    return value
