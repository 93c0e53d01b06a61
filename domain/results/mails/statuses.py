"""What the codes of mail servers mean for a message: RFC 3463's where there are any, else those of SMTP."""

import re

from domain.results.returns import BounceKind, ReturnType

_ENHANCED = re.compile(r"(?<![\d.])([245])\.([0-7])\.(\d{1,3})(?!\.?\d)")
_SMTP = re.compile(r"(?<![\d.])([45])\d\d[ -]")
# The mailbox is full, the mail too large or what it says refused, or we are: another one may arrive.
_NOT_THIS_TIME = re.compile(r"5\.(1\.[78]|2\.[234]|3\.\d+|6\.\d+|7\.\d+)")
# At the beginning of a reply, where RFC 2034 has it: others may be quoted. 5.1.7 and 5.1.8 are about the sender.
_NOBODY = re.compile(r"5\.1\.(?!0*[78]\b)\d{1,3}(?![\d.])")
_ACTIONS = {"delivered": ReturnType.DELIVERED, "relayed": ReturnType.ACCEPTED, "expanded": ReturnType.ACCEPTED}
Judged = tuple[ReturnType, BounceKind | None]


def status_of(*texts: str) -> str | None:
    """The most telling status: the first that says more than its class, else the first, else that of an SMTP code."""
    found = [match[0] for text in texts for match in _ENHANCED.finditer(text)]
    telling = next((status for status in found if not status.endswith(".0.0")), None)
    smtp = next((match[1] for text in texts if (match := _SMTP.search(text))), None)
    return telling or next(iter(found), None) or (f"{smtp}.0.0" if smtp else None)


def judged(action: str, status: str | None) -> Judged | None:
    """What a report says happened, by its Action and a status; None where it says neither."""
    action = action.partition(";")[0].split("(")[0].strip().lower()
    if action in _ACTIONS:
        return _ACTIONS[action], None
    if action == "delayed" or (action != "failed" and (status or "").startswith("4")):
        return ReturnType.DEFERRED, None
    if status is None:
        return (ReturnType.BOUNCED, BounceKind.SOFT) if action == "failed" else None
    if action != "failed" and status.startswith("2"):
        return ReturnType.DELIVERED, None
    lasting = status.startswith("5") and not _NOT_THIS_TIME.fullmatch(status)
    return ReturnType.BOUNCED, BounceKind.HARD if lasting else BounceKind.SOFT


def is_nobody(code: int, words: str) -> bool:
    """Whether a server that refuses a recipient (RCPT) says that nobody has the address; words: of the reply."""
    return 500 <= code < 600 and _NOBODY.match(words.lstrip()) is not None
