"""SQL that answers with JSON for objects and lists of them."""

from collections.abc import Callable
from dataclasses import dataclass, field

from db.plans.tree import Branch, Constant, Object, Read, Shape
from db.plans.windows import ORGANIZATION, Slot, Window
from db.relations import EVERYTHING, Keyset, Relation, after
from db.statement import Statement, join, sql


@dataclass(slots=True)
class Columns:
    """What the rows of one level must carry, each expression once under a short name."""

    names: dict[str, str] = field(default_factory=dict)

    def name(self, expression: str) -> str:
        return self.names.setdefault(expression, f"c{len(self.names)}")

    @property
    def list(self) -> str:
        return ", ".join(f"{expression} as {name}" for expression, name in self.names.items())


@dataclass(slots=True)
class Writer:
    """Writes one plan; each level of rows has an alias of its own.

    page: writes a connection; given, because connections are made of objects and objects of connections.
    """

    windows: list[Window | None]
    page: Callable[["Writer", Read, Statement], Statement]
    levels: int = 0

    def level(self) -> str:
        self.levels += 1
        return f"p{self.levels}"

    def read(self, read: Read, key: Statement) -> Statement:
        """A query of one JSON value."""
        if read.shape is Shape.PAGE:
            return self.page(self, read, key)
        return self._one(read, key) if read.shape is Shape.ONE else self._list(read, key)

    def outputs(self, selected: Object, alias: str, columns: Columns) -> Statement:
        """The select list of an object over rows that carry `columns` under `alias`."""
        return join(", ", [self._output(output, alias, columns) for output in selected.outputs])

    def rows(self, read: Read, key: Statement, columns: Columns, limit: int) -> Statement:
        """The rows of a page: the columns, and sort_key and tie_key, in the keyset's order."""
        window = self.windows[read.number]
        assert window is not None
        relation, keyset = read.relation, window.keyset
        return sql(
            f"select {_listed(columns)}{keyset.sort.expression} as sort_key, {relation.tie.expression} as tie_key "
            f"from {relation.source} where {_among(relation)} and :where and :after "
            f"order by sort_key {keyset.direction}, tie_key {keyset.direction} limit {limit}",
            organization=ORGANIZATION,
            key=key,
            where=_slotted(keyset.where, read.number),
            after=after(relation, _with_slots(keyset, read.number)),
        )

    def _output(self, output: Constant | Branch | object, alias: str, columns: Columns) -> Statement:
        match output:
            case Constant(key=key, text=text):
                return Statement(f"'{text}' as \"{key}\"")
            case Branch(key=key, link=link, read=read):
                linked = Statement(f"{alias}.{columns.name(link)}")
                return sql(f'(:value) as "{key}"', value=self.read(read, linked))
            case _:
                return Statement(f'{alias}.{columns.name(output.expression)} as "{output.key}"')  # type: ignore[attr-defined]  # a Leaf

    def _one(self, read: Read, key: Statement) -> Statement:
        assert read.object is not None
        alias, columns = self.level(), Columns()
        outputs = self.outputs(read.object, alias, columns)
        return sql(
            f"select row_to_json(obj) from (select :outputs from (select {columns.list} from {read.relation.source} "
            f"where {_among(read.relation)}) {alias}) obj",
            outputs=outputs,
            organization=ORGANIZATION,
            key=key,
        )

    def _list(self, read: Read, key: Statement) -> Statement:
        assert read.object is not None
        alias, columns = self.level(), Columns()
        outputs = self.outputs(read.object, alias, columns)
        window = self.windows[read.number]
        assert window is not None
        rows = self.rows(read, key, columns, window.size)
        return items(outputs, sql(f"(:rows) {alias}", rows=rows))


def items(outputs: Statement, source: Statement) -> Statement:
    """A JSON array of the objects that `outputs` make of the rows of `source`, in their order."""
    return sql(
        "select array_to_json(array(select row_to_json(obj) from (select :outputs from :source) obj))",
        outputs=outputs,
        source=source,
    )


def _among(relation: Relation[object]) -> str:
    return f"t.organization_id = :organization and {relation.key} = {relation.meant}"


def _listed(columns: Columns) -> str:
    return f"{columns.list}, " if columns.names else ""


def _slotted(where: Statement | None, number: int) -> Statement:
    if where is None:
        return EVERYTHING
    return Statement(where.text, tuple(Slot("where", number, index) for index in range(len(where.values))))


def _with_slots(keyset: Keyset, number: int) -> Keyset:
    slots = (Slot("after", number, 0), Slot("after", number, 1)) if keyset.after else None
    return Keyset(keyset.sort, keyset.descending, keyset.limit, slots)
