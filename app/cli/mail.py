"""`wayfare mail`: hands a mail that a mail server pipes here to the API, e.g. `wayfare mail --to ${recipient}`."""

import sys
from typing import Annotated

import typer

from app.cli.remote import Url, place

# Of sysexits.h: the mail server keeps the mail and comes again.
TRY_AGAIN = 75
# As much as the API reads: reports say what happened before they quote.
READ = 256 * 1024
_SETTLED = (200, 413, 422)


def mail(
    to: Annotated[list[str] | None, typer.Option(help="Whom it came to, as the mail server says; its headers.")] = None,
    url: Url = None,
) -> None:
    """Hand over a mail from the standard input: a report that could not be delivered, a complaint, an answer.

    The exit code is 75 when the API is away, so that the mail server tries again, and else 0: nobody is to be told.
    """
    import httpx2

    raw = sys.stdin.buffer.read(READ)
    while sys.stdin.buffer.read(READ):  # who writes to a pipe that is closed believes that it failed
        pass
    try:
        answer = httpx2.post(f"{place(url)}/mails", params=[("to", one) for one in to or []], content=raw, timeout=30)
    except httpx2.TransportError as error:
        sys.stderr.write(f"The API cannot be reached: {error}\n")
        raise typer.Exit(TRY_AGAIN) from error
    sys.stderr.write(answer.text[:200] if answer.status_code in _SETTLED else f"answered {answer.status_code}\n")
    if answer.status_code not in _SETTLED:
        raise typer.Exit(TRY_AGAIN)
