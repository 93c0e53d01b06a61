"""Templates of segments, and the other ways to say a condition: limits and a flat list."""

from decimal import Decimal
from typing import Any

import strawberry

from domain import segment_templates as domain
from domain.conditions import sentence, to_json
from schema.conditions import SegmentCondition, shown_condition
from schema.fields import Info, column, scoped
from schema.segments import VIEW


def _may(description: str) -> Any:
    return strawberry.field(default=strawberry.UNSET, description=description)


def _must(description: str) -> Any:
    return strawberry.field(description=description)


@strawberry.input(description="A condition as limits, both ends included; all that are given must hold.")
class SegmentCriteriaInput:
    min_lifetime_value: Decimal | None = _may("Lifetime value at least.")
    max_lifetime_value: Decimal | None = _may("Lifetime value at most.")
    min_orders: Decimal | None = _may("Completed orders at least.")
    max_orders: Decimal | None = _may("Completed orders at most.")
    min_days_since_last_purchase: Decimal | None = _may("Days since the last order at least; needs an order.")
    max_days_since_last_purchase: Decimal | None = _may("Days since the last order at most; needs an order.")
    min_purchase_frequency: Decimal | None = _may("Orders a month at least.")
    max_purchase_frequency: Decimal | None = _may("Orders a month at most.")
    min_tenure_days: Decimal | None = _may("Days since the customer was won at least.")
    max_tenure_days: Decimal | None = _may("Days since the customer was won at most.")
    loyalty_levels: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description="One of these loyalty levels, exactly."
    )


@strawberry.input(description="A comparison of a flat list; all of them must hold.")
class SegmentComparisonInput:
    field: str = _must(
        "total_order_value, total_order_count, average_order_value, purchase_frequency, last_order_date, "
        "first_order_date, buyer_type (the attribute of this name), buyer_state, buyer_city, purchased_product_sku, "
        "purchased_product_category or purchased_brand."
    )
    operator: str = _must(
        "equals, not_equals, greater_than, less_than, greater_than_or_equal, less_than_or_equal, contains, within_days "
        "or older_than_days, as the field allows."
    )
    value: str = _must("What to compare with; numbers and days as text.")


@strawberry.input(description="A parameter of a template.")
class SegmentTemplateParameterInput:
    name: str = _must("Which one.")
    value: Decimal = strawberry.field(description="Its value.")


@strawberry.input(description="A template with parameters.")
class SegmentTemplateInput:
    key: str = _must("A key of segmentTemplates.")
    parameters: list[SegmentTemplateParameterInput] | None = strawberry.field(
        default=strawberry.UNSET, description="Those that shall not be as they are by default."
    )


@strawberry.type(description="A number that a template takes.")
class SegmentTemplateParameter:
    name: str = column("The name to use.")
    label: str = column("What to call it in front of people.")
    default: Decimal = column("What it is when nothing is said.")
    minimum: Decimal = column("The smallest possible.")
    maximum: Decimal = column("The largest possible.")
    unit: str | None = column("days, money (the organization's currency), orders/month or percent.")
    whole: bool = column("Whether it is a whole number.")


@strawberry.type(description="A segment that shops often want, to be made with their own numbers.")
class SegmentTemplate:
    key: str = column("The name to use.")
    name: str = column("What to call it in front of people.")
    description: str = column("Whom it means.")
    parameters: list[SegmentTemplateParameter] = column("The numbers it takes.")
    condition: SegmentCondition = column("The condition with its default numbers.")
    condition_text: str = column("The same as a sentence.")


@strawberry.type
class SegmentTemplateQueries:
    @strawberry.field(
        description=scoped("Templates of segments; segmentCreate and segmentPreview take them.", VIEW),
    )
    def segment_templates(self, info: Info) -> list[SegmentTemplate]:
        info.context.caller.require(VIEW)
        return [_shown(template) for template in domain.TEMPLATES.values()]


def _shown(template: domain.Template) -> SegmentTemplate:
    condition = template.condition()
    return SegmentTemplate(
        key=template.key,
        name=template.name,
        description=template.description,
        parameters=[
            SegmentTemplateParameter(
                name=parameter.name,
                label=parameter.label,
                default=parameter.default,
                minimum=parameter.minimum,
                maximum=parameter.maximum,
                unit=parameter.unit,
                whole=parameter.whole,
            )
            for parameter in template.parameters
        ],
        condition=shown_condition(to_json(condition)),
        condition_text=sentence(condition),
    )
