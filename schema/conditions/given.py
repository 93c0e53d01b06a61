"""A condition as it is given: one recursive input in which exactly one member is set."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any

import strawberry
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.utils.str_converters import to_camel_case

from domain.conditions.tree import Aggregate, Channel, ConsentState, Measure, MessageOutcome
from domain.facts import FactKind
from resolvers.ids import row_id
from schema.conditions import vocabulary  # noqa: F401  # registers the enums used below

# Metadata of an id: the type it must be of.
ID_OF = "id_of"


def _one(description: str, *, name: str | None = None, id_of: str | None = None) -> Any:
    """A member that may be left out."""
    metadata = {ID_OF: id_of} if id_of else {}
    return strawberry.field(default=strawberry.UNSET, description=description, name=name, metadata=metadata)


def _must(description: str, *, name: str | None = None) -> Any:
    return strawberry.field(description=description, name=name)


@strawberry.input(description="A range of numbers, both ends included.")
class DecimalRangeInput:
    min: Decimal = _must("The smallest.")
    max: Decimal = _must("The largest.")


@strawberry.input(description="A range of days, both ends included.")
class DateRangeInput:
    min: date = _must("The first day.")
    max: date = _must("The last day.")


@strawberry.input(
    one_of=True, description="How a number is compared; nothing but isNull, ne and notIn match an unknown one."
)
class NumberComparisonInput:
    eq: Decimal | None = _one("Equal to.")
    ne: Decimal | None = _one("Not equal to; includes the unknown.")
    gt: Decimal | None = _one("Greater than.")
    gte: Decimal | None = _one("At least.")
    lt: Decimal | None = _one("Less than.")
    lte: Decimal | None = _one("At most.")
    between: DecimalRangeInput | None = _one("From min to max.")
    in_: list[Decimal] | None = _one("One of these.", name="in")
    not_in: list[Decimal] | None = _one("None of these; includes the unknown.")
    is_null: bool | None = _one("true: unknown; false: known.")


@strawberry.input(one_of=True, description="How a text is compared; every character is literal.")
class TextComparisonInput:
    eq: str | None = _one("Exactly this.")
    ne: str | None = _one("Not exactly this; includes the unknown.")
    in_: list[str] | None = _one("One of these, exactly.", name="in")
    not_in: list[str] | None = _one("None of these; includes the unknown.")
    contains: str | None = _one("Contains, in any case.")
    not_contains: str | None = _one("Does not contain, in any case; includes the unknown.")
    starts_with: str | None = _one("Begins with, in any case.")
    ends_with: str | None = _one("Ends with, in any case.")
    is_null: bool | None = _one("true: unknown; false: known.")


@strawberry.input(one_of=True, description="How a date is compared, in whole local days of the organization.")
class DateComparisonInput:
    before: date | None = _one("Before this day began.")
    after: date | None = _one("After this day ended.")
    between: DateRangeInput | None = _one("From the first day to the last.")
    within_days: int | None = _one("On or after the start of the day so many days ago.")
    older_than_days: int | None = _one("Before the start of the day so many days ago.")
    anniversary_within_days: int | None = _one("Its next anniversary is at most so many days ahead.")
    is_null: bool | None = _one("true: unknown; false: known.")


@strawberry.input(one_of=True, description="How a set of texts is compared.")
class SetComparisonInput:
    any_of: list[str] | None = _one("Has at least one of these.")
    none_of: list[str] | None = _one("Has none of these.")
    all_of: list[str] | None = _one("Has each of these.")


@strawberry.input(description="A number field compared.")
class NumberConditionInput:
    field: str = _must("A key of segmentFields, or attributes.<key>.")
    is_: NumberComparisonInput = _must("How it is compared.", name="is")


@strawberry.input(description="A text field compared.")
class TextConditionInput:
    field: str = _must("A key of segmentFields, or attributes.<key>.")
    is_: TextComparisonInput = _must("How it is compared.", name="is")


@strawberry.input(description="A date field compared.")
class DateConditionInput:
    field: str = _must("A key of segmentFields, or attributes.<key>.")
    is_: DateComparisonInput = _must("How it is compared.", name="is")


@strawberry.input(description="A set field compared.")
class SetConditionInput:
    field: str = _must("A key of segmentFields, or attributes.<key>.")
    is_: SetComparisonInput = _must("How it is compared.", name="is")


@strawberry.input(one_of=True, description="What must hold for a fact to count.")
class FactFilterInput:
    number: NumberConditionInput | None = _one("A number of the fact: amount, durationSeconds, properties.<key>.")
    text: TextConditionInput | None = _one("A text of the fact: status, source, properties.<key>.")
    set: SetConditionInput | None = _one("A set of the fact: skus, categories, brands.")


@strawberry.input(description="An aggregate over a customer's facts, compared with a number.")
class FactConditionInput:
    kind: FactKind = _must("Which facts. Of orders only completed ones count unless `where` asks for a status.")
    name: str | None = _one("The name of the CUSTOM facts meant.")
    aggregate: Aggregate = _must("What is made of them.")
    of: Measure | None = _one("What SUM, AVG, MIN and MAX are taken of; AMOUNT without it.")
    where: list[FactFilterInput] | None = _one("All of these hold for a fact that counts.")
    within_days: int | None = _one("Only facts on or after the start of the day so many days ago.")
    between: DateRangeInput | None = _one("Only facts from the first day to the last.")
    is_: NumberComparisonInput = _must("How the aggregate is compared.", name="is")


@strawberry.input(description="Is in a lifecycle stage.")
class StageConditionInput:
    in_: list[str] = _must("Keys of stages.", name="in")
    entered_within_days: int | None = _one("Entered it on or after the start of the day so many days ago.")


@strawberry.input(description="At least one message to the customer ended so.")
class MessageConditionInput:
    was: MessageOutcome = _must("How it ended.")
    channel: Channel | None = _one("Only on this channel.")
    campaign: strawberry.ID | None = _one("Only of this campaign.", id_of="Campaign")
    within_days: int | None = _one("On or after the start of the day so many days ago.")


@strawberry.input(description="What the customer said about being reached.")
class ConsentConditionInput:
    channel: Channel = _must("On which channel.")
    topic: str = _must("About what.")
    state: ConsentState = _must("What was said.")
    brand: strawberry.ID | None = _one("By this brand; without it the segment's brand or any.", id_of="Brand")


@strawberry.input(
    description="Is among the top so many percent of those with a value above 0; ties at the cut are out."
)
class PercentileConditionInput:
    field: str = _must("A number key of segmentFields.")
    top: Decimal = _must("Percent, above 0 and at most 100.")


@strawberry.input(description="A lasting random share of the customers, by a hash of salt and customer.")
class BucketConditionInput:
    salt: str = _must("Another salt gives another share.")
    from_: int = _must("The first bucket, 0 to 9,999.", name="from")
    to: int = _must("The bucket after the last one, 1 to 10,000.")


@strawberry.input(
    one_of=True,
    description="Which customers: exactly one member. At most 10 levels, 100 leaves and 1,000 list items.",
)
class SegmentConditionInput:
    all: list[Annotated["SegmentConditionInput", strawberry.lazy("schema.conditions.given")]] | None = _one(
        "Every one of these holds; never empty."
    )
    any: list[Annotated["SegmentConditionInput", strawberry.lazy("schema.conditions.given")]] | None = _one(
        "At least one of these holds; never empty."
    )
    not_: Annotated["SegmentConditionInput", strawberry.lazy("schema.conditions.given")] | None = _one(
        "This does not hold; includes the unknown.", name="not"
    )
    everyone: bool | None = _one("All customers, said on purpose: only true is possible.")
    number: NumberConditionInput | None = _one("A number field.")
    text: TextConditionInput | None = _one("A text field.")
    date: DateConditionInput | None = _one("A date field.")
    set: SetConditionInput | None = _one("A set field.")
    fact: FactConditionInput | None = _one("An aggregate over facts.")
    in_segment: strawberry.ID | None = _one("Is a member of this segment.", id_of="Segment")
    stage: StageConditionInput | None = _one("A lifecycle stage.")
    message: MessageConditionInput | None = _one("Messages of the past.")
    consent: ConsentConditionInput | None = _one("A consent.")
    percentile: PercentileConditionInput | None = _one("The top of everybody.")
    bucket: BucketConditionInput | None = _one("A random share.")


def given_condition(given: object) -> Any:
    """The input as the plain data that domain/conditions parses: members by their GraphQL names, ids as row ids."""
    if isinstance(given, list):
        return [given_condition(item) for item in given]
    definition = getattr(type(given), "__strawberry_definition__", None)
    if not isinstance(definition, StrawberryObjectDefinition):
        return given
    members = {}
    for field in definition.fields:
        value = getattr(given, field.python_name)
        if value is strawberry.UNSET:
            continue
        name = field.graphql_name or to_camel_case(field.python_name)
        id_of = field.metadata.get(ID_OF)
        members[name] = row_id(value, id_of) if id_of and value is not None else given_condition(value)
    return members
