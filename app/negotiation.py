"""Which media type an Accept header prefers."""

from collections.abc import Sequence


def preferred(accept: str | None, offered: Sequence[str]) -> str | None:
    """The offered type of the highest quality; of equal ones that which is named first, then that which is offered
    first. The first one offered where nothing is asked for, None where nothing offered is accepted."""
    if not accept or not accept.strip():
        return offered[0]
    ranges = [_range(part) for part in accept.split(",")]
    rated = [(*_rating(type_, ranges), -position) for position, type_ in enumerate(offered)]
    best = max(rated)
    return offered[-best[2]] if best[0] > 0 else None


def _rating(type_: str, ranges: Sequence[tuple[str, float]]) -> tuple[float, int]:
    """The quality of the most specific range that the type is in, and minus the place of that range."""
    for pattern in (type_, f"{type_.partition('/')[0]}/*", "*/*"):
        for place, (named, quality) in enumerate(ranges):
            if named == pattern:
                return quality, -place
    return 0.0, 0


def _range(part: str) -> tuple[str, float]:
    named, *parameters = (piece.strip().lower() for piece in part.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            return named, _quality(value)
    return named, 1.0


def _quality(value: str) -> float:
    try:
        return min(1.0, max(0.0, float(value)))
    except ValueError:
        return 0.0
