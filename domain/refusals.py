"""Refusals: what a caller can put right, told as data and never as a fault."""

from dataclasses import dataclass, field


@dataclass
class Refused(Exception):  # noqa: N818  # a refusal is not an error of ours
    """The command may not be carried out.

    code: UPPER_CASE, closed per noun; message: a sentence that says what to do; field: path of the input at fault,
    e.g. ("condition", "all", "0", "number", "field").
    """

    code: str
    message: str
    field: tuple[str, ...] = ()
    version: int | None = None
    """With STALE: the version there is."""

    def under(self, *prefix: str) -> "Refused":
        """The same refusal seen from an input that contains the one at fault."""
        return Refused(self.code, self.message, prefix + self.field, self.version)


class Refusals(Exception):  # noqa: N818  # see Refused
    """Several refusals at once, e.g. one for each bad row of a batch; nothing of the command was carried out."""

    def __init__(self, refusals: list[Refused]) -> None:
        super().__init__(f"{len(refusals)} refused")
        self.refusals = refusals


@dataclass
class Rejected(Exception):  # noqa: N818  # see Refused
    """The request itself cannot be answered: UNAUTHENTICATED, FORBIDDEN, BAD_USER_INPUT and the like.

    Becomes a top-level GraphQL error with `extensions.code`, while Refused becomes data (`userErrors`). details: more
    for the extensions, such as the `reason` and the `field` of a bad argument of a query.
    """

    code: str
    message: str
    details: dict[str, object] = field(default_factory=dict)

    @classmethod
    def argument(cls, refusal: Refused, *path: str) -> "Rejected":
        """A refused argument of a query, where there is no payload to tell it in."""
        where = [*path, *refusal.field]
        return cls("BAD_USER_INPUT", refusal.message, {"reason": refusal.code, "field": where})
