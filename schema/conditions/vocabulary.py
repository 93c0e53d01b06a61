"""The closed words of conditions."""

from domain.conditions.fields import FieldType
from domain.conditions.tree import Aggregate, Channel, ConsentState, Measure, MessageOutcome
from domain.facts import FactKind
from schema.enums import described

described(
    FactKind,
    "What kind of thing happened.",
    {
        "ORDER": "A purchase.",
        "REFUND": "Money given back.",
        "APPOINTMENT": "An appointment asked for, kept, missed or cancelled.",
        "CALL": "A phone call.",
        "VISIT": "A visit in person.",
        "TICKET": "A support ticket.",
        "CLICK": "A link of a message that they followed; programs that do so do not count.",
        "INBOUND_MESSAGE": "A message that they wrote, such as an answer to one of ours.",
        "CUSTOM": "Anything else; it has a name of its own.",
    },
)
described(
    Aggregate,
    "What is made of the facts that count.",
    {
        "COUNT": "How many; 0 of nothing.",
        "SUM": "Their sum; 0 of nothing.",
        "AVG": "Their mean; unknown of nothing.",
        "MIN": "The smallest; unknown of nothing.",
        "MAX": "The largest; unknown of nothing.",
        "DISTINCT_DAYS": "On how many local days; 0 of nothing.",
    },
)
described(
    Measure,
    "What sums, means and extremes are taken of.",
    {"AMOUNT": "The amount.", "DURATION_SECONDS": "The duration in seconds."},
)
described(
    MessageOutcome,
    "How a message ended.",
    {
        "SENT": "The provider took it.",
        "FAILED": "It could not be sent.",
        "SKIPPED": "It was left out for a reason.",
        "DELIVERED": "It came to its address, as far as that was told.",
        "OPENED": "A person opened it.",
        "CLICKED": "A person followed a link of it.",
        "BOUNCED": "It came back.",
        "REPLIED": "It was answered.",
        "NOT_OPENED": "The provider took it, and no person has opened it.",
        "NOT_CLICKED": "The provider took it, and no person has followed a link of it.",
    },
)
described(
    Channel,
    "A way to reach a customer.",
    {
        "EMAIL": "E-mail.",
        "SMS": "Text message.",
        "PUSH": "Push notification.",
        "WALLET": "Wallet pass.",
        "WEBHOOK": "A call to an address of the brand's own.",
    },
)
described(
    ConsentState,
    "What a customer said about being reached.",
    {
        "SUBSCRIBED": "Yes.",
        "UNSUBSCRIBED": "No.",
        "PENDING": "Asked to confirm, not yet confirmed.",
        "NEVER": "Nothing was ever recorded.",
    },
)
described(
    FieldType,
    "Which kind of condition takes a field.",
    {
        "NUMBER": "`number` and `percentile`.",
        "TEXT": "`text`.",
        "DATE": "`date`.",
        "SET": "`set`.",
    },
    name="ConditionFieldType",
)
