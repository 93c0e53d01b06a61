"""A condition as it is shown: the types are made from the inputs, so that what comes out can go in again."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any

import strawberry
from strawberry.types.base import StrawberryList, StrawberryOptional
from strawberry.types.enum import StrawberryEnumDefinition
from strawberry.types.lazy_type import LazyType
from strawberry.utils.str_converters import to_camel_case

from resolvers.ids import global_id
from schema.conditions.given import ID_OF, SegmentConditionInput

_made: dict[type, type] = {}


def _shown(given: type) -> type:
    """The output type of an input type: the same members, null where the input's would be left out."""
    if given not in _made:
        definition = given.__strawberry_definition__  # type: ignore[attr-defined]  # every input has one
        members: dict[str, Any] = {"__annotations__": {}, "__module__": __name__, "__doc__": None}
        for field in definition.fields:
            members["__annotations__"][field.python_name] = _annotation(field.type)
            members[field.python_name] = strawberry.field(
                description=field.description, name=field.graphql_name, default=None, metadata=field.metadata
            )
        name = definition.name.removesuffix("Input")
        description = definition.description + (" Exactly one member is not null." if definition.is_one_of else "")
        _made[given] = strawberry.type(type(name, (), members), description=description)
    return _made[given]


def _annotation(given: Any) -> Any:
    if isinstance(given, StrawberryOptional):
        return _annotation(given.of_type) | None
    if isinstance(given, StrawberryList):
        return list[_annotation(given.of_type)]  # type: ignore[misc]  # a type made here, not written
    if isinstance(given, LazyType):
        return Annotated["SegmentCondition", strawberry.lazy("schema.conditions.shown")]
    if isinstance(given, StrawberryEnumDefinition):
        return given.wrapped_cls
    return _shown(given) if hasattr(given, "__strawberry_definition__") else given


SegmentCondition: Any = _shown(SegmentConditionInput)


def shown_condition(data: dict[str, Any] | None) -> Any:
    """The stored JSON of a condition as the output type; None for none."""
    return None if data is None else _filled(SegmentCondition, data)


def _filled(shown: Any, data: dict[str, Any]) -> Any:
    fields = shown.__strawberry_definition__.fields
    return shown(**{field.python_name: _value(field, data) for field in fields})


def _value(field: Any, data: dict[str, Any]) -> Any:
    given = data.get(field.graphql_name or to_camel_case(field.python_name))
    if given is None:
        return None
    if id_of := field.metadata.get(ID_OF):
        return global_id(id_of, given)
    return _read(field.type, given)


def _read(type_: Any, given: Any) -> Any:
    if isinstance(type_, StrawberryOptional):
        return _read(type_.of_type, given)
    if isinstance(type_, StrawberryList):
        return [_read(type_.of_type, item) for item in given]
    if isinstance(type_, LazyType):
        return _filled(SegmentCondition, given)
    if isinstance(given, dict):
        return _filled(type_, given)
    return _LEAVES.get(type_, lambda value: value)(given)


_LEAVES: dict[Any, Any] = {Decimal: Decimal, date: date.fromisoformat}
