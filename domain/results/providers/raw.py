"""A mail as it came (RFC 5322), handed over for an account: by a pipe of a mail server, or by a forwarding rule."""

from collections.abc import Sequence
from datetime import datetime

from domain.results.callbacks import Told
from domain.results.mails.handed import handed
from domain.results.mails.reading import opened


def read(body: bytes, now: datetime, secrets: Sequence[bytes]) -> Told:
    """secrets: what signs addresses of ours."""
    return handed(opened(body), (), now, secrets)
