"""SQL that answers with JSON for connections: items, cursors, page info and counts."""

from db.plans.base64url import base64url, base64url_of_plain
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
    """The parts of one connection over the same rows.

    When only the items are wanted, they are what the rows give. Otherwise everything is gathered from the rows in one
    pass, as arrays in the order of the answer: one row more than the page has tells whether there is another page, and
    a slice leaves it out.
    """

    def __init__(self, writer: Writer, read: Read, key: Statement) -> None:
        self.writer, self.read, self.key = writer, read, key
        self.alias, self.columns = writer.level(), Columns()
        window = writer.windows[read.number]
        assert window is not None
        self.window: Window = window
        users = sum(isinstance(part, Nodes | Edges) for part in read.parts)
        self.gathered = users > 1 or window.backward or any(isinstance(part, PageInfo) for part in read.parts)
        self.gathering: list[Statement] = []
        self.objects: list[Statement] = []

    def written(self) -> Statement:
        parts = join(", ", [sql(f'(:part) as "{part.key}"', part=self._part(part)) for part in self.read.parts])
        if not self.gathered:
            return sql("select row_to_json(conn) from (select :parts) conn", parts=parts)
        return sql(
            f"select row_to_json(conn) from (select :parts from (select {self._bounds} from (select :gathering from "
            f"(:rows) {self.alias} :objects) g) {self._gathered}) conn",
            parts=parts,
            gathering=join(", ", [*self.gathering, *self._gathered_keys()]),
            rows=self._ordered(self.writer.rows(self.read, self.key, self.columns, self.window.keyset.limit)),
            objects=join(" ", self.objects),
        )

    @property
    def _gathered(self) -> str:
        return f"g{self.alias}"

    @property
    def _bounds(self) -> str:
        """The gathered arrays, and the places of the first and the last row of the page among them."""
        size = self.window.size
        if self.window.backward:
            return f"g.*, greatest(g.number - {size}, 0) + 1 as low, g.number as high"
        return f"g.*, 1 as low, least(g.number, {size}) as high"

    def _gathered_keys(self) -> list[Statement]:
        keys = f", array_agg({self.alias}.sort_key) as sorts, array_agg({self.alias}.tie_key) as ties"
        return [Statement("count(*) as number" + (keys if self._tells_cursors() else ""))]

    def _tells_cursors(self) -> bool:
        infos = [output for part in self.read.parts if isinstance(part, PageInfo) for output in part.outputs]
        return any(not isinstance(info, Constant) and info[1] in (Info.START, Info.END) for info in infos)

    def _ordered(self, rows: Statement) -> Statement:
        """Backwards the statement reads from the end; the answer is in the connection's own order all the same."""
        if not self.window.backward:
            return rows
        direction = "asc" if self.window.keyset.descending else "desc"
        return sql(f"select * from (:rows) q order by q.sort_key {direction}, q.tie_key {direction}", rows=rows)

    def _part(self, part: Part) -> Statement:
        match part:
            case Constant(text=text):
                return Statement(f"select '{text}'")
            case Nodes(object=selected):
                return self._items(self.writer.outputs(selected, self.alias, self.columns))
            case Edges():
                return self._items(join(", ", [self._edge(output) for output in part.outputs]))
            case PageInfo():
                return _json([self._info(output) for output in part.outputs])
            case Total():
                return self._total(part)

    def _items(self, outputs: Statement) -> Statement:
        if not self.gathered:
            rows = self.writer.rows(self.read, self.key, self.columns, self.window.size)
            return items(outputs, sql(f"(:rows) {self.alias}", rows=rows))
        place = len(self.objects)
        self.objects.append(sql(f", lateral (select :outputs) obj{place}", outputs=outputs))
        self.gathering.append(Statement(f"array_agg(row_to_json(obj{place})) as items{place}"))
        whole = self._gathered
        return Statement(f"select coalesce({whole}.items{place}[{whole}.low:{whole}.high], '{{}}')")

    def _edge(self, output: tuple[str, Object | None] | Constant) -> Statement:
        if isinstance(output, Constant):
            return Statement(f"'{output.text}' as \"{output.key}\"")
        name, selected = output
        if selected is None:
            return Statement(
                f'{self._cursor(f"{self.alias}.sort_key::text", f"{self.alias}.tie_key::text")} as "{name}"'
            )
        outputs = self.writer.outputs(selected, self.alias, self.columns)
        return sql(f'(select row_to_json(edge) from (select :outputs) edge) as "{name}"', outputs=outputs)

    def _cursor(self, sort: str, tie: str) -> str:
        """As resolvers/paging.encode_cursor writes it; there is nothing to escape in ids, numbers and instants."""
        if "text" not in (self.window.keyset.sort.type, self.read.relation.tie.type):
            return base64url_of_plain(f"""'["{self.window.order}","' || {sort} || '","' || {tie} || '"]'""")
        return base64url(f"""'["{self.window.order}",' || to_json({sort}) || ',' || to_json({tie}) || ']'""")

    def _info(self, output: tuple[str, Info] | Constant) -> Statement:
        if isinstance(output, Constant):
            return Statement(f"'{output.text}' as \"{output.key}\"")
        name, info = output
        return Statement(f'{self._of_page(info)} as "{name}"')

    def _of_page(self, info: Info) -> str:
        whole = self._gathered
        if info in (Info.START, Info.END):
            place = f"{whole}.{'low' if info is Info.START else 'high'}"
            return self._cursor(f"{whole}.sorts[{place}]::text", f"{whole}.ties[{place}]::text")
        beyond = (info is Info.HAS_PREVIOUS) == self.window.backward
        if beyond:
            return f"{whole}.number > {self.window.size}"
        return "true" if self.window.continued else "false"

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
