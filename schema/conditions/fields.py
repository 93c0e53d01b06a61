"""What conditions may name, so that a builder can be drawn from it."""

from typing import Annotated

import strawberry

from domain.conditions import FACT_FIELDS, FIELDS, Field, FieldType
from schema.conditions import vocabulary  # noqa: F401  # registers FieldType
from schema.fields import Info, argument, column, scoped


@strawberry.type(description="A field that a condition may name.")
class ConditionField:
    key: str = column("The name to use.")
    label: str = column("What to call it in front of people.")
    type: FieldType = column("Which kind of condition takes it.")
    operators: list[str] = column("The members of `is` that it offers.")
    unit: str | None = column("money (the organization's currency), days, seconds, orders/month or 0..1.")
    values: list[str] = column("All it can be; empty when it can be anything.")


@strawberry.type
class ConditionFieldQueries:
    @strawberry.field(
        description=scoped(
            "The fields that conditions may name; besides them attributes.<key>, and properties.<key> of facts.",
            "segments:view",
        )
    )
    def segment_fields(
        self, info: Info, of_facts: Annotated[bool, argument("Instead those of `where` in fact conditions.")] = False
    ) -> list[ConditionField]:
        info.context.caller.require("segments:view")
        registry = FACT_FIELDS if of_facts else FIELDS
        return [_field(field) for field in registry.values()]


def _field(field: Field) -> ConditionField:
    return ConditionField(
        key=field.key,
        label=field.label,
        type=field.type,
        operators=[str(operator) for operator in field.operators],
        unit=field.unit,
        values=list(field.values),
    )
