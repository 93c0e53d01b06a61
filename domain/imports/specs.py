"""What is to be imported: the kind of rows, the format, and what holds for every row of the file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID


class ImportKind(StrEnum):
    CUSTOMERS = "CUSTOMERS"
    ORDERS = "ORDERS"
    EVENTS = "EVENTS"


class FileFormat(StrEnum):
    CSV = "CSV"
    JSONL = "JSONL"


@dataclass(frozen=True, slots=True)
class ImportSpec:
    """mapping: column of the file by field; a field that is not mapped is the column of its own name.

    timezone: of the organization, for days without a time. brand_id: of every fact in the file.
    """

    kind: ImportKind
    format: FileFormat = FileFormat.CSV
    source: str = "import"
    timezone: str = "UTC"
    brand_id: UUID | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)
