"""Global object identification: the Node interface, and which type and scope each kind of id has."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import strawberry

from db.relations import Relation
from domain.refusals import Rejected
from resolvers.ids import global_id, split_id
from resolvers.readings import GLOBAL_ID, Reading
from schema.fields import Info

MAX_NODES = 250

Type = TypeVar("Type")


@strawberry.interface(description="An object with a global id; `node(id:)` finds it again.")
class Node:
    @strawberry.field(description="The opaque global id.", metadata={GLOBAL_ID: True})
    def id(self, root: strawberry.Parent[Any], info: Info) -> strawberry.ID:
        return strawberry.ID(global_id(info._raw_info.parent_type.name, root.id))


@dataclass(frozen=True, slots=True)
class Found:
    """How `node` finds a type: its relation by id and the scope that reading it needs."""

    by_id: Relation[Any]
    scope: str


_FOUND: dict[str, Found] = {}


def node(*, by_id: Relation[Any], scope: str, description: str) -> Callable[[type[Type]], type[Type]]:
    """Makes a class a GraphQL type over `by_id.record`, with a global id that `node` resolves."""

    def decorate(cls: type[Type]) -> type[Type]:
        def is_type_of(value: object, _info: object) -> bool:
            return type(value) is by_id.record

        cls.is_type_of = staticmethod(is_type_of)  # type: ignore[attr-defined]  # Strawberry's hook for plain values
        _FOUND[cls.__name__] = Found(by_id, scope)
        return strawberry.type(cls, description=description)

    return decorate


def find(info: Info, value: str) -> Reading[Any] | None:
    """The object of a global id; None for unknown, foreign, invisible and unreadable ones alike."""
    type_name, identifier = split_id(value)
    found = _FOUND.get(type_name)
    if found is None or found.scope not in info.context.caller.scopes:
        return None
    return info.context.loaders.one(found.by_id, identifier)


@strawberry.type
class NodeQueries:
    @strawberry.field(
        description="The object with this global id, or null when there is none that you may see.",
        graphql_type=Node | None,
    )
    def node(self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="A global id.")]) -> Any:
        return find(info, id)

    @strawberry.field(
        description="The objects with these global ids in the same order, null where there is none.",
        graphql_type=list[Node | None],
    )
    def nodes(
        self,
        info: Info,
        ids: Annotated[list[strawberry.ID], strawberry.argument(description="At most 250 global ids.")],
    ) -> Any:
        if len(ids) > MAX_NODES:
            raise Rejected("BAD_USER_INPUT", f"At most {MAX_NODES} ids, not {len(ids)}.")
        # Not awaited one by one: the executor awaits them together, so the loaders see all ids of a type in one batch.
        return [find(info, value) for value in ids]
