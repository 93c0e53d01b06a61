"""Which column of a file is which field, decided once from the mapping and the header."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from domain.imports.specs import ImportKind, ImportSpec
from domain.refusals import Refused

MAX_COLUMNS = 100

_WHOSE = ("customer", "email")
_FACT = (*_WHOSE, "key", "occurredAt", "amount", "status", "revision")
FIELDS: Mapping[ImportKind, tuple[str, ...]] = {
    ImportKind.ORDERS: (*_FACT, "sku", "category", "brandLabel", "quantity", "items", "properties"),
    ImportKind.EVENTS: (*_FACT, "kind", "name", "durationSeconds", "properties"),
    ImportKind.CUSTOMERS: (
        *("externalId", "email", "name", "phone", "kind", "dateOfBirth", "timezone", "locale", "loyaltyLevel"),
        *("city", "state", "country", "acquiredAt", "tags", "attributes"),
    ),
}
# `properties.colour` is the property `colour`: the way a flat file gives a nested value.
PREFIXES: Mapping[ImportKind, str] = {
    ImportKind.ORDERS: "properties.",
    ImportKind.EVENTS: "properties.",
    ImportKind.CUSTOMERS: "attributes.",
}
# One field of each group must have a column.
_NEEDED: Mapping[ImportKind, tuple[tuple[str, ...], ...]] = {
    ImportKind.ORDERS: (_WHOSE, ("key",), ("occurredAt",), ("amount",)),
    ImportKind.EVENTS: (_WHOSE, ("key",), ("occurredAt",), ("name", "kind")),
    ImportKind.CUSTOMERS: (("externalId", "email"),),
}


@dataclass(frozen=True, slots=True)
class Columns:
    """fields: the column of each field; unused: columns that are no field and are not read."""

    fields: Mapping[str, str]
    unused: tuple[str, ...] = ()

    def named(self, field: Sequence[str]) -> str | None:
        """The column at fault when a refusal's path is `field` (as in domain: occurred_at, properties/colour)."""
        if not field:
            return None
        path = ".".join((camel(field[0]), *field[1:]))
        return self.fields.get(path) or self.fields.get(camel(field[0])) or path


def camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(other.capitalize() for other in others)


def check_mapping(spec: ImportSpec) -> None:
    """Refuses UNKNOWN_FIELD for a field that this kind of import does not have."""
    for name in spec.mapping:
        if name not in FIELDS[spec.kind] and not name.startswith(PREFIXES[spec.kind]):
            known = ", ".join((*FIELDS[spec.kind], f"{PREFIXES[spec.kind]}…"))
            raise Refused("UNKNOWN_FIELD", f"There is no field {name}; there are {known}.", ("mapping", name))


def csv_columns(spec: ImportSpec, header: Sequence[str]) -> Columns:
    """The columns of a CSV file; refuses headers that cannot be meant so (INVALID_HEADER, MISSING_COLUMN)."""
    check_mapping(spec)
    names = [name.strip() for name in header]
    if len(names) > MAX_COLUMNS:
        raise Refused("INVALID_HEADER", f"The file has {len(names)} columns; at most {MAX_COLUMNS} are read.")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or not any(names):
        raise Refused(
            "INVALID_HEADER", f"The first row must name each column once: {', '.join(twice) or 'it is empty'}."
        )
    own = {name: name for name in names if _is_field(spec, name) and name not in spec.mapping.values()}
    fields = {**own, **spec.mapping}
    for field, column in fields.items():
        if column not in names:
            message = f"There is no column {column} for {field}; there are {', '.join(names)}."
            raise Refused("MISSING_COLUMN", message, ("mapping", field))
    _require(spec, fields)
    return Columns(fields, tuple(name for name in names if name not in fields.values()))


def json_columns(spec: ImportSpec) -> Columns:
    """The keys of the objects of a JSONL file: any of them may be absent in any row."""
    check_mapping(spec)
    return Columns({name: name for name in FIELDS[spec.kind]} | dict(spec.mapping))


def _is_field(spec: ImportSpec, name: str) -> bool:
    # A flat file cannot hold lists and objects.
    nested = ("items", "properties", "attributes")
    return (name in FIELDS[spec.kind] and name not in nested) or name.startswith(PREFIXES[spec.kind])


def _require(spec: ImportSpec, fields: Mapping[str, str]) -> None:
    for group in _NEEDED[spec.kind]:
        if not any(name in fields for name in group):
            wanted = " or ".join(group)
            message = f"No column says {wanted}. Name it so, or map it: {group[0]}=<column>."
            raise Refused("MISSING_COLUMN", message, ("mapping", group[0]))
