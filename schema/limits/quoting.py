"""What errors quote of a document: a short piece of its own text, instead of all of it printed anew for each error."""

from importlib import import_module

from graphql import Node
from graphql.language import print_ast

LONGEST = 80
_QUOTING = ("graphql.utilities.validate_input_value", "graphql.type.scalars", "graphql.type.definition")


def quoted(node: Node) -> str:
    """The text of a value, cut where it gets long; printed when it comes from no text."""
    place = node.loc
    if place is None:
        return print_ast(node)
    text = place.source.body[place.start : min(place.end, place.start + LONGEST)]
    return text if place.end - place.start <= LONGEST else f"{text}..."


def quote_shortly() -> None:
    """From now on, in every error of this process."""
    for name in _QUOTING:
        setattr(import_module(name), "print_for_error", quoted)  # noqa: B010  # no type declares it
