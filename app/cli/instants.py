"""Instants on the command line."""

from datetime import UTC, date, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from domain.days import start_of_day
from domain.refusals import Refused
from domain.values import instant

AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        metavar="WHEN",
        help="Look at things as they were then: 1998-07-01T00:00:00Z, or a day, meaning its beginning where the "
        "organization is. Now when nothing is said.",
    ),
]


def read_as_of(text: str | None, timezone: str, now: datetime) -> datetime | None:
    """The instant; raises typer.BadParameter when it is none or lies in the future."""
    if text is None:
        return None
    try:
        at = start_of_day(date.fromisoformat(text), timezone) if len(text) == len("1998-07-01") else instant(text)
    except (Refused, ValueError) as error:
        raise typer.BadParameter(
            "Write an instant such as 1998-07-01T00:00:00Z or a day.", param_hint="--as-of"
        ) from error
    if at > now:
        raise typer.BadParameter(f"{at.astimezone(ZoneInfo(timezone))} lies in the future.", param_hint="--as-of")
    return at.astimezone(UTC)
