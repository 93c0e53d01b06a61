"""What every mutation answers: the object or null, the refusals, and the query root to go on from."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import strawberry

from domain.refusals import Refused

if TYPE_CHECKING:
    from schema.root import Query


@strawberry.interface(description="What the caller can put right; nothing was written.")
class UserError:
    message: str = strawberry.field(description="What is wrong and what to do.")
    field: list[str] = strawberry.field(description="The path of the input at fault, from the argument.")
    current_version: int | None = strawberry.field(
        default=None, description="With STALE: the version there is by now; otherwise null."
    )


Error = TypeVar("Error", bound=UserError)


def user_errors(error: type[Error], codes: type[Enum], refusals: list[Refused]) -> list[Error]:
    """Refusals as the noun's user errors; a code outside the noun's vocabulary is a fault of ours."""
    make: Any = error
    return [
        make(
            code=codes[refusal.code],
            message=refusal.message,
            field=list(refusal.field),
            current_version=refusal.version,
        )
        for refusal in refusals
    ]


@strawberry.interface(description="What every mutation answers.")
class Payload:
    @strawberry.field(description="The query root, to read what the mutation changed.")
    def query(self) -> Annotated["Query", strawberry.lazy("schema.root")]:
        from schema.root import Query

        return Query()
