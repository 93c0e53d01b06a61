"""An event's data with the ids that clients know."""

from collections.abc import Mapping
from typing import Any

from domain.events import NODES
from resolvers.ids import global_id


def shown(data: Mapping[str, Any]) -> dict[str, Any]:
    """The stored data, its bare uuids as global ids."""
    return {
        key: global_id(NODES[key], value) if key in NODES and value is not None else value
        for key, value in data.items()
    }
