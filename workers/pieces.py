"""A template without tags as pieces, texts and what is written between them: what the library answers, but sooner.

Its tree is walked once and not for each recipient. Whatever is not plain, and whatever goes wrong, is left to the
library, so that both write the same and refuse the same.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from liquid import BoundTemplate
from liquid.builtin.content import ContentNode
from liquid.builtin.expressions import FilteredExpression, Path
from liquid.builtin.expressions.primitive import Literal
from liquid.builtin.output import OutputNode
from liquid.context import RenderContext
from liquid.stringify import to_liquid_string

Values = Mapping[str, Any]
Piece = Callable[[Values], str]
Filter = Callable[[object], object]


class Pieces:
    """A compiled template; `render` answers what `BoundTemplate.render` does."""

    def __init__(self, template: BoundTemplate) -> None:
        self.template = template
        self._pieces = _pieces(template)
        self._limit = template.env.output_stream_limit or 0

    @property
    def is_plain(self) -> bool:
        return self._pieces is not None

    def render(self, values: Values) -> str:
        """Raises what the library does."""
        if self._pieces is not None:
            try:
                done = "".join([piece if isinstance(piece, str) else piece(values) for piece in self._pieces])
                if len(done.encode()) <= self._limit:
                    return done
            except Exception:  # noqa: S110  # the library says what is wrong, in its own words
                pass
        return self.template.render(**values)


def _pieces(template: BoundTemplate) -> Sequence[str | Piece] | None:
    """None for what has a tag, or an expression that is more than a name with filters."""
    pieces: list[str | Piece] = []
    for node in template.nodes:
        if type(node) is ContentNode:
            pieces.append(_lines(node.text))
        elif type(node) is OutputNode and (piece := _output(template, node.expression)):
            pieces.append(piece)
        else:
            return None
    return pieces


def _output(template: BoundTemplate, expression: object) -> Piece | None:
    if type(expression) is not FilteredExpression or type(expression.left) is not Path:
        return None
    path, filters = expression.left.path, _filters(template, expression)
    if filters is None or len(path) != 2 or not all(isinstance(part, str) for part in path):
        return None
    group, name = str(path[0]), str(path[1])
    escapes = template.env.autoescape

    def piece(values: Values) -> str:
        value = values[group][name]
        for filter_ in filters:
            value = filter_(value)
        if type(value) is str and not escapes:
            return _lines(value)
        return _lines(to_liquid_string(value, escapes))

    return piece


def _filters(template: BoundTemplate, expression: FilteredExpression) -> list[Filter] | None:
    """Each with its arguments, which are the same for everybody."""
    context = RenderContext(template)
    found: list[Filter] = []
    for one in expression.filters or ():
        function = template.env.filters[one.name]
        if getattr(function, "with_context", False) or not all(isinstance(arg.value, Literal) for arg in one.args):
            return None
        positional, named = one.evaluate_args(context)
        found.append(_applied(context.filter(one.name, token=one.token), positional, named))
    return found


def _applied(function: Callable[..., object], positional: list[object], named: dict[str, object]) -> Filter:
    return lambda value: function(value, *positional, **named)


def _lines(text: str) -> str:
    """As the library's buffer keeps each text that is written to it."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
