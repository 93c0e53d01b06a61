"""What the formats of providers have in common: instants, our message ids, forms."""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

from domain.forms import is_multipart, parts
from domain.results.callbacks import UnreadableError
from domain.results.returns import not_ahead


def instant(value: object, now: datetime) -> datetime:
    """Of seconds since 1970 or of ISO 8601; now for what is neither, or of the future."""
    try:
        if isinstance(value, str) and not value.replace(".", "", 1).isdigit():
            found = datetime.fromisoformat(value)
            return not_ahead(found if found.tzinfo else found.replace(tzinfo=UTC), now)
        return not_ahead(datetime.fromtimestamp(float(str(value)), UTC), now)
    except (ValueError, OverflowError, OSError):
        return now


def our_id(value: object) -> UUID | None:
    """The id of a message of ours, bare or as the local part of a Message-ID."""
    text = str(value or "").strip().strip("<>").partition("@")[0]
    try:
        return UUID(text) if len(text) in (32, 36) else None
    except ValueError:
        return None


def our_ids(*headers: object) -> tuple[UUID, ...]:
    """Those that In-Reply-To and References name, the nearest first."""
    named = [our_id(word) for header in headers for word in reversed(str(header or "")[:10_000].split())]
    return tuple(dict.fromkeys(id_ for id_ in named if id_ is not None))[:20]


def parsed(body: bytes) -> Any:
    """Raises UnreadableError for what is not JSON."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UnreadableError("not JSON") from error


def mapping(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UnreadableError("not an object")
    return value


def form(body: bytes, content_type: str) -> dict[str, str]:
    """The fields of a form, urlencoded or in parts; files are left out. Raises UnreadableError."""
    try:
        if is_multipart(content_type):
            given = parts(body, content_type)
            return {part.name: part.content.decode(errors="replace") for part in given if not part.is_file}
        return dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=bool(body), max_num_fields=1_000))
    except ValueError as error:
        raise UnreadableError("not a form") from error
