"""How a type declares its fields: columns of its own record, and relations that the loaders answer."""

import inspect
from collections.abc import Callable, Sequence
from typing import Annotated, Any
from uuid import UUID

import strawberry

from db.plans.tree import Shape
from db.relations import Relation
from db.statement import Statement
from resolvers.context import Context
from resolvers.paging import PageArguments
from resolvers.readings import READS, Reads
from schema.enums import OrderDirection

Info = strawberry.Info[Context, None]

First = Annotated[int | None, strawberry.argument(description="The first n items, 1 to 250; 50 when nothing is said.")]
After = Annotated[str | None, strawberry.argument(description="Continue after this cursor; goes with first.")]
Last = Annotated[int | None, strawberry.argument(description="The last n items, 1 to 250.")]
Before = Annotated[str | None, strawberry.argument(description="End before this cursor; goes with last.")]


def column(description: str) -> Any:
    """A field that is the attribute of the same name on the record."""
    return strawberry.field(description=description)


def argument(description: str) -> Any:
    """The description of an argument, for Annotated."""
    return strawberry.argument(description=description)


def related(relation: Relation[Any], description: str, *, scope: str | None = None, key: str = "id") -> Any:
    """A to-one relation; `key` is the attribute of this record that the relation's key equals."""

    def resolve(root: strawberry.Parent[Any], info: Info) -> Any:
        _require(info, scope)
        return info.context.loaders.one(relation, getattr(root, key))

    return _field(resolve, description, Reads(Shape.ONE, relation, key, scope))


def connected(relation: Relation[Any], description: str, *, scope: str | None = None, key: str = "id") -> Any:
    """A to-many relation as a Relay connection in the relation's own order."""

    def resolve(
        root: strawberry.Parent[Any],
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Any:
        _require(info, scope)
        arguments = PageArguments(first, after, last, before)
        return info.context.loaders.page(relation, getattr(root, key), arguments)

    return _field(resolve, description, Reads(Shape.PAGE, relation, key, scope))


def narrowed(
    relation: Relation[Any],
    description: str,
    matching: Callable[..., Statement | None],
    *,
    scope: str | None = None,
    key: str = "id",
    **asked: Any,
) -> Any:
    """A to-many relation as a connection that can be narrowed, and ordered by `order_by`.

    asked: the further arguments and their types; `matching` is called with those that are given, but the order.
    """

    def page(
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        order_by: Any = None,
        **given: Any,
    ) -> PageArguments:
        return page_arguments(first, after, last, before, order_by, matching(**given))

    def resolve(
        root: strawberry.Parent[Any],
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        **given: Any,
    ) -> Any:
        _require(info, scope)
        return info.context.loaders.page(relation, getattr(root, key), page(first, after, last, before, **given))

    further = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=type_)
        for name, type_ in asked.items()
    ]
    return _field(resolve, description, Reads(Shape.PAGE, relation, key, scope, page), further)


def listed(relation: Relation[Any], description: str, *, scope: str | None = None, key: str = "id") -> Any:
    """A to-many relation that is small by nature (at most 250), as a plain list."""

    def resolve(root: strawberry.Parent[Any], info: Info) -> Any:
        _require(info, scope)
        return info.context.loaders.all(relation, getattr(root, key))

    return _field(resolve, description, Reads(Shape.LIST, relation, key, scope))


def read(info: Info, by_id: Relation[Any], identifier: UUID | None) -> Any:
    """What a payload shows of the row a command wrote; a plan answers it together with everything selected beneath."""
    return info.context.loaders.one(by_id, identifier)


def page_arguments(
    first: int | None,
    after: str | None,
    last: int | None,
    before: str | None,
    order_by: Any = None,
    where: Statement | None = None,
) -> PageArguments:
    """The arguments of a root connection; `order_by` is an input `{field, direction}` of two enums."""
    if order_by is None:
        return PageArguments(first, after, last, before, where=where)
    descending = order_by.direction is OrderDirection.DESC
    return PageArguments(first, after, last, before, order_by.field.value, descending, where)


def scoped(description: str, scope: str) -> str:
    """A description that names the scope it needs."""
    return f"{description} Needs the scope `{scope}`."


def own_key(info: Info) -> UUID:
    """The key of root connections: everything of the caller's organization."""
    return info.context.organization_id


def _require(info: Info, scope: str | None) -> None:
    if scope:
        info.context.caller.require(scope)


def _field(
    resolve: Callable[..., Any], description: str, reads: Reads, further: Sequence[inspect.Parameter] = ()
) -> Any:
    # The class annotation is the type; without this the resolver's own `Any` would be.
    resolve.__annotations__.pop("return")
    signature = inspect.signature(resolve)
    own = [one for one in signature.parameters.values() if one.kind is not inspect.Parameter.VAR_KEYWORD]
    resolve.__signature__ = signature.replace(parameters=[*own, *further])  # type: ignore[attr-defined]  # functions accept attributes
    told = scoped(description, reads.scope) if reads.scope else description
    return strawberry.field(resolver=resolve, description=told, metadata={READS: reads})
