"""Which web pages may use the API: their origins, by a list of the operator's."""

from urllib.parse import urlsplit


class Origins:
    """`allowed`: origins such as `https://app.example`; `*` for all. Our own page needs no entry."""

    def __init__(self, allowed: list[str]) -> None:
        self._allowed = {origin.rstrip("/").lower() for origin in allowed}

    def lists(self, origin: str) -> bool:
        """Whether pages of another origin may read answers."""
        return "*" in self._allowed or origin.lower() in self._allowed

    def admits(self, origin: str | None, host: str | None) -> bool:
        """Whether a request may come from there; who is no browser sends no origin and keeps no one else's keys."""
        if origin is None or self.lists(origin):
            return True
        return bool(host) and urlsplit(origin).netloc.lower() == str(host).lower()
