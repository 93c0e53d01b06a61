"""SQL that answers with JSON for connections: items, cursors, page info and counts."""

from db.plans.objects import Columns, Writer, items
from db.plans.tree import Constant, Edges, Info, Nodes, Number, Object, PageInfo, Part, Read, Total
from db.plans.windows import ORGANIZATION, Slot, Window
from db.relations import COUNT_CAP, EVERYTHING
from db.statement import Statement, join, sql


def written(read: Read, key: Statement, windows: list[Window | None]) -> Statement:
    """A query of one JSON value: the reading and everything beneath it."""
    return Writer(windows, page).read(read, key)


def page(writer: Writer, read: Read, key: Statement) -> Statement:
    """A query of one JSON object, the connection."""
    return _Page(writer, read, key).written()


class _Page:
    """The parts of one connection over the same rows."""

    def __init__(self, writer: Writer, read: Read, key: Statement) -> None:
        self.writer, self.read, self.key = writer, read, key
        self.alias, self.columns = writer.level(), Columns()
        window = writer.windows[read.number]
        assert window is not None
        self.window: Window = window
        # Read once and kept when several parts need the rows, or when one must know whether there are more.
        users = sum(isinstance(part, Nodes | Edges) for part in read.parts)
        self.kept = users > 1 or window.backward or any(isinstance(part, PageInfo) for part in read.parts)

    def written(self) -> Statement:
        parts = join(", ", [sql(f'(:part) as "{part.key}"', part=self._part(part)) for part in self.read.parts])
        if not self.kept:
            return sql("select row_to_json(conn) from (select :parts) conn", parts=parts)
        direction = self.window.keyset.direction
        return sql(
            f"with {self._kept} as materialized (select q.*, row_number() over (order by q.sort_key {direction}, "
            f"q.tie_key {direction}) as place from (:rows) q) select row_to_json(conn) from (select :parts) conn",
            rows=self._rows("limit"),
            parts=parts,
        )

    @property
    def _kept(self) -> str:
        return f"r{self.alias}"

    @property
    def _size(self) -> Slot:
        return Slot("size", self.read.number)

    def _rows(self, limit: str) -> Statement:
        return self.writer.rows(self.read, self.key, self.columns, Slot(limit, self.read.number))

    def _part(self, part: Part) -> Statement:
        match part:
            case Constant(text=text):
                return Statement(f"select '{text}'")
            case Nodes(object=selected):
                outputs = self.writer.outputs(selected, self.alias, self.columns)
                return items(outputs, self._source())
            case Edges():
                outputs = join(", ", [self._edge(output) for output in part.outputs])
                return items(outputs, self._source())
            case PageInfo():
                return _json([self._info(output) for output in part.outputs])
            case Total():
                return self._total(part)

    def _source(self) -> Statement:
        """The page's rows in the order of the answer; asked for after the columns are known."""
        if not self.kept:
            return sql(f"(:rows) {self.alias}", rows=self._rows("size"))
        order = "desc" if self.window.backward else "asc"
        kept = f"(select * from {self._kept} k where k.place <= :size order by k.place {order}) {self.alias}"
        return sql(kept, size=self._size)

    def _edge(self, output: tuple[str, Object | None] | Constant) -> Statement:
        if isinstance(output, Constant):
            return Statement(f"'{output.text}' as \"{output.key}\"")
        name, selected = output
        if selected is None:
            return Statement(f'{self._cursor(self.alias)} as "{name}"')
        outputs = self.writer.outputs(selected, self.alias, self.columns)
        return sql(f'(select row_to_json(edge) from (select :outputs) edge) as "{name}"', outputs=outputs)

    def _cursor(self, alias: str) -> str:
        """As resolvers/paging.encode_cursor writes it."""
        keys = f"to_json({alias}.sort_key::text) || ',' || to_json({alias}.tie_key::text)"
        text = f"""'["{self.window.order}",' || {keys} || ']'"""
        return f"translate(encode(convert_to({text}, 'UTF8'), 'base64'), E'+/=\\n', '-_')"

    def _info(self, output: tuple[str, Info] | Constant) -> Statement:
        if isinstance(output, Constant):
            return Statement(f"'{output.text}' as \"{output.key}\"")
        name, info = output
        return sql(f'(:value) as "{name}"', value=self._of_page(info))

    def _of_page(self, info: Info) -> Statement:
        if info in (Info.START, Info.END):
            last = (info is Info.END) != self.window.backward
            return sql(
                f"select {self._cursor('k')} from {self._kept} k where k.place <= :size "
                f"order by k.place {'desc' if last else 'asc'} limit 1",
                size=self._size,
            )
        beyond = (info is Info.HAS_PREVIOUS) == self.window.backward
        if beyond:
            return sql(f"select count(*) > :size from {self._kept}", size=self._size)
        return Statement(f"select {'true' if self.window.continued else 'false'}")

    def _total(self, total: Total) -> Statement:
        where = self.window.keyset.where
        slots = () if where is None else tuple(Slot("where", self.read.number, i) for i in range(len(where.values)))
        outputs = join(", ", [_number(output) for output in total.outputs])
        return sql(
            f"select row_to_json(total) from (select :outputs from (select count(*) as number from (select from "
            f"{self.read.relation.source} where t.organization_id = :organization and {self.read.relation.key} = :key "
            f"and :where limit {COUNT_CAP + 1}) counted) k) total",
            outputs=outputs,
            organization=ORGANIZATION,
            key=self.key,
            where=EVERYTHING if where is None else Statement(where.text, slots),
        )


def _number(output: tuple[str, Number] | Constant) -> Statement:
    if isinstance(output, Constant):
        return Statement(f"'{output.text}' as \"{output.key}\"")
    name, number = output
    if number is Number.VALUE:
        return Statement(f'least(k.number, {COUNT_CAP}) as "{name}"')
    return Statement(f"case when k.number <= {COUNT_CAP} then 'EXACT' else 'AT_LEAST' end as \"{name}\"")


def _json(outputs: list[Statement]) -> Statement:
    return sql("select row_to_json(info) from (select :outputs) info", outputs=join(", ", outputs))
