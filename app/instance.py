"""The running development instance: what `wayfare run` tells scripts and other commands in <state>/dev.json."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from app.servers import CannotStartError
from app.servers.lock import is_held


@dataclass(frozen=True)
class Instance:
    """Where it is; the names are those of the file, which scripts read."""

    url: str
    apiKey: str  # noqa: N815 - a key of the JSON document
    pid: int
    databaseUrl: str  # noqa: N815 - as above
    redisUrl: str  # noqa: N815 - as above


@contextmanager
def announced(state: Path, instance: Instance) -> Iterator[None]:
    """Keep the file while the block runs, readable for the owner alone and never half written."""
    file, fresh = state / "dev.json", state / "dev.json.new"
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        json.dump(asdict(instance), out, indent=2)
        out.write("\n")
    fresh.rename(file)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def running(state: Path) -> Instance | None:
    """The instance that runs on this state folder; a killed one does not count. Raises CannotStartError."""
    try:
        document = json.loads((state / "dev.json").read_text())
    except FileNotFoundError:
        return None
    except PermissionError:
        raise CannotStartError(f"Wayfare runs on {state} as another account: only that one may use it.") from None
    return Instance(**document) if is_held(state) else None
