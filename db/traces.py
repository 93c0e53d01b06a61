"""Which trace work belongs to: from a request into the jobs that it asks for, and from a job into those."""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

# As W3C's `traceparent` writes it; None where nobody traces, which is all that it costs then.
TRACE: ContextVar[str | None] = ContextVar("trace", default=None)
# Under which name a job's arguments carry it; handlers do not see it.
ARGUMENT = "_traceparent"

# Told the text and the seconds of each statement, in the context of whoever ran it.
Listener = Callable[[str, float], None]
_listeners: list[Listener] = []


def listen(listener: Listener) -> None:
    """For connections that are made from now on."""
    _listeners.append(listener)


def attach(connection: Any) -> None:
    """Lets those who listen hear a new connection of the driver."""
    for listener in _listeners:
        connection.add_query_logger(lambda told, listener=listener: listener(told.query, told.elapsed))


def carried(args: dict[str, Any]) -> dict[str, Any]:
    """A job's arguments, with the trace that it is asked for in."""
    trace = TRACE.get()
    return args if trace is None else {**args, ARGUMENT: trace}
