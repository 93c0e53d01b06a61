"""What may cause a customer to enter a stage, besides its rule: the kinds of facts that organizations name.

A stage with triggers takes somebody in only after a fact of one of these kinds that is later than what was known when
the current stage was entered. So it depends on what is known and not on the order in which it was told.
"""

from enum import StrEnum

from domain.facts import FactKind


class StageTrigger(StrEnum):
    APPOINTMENT_COMPLETED = "APPOINTMENT_COMPLETED"
    APPOINTMENT_REQUESTED = "APPOINTMENT_REQUESTED"
    CALL_RECEIVED = "CALL_RECEIVED"
    EVENT_TRACKED = "EVENT_TRACKED"
    ORDER_COMPLETED = "ORDER_COMPLETED"
    REFUND_MADE = "REFUND_MADE"
    TICKET_OPENED = "TICKET_OPENED"
    VISIT_MADE = "VISIT_MADE"


# Without a status whatever became of it: a request that was completed was a request, and facts are corrected in place.
FACTS: dict[StageTrigger, tuple[FactKind, str | None]] = {
    StageTrigger.APPOINTMENT_COMPLETED: (FactKind.APPOINTMENT, "COMPLETED"),
    StageTrigger.APPOINTMENT_REQUESTED: (FactKind.APPOINTMENT, None),
    StageTrigger.CALL_RECEIVED: (FactKind.CALL, None),
    StageTrigger.EVENT_TRACKED: (FactKind.CUSTOM, None),
    StageTrigger.ORDER_COMPLETED: (FactKind.ORDER, "COMPLETED"),
    StageTrigger.REFUND_MADE: (FactKind.REFUND, None),
    StageTrigger.TICKET_OPENED: (FactKind.TICKET, None),
    StageTrigger.VISIT_MADE: (FactKind.VISIT, None),
}
