"""Values of arguments as Strawberry makes them, by functions that are put together once for each type.

Strawberry looks types up anew for each value, which a small query feels.
"""

from collections.abc import Callable
from dataclasses import MISSING
from typing import Any

from strawberry.scalars import is_scalar
from strawberry.types.arguments import convert_argument
from strawberry.types.base import StrawberryList, StrawberryOptional, get_object_definition
from strawberry.types.enum import StrawberryEnumDefinition, has_enum_definition
from strawberry.types.lazy_type import LazyType
from strawberry.types.unset import UNSET

Convert = Callable[[Any], Any]


class Inputs:
    """The converters of one schema's types."""

    def __init__(self, strawberry: Any) -> None:
        self._config = strawberry.config
        self._scalars = strawberry.schema_converter.scalar_registry
        self._known: dict[Any, Convert] = {}

    def converter(self, type_: Any) -> Convert:
        """What makes the resolver's value of a coerced one; whatever is unusual is left to Strawberry itself."""
        if type_ not in self._known:
            # An input may contain itself.
            self._known[type_] = lambda value: self._known[type_](value)
            self._known[type_] = self._made(type_)
        return self._known[type_]

    def _made(self, type_: Any) -> Convert:
        if isinstance(type_, LazyType):
            return self.converter(type_.resolve_type())
        if type(type_) is StrawberryOptional:  # a StrawberryMaybe is one too, but means something else
            return self._optional(self.converter(type_.of_type))
        if isinstance(type_, StrawberryEnumDefinition) or has_enum_definition(type_) or is_scalar(type_, self._scalars):
            return _same
        if isinstance(type_, StrawberryList):
            return self._list(self.converter(type_.of_type))
        definition = get_object_definition(type_)
        if type(type_) is type and definition and definition.is_input and definition.from_input is None:
            return self._object(type_, definition)
        return lambda value: convert_argument(value, type_, self._scalars, self._config)

    def _optional(self, convert: Convert) -> Convert:
        return lambda value: value if value is None or value is UNSET else convert(value)

    def _list(self, convert: Convert) -> Convert:
        return lambda value: [convert(item) for item in value]

    def _object(self, type_: type, definition: Any) -> Convert:
        name_of = self._config.name_converter.from_field
        fields = {
            name_of(field): (field.python_name, self.converter(field.resolve_type(type_definition=definition)))
            for field in definition.fields
        }
        absent = {
            field.python_name: None
            for field in definition.fields
            if field.default_value is MISSING and field.default_factory is MISSING
        }

        def convert(value: dict[str, Any]) -> Any:
            given = {fields[name][0]: fields[name][1](item) for name, item in value.items()}
            return type_(**{**absent, **given})

        return convert


def _same(value: Any) -> Any:
    return value
