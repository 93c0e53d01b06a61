"""What entering a stage causes: tasks for people, each made once for a stay, or once for a customer."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from domain import values
from domain.refusals import Refused

MAX_ACTIONS = 10
MAX_DUE_DAYS = 365
# The kind of an action that is no task (domain/journeys/messages.py).
MESSAGE = "MESSAGE"


class TaskKind(StrEnum):
    CALL = "CALL"
    FOLLOW_UP = "FOLLOW_UP"
    FEEDBACK = "FEEDBACK"
    REVIEW = "REVIEW"
    OFFER = "OFFER"


class TaskStatus(StrEnum):
    OPEN = "OPEN"
    DONE = "DONE"
    CANCELLED = "CANCELLED"


class Repeat(StrEnum):
    """Whether coming back to the stage causes the task again."""

    ONCE = "ONCE"
    EACH_ENTRY = "EACH_ENTRY"


KEY = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,48}[a-z0-9])?")


def declared(
    actions: Sequence[Mapping[str, Any]], before: Sequence[Mapping[str, Any]], now: datetime
) -> list[dict[str, Any]]:
    """The actions as they are stored, each `since` it was first declared: whoever is inside already gets no task.

    Refuses INVALID and TOO_MANY.
    """
    if len(actions) > MAX_ACTIONS:
        raise Refused("TOO_MANY", f"A stage has at most {MAX_ACTIONS} actions.", ("actions",))
    if len({action["key"] for action in actions}) < len(actions):
        raise Refused("INVALID", "An action's key is unique in its stage.", ("actions",))
    since = {action["key"]: action["since"] for action in before}
    return [
        {**_checked(action, ("actions", str(number))), "since": since.get(action["key"], now.isoformat())}
        for number, action in enumerate(actions)
    ]


def _checked(action: Mapping[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    if not KEY.fullmatch(action["key"]):
        message = "A key has 1 to 50 lower-case letters, digits and inner hyphens or underscores."
        raise Refused("INVALID", message, (*path, "key"))
    if not 0 <= action["due_in_days"] <= MAX_DUE_DAYS:
        raise Refused("INVALID", f"A task is due in 0 to {MAX_DUE_DAYS} days.", (*path, "dueInDays"))
    return {
        "key": action["key"],
        "kind": TaskKind(action["kind"]).value,
        "title": values.line(action["title"], *path, "title"),
        "dueInDays": action["due_in_days"],
        "repeat": Repeat(action["repeat"]).value,
        "cancelOnLeave": action["cancel_on_leave"],
    }
