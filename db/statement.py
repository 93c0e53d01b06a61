"""SQL text with named parameters and nested statements, turned into what the driver runs: `$n` and a list."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.sql.expression import ClauseElement

if TYPE_CHECKING:
    from db.searches import Search

# `::` is a cast; a name after a word character ('12:30') is text.
_NAME = re.compile(r"(?<![:\w]):([a-z_][a-z0-9_]*)")
_NUMBER = re.compile(r"\$(\d+)")
_DIALECT = PGDialect_asyncpg(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]  # unannotated in 2.1


@dataclass(slots=True, unsafe_hash=True)  # not frozen: each request makes some, and that takes three times as long
class Statement:
    """What the driver runs: text with `$1..$n` and the n values; nobody changes it."""

    text: str
    values: tuple[Any, ...] = ()
    steady: bool = False
    """Of a predicate: whether one plan serves all its values, because they do not change how much it lets through."""
    search: "Search | None" = None
    """Of a predicate: whose ids it compares with, which the statement around it looks up (db/plans/searches.py)."""


def sql(template: str, /, **parts: Any) -> Statement:
    """Binds each `:name` in `template`: a Statement or a Core expression is spliced in, anything else is a parameter.

    >>> sql("select :n + 1", n=41)
    Statement(text='select $1 + 1', values=(41,))
    """
    values: list[Any] = []
    placed: dict[str, str] = {}

    def place(name: str) -> str:
        if name not in placed:
            part = parts[name]
            part = render(part) if isinstance(part, ClauseElement) else part
            placed[name] = _splice(part, values) if isinstance(part, Statement) else _bind(part, values)
        return placed[name]

    pieces = [place(piece) if odd else piece for piece, odd in _split(template)]
    return Statement("".join(pieces), tuple(values))


def join(separator: str, statements: list[Statement]) -> Statement:
    """The statements one after another, parameters renumbered."""
    names = {f"s{i}": statement for i, statement in enumerate(statements)}
    return sql(separator.join(f":{name}" for name in names), **names)


def all_of(predicates: list[Statement]) -> Statement | None:
    """A predicate that holds where each of them does; None for none."""
    return predicates[0] if len(predicates) == 1 else join(" and ", predicates) if predicates else None


def merged(statement: Statement) -> Statement:
    """The same with one parameter for equal values, which must be of one type.

    >>> merged(Statement("select $1 + $2 + $3", (4, 2, 4)))
    Statement(text='select $1 + $2 + $1', values=(4, 2))
    """
    places: dict[Any, int] = {}
    numbers = [places.setdefault(value, len(places) + 1) for value in statement.values]
    return Statement(_NUMBER.sub(lambda found: f"${numbers[int(found[1]) - 1]}", statement.text), tuple(places))


def render(expression: ClauseElement) -> Statement:
    """A SQLAlchemy Core expression as a Statement; every literal in it becomes a parameter."""
    compiled = expression.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
    given = compiled.params
    names = compiled.positiontup or []  # type: ignore[attr-defined]  # on SQLCompiler, which compile() returns here
    return Statement(str(compiled), tuple(given[name] for name in names))


@lru_cache(maxsize=1024)
def _split(template: str) -> tuple[tuple[str, bool], ...]:
    return tuple((piece, bool(i % 2)) for i, piece in enumerate(_NAME.split(template)))


def _bind(value: Any, values: list[Any]) -> str:
    values.append(value)
    return f"${len(values)}"


def _splice(statement: Statement, values: list[Any]) -> str:
    offset = len(values)
    values.extend(statement.values)
    return _renumbered(statement.text, offset) if offset else statement.text


@lru_cache(maxsize=1024)
def _renumbered(text: str, offset: int) -> str:
    return _NUMBER.sub(lambda found: f"${int(found[1]) + offset}", text)
