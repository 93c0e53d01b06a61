"""Where an input is at fault, in the names that clients use."""

from strawberry.utils.str_converters import to_camel_case

from domain.refusals import Refused


def camel(refusal: Refused, *prefix: str) -> Refused:
    """The refusal with its path in camelCase under `prefix`, e.g. input.customers.3.externalId."""
    return Refused(refusal.code, refusal.message, (*prefix, *map(to_camel_case, refusal.field)), refusal.version)
