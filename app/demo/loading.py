"""How far the demo is, kept in the organization's settings: half of a demo is never taken for a whole one."""

from dataclasses import dataclass
from datetime import datetime

from app.demo.sizes import Demo
from db.database import Transaction
from db.organizations import current_organization, set_setting

SETTING = "demo"


@dataclass(frozen=True, slots=True)
class Loading:
    """A demo that was begun; `now` is the instant at which its lives end, also when it is finished another day."""

    size: Demo
    now: datetime
    done: bool = False


async def find_loading(tx: Transaction) -> Loading | None:
    """What was begun in the transaction's organization."""
    told = (await current_organization(tx)).settings.get(SETTING)
    return Loading(Demo(told["size"]), datetime.fromisoformat(told["now"]), told["done"]) if told else None


async def begin(tx: Transaction, size: Demo, now: datetime) -> Loading:
    """Notes that a demo is owed; what was begun before stays as it was begun."""
    found = await find_loading(tx)
    return found or await _note(tx, Loading(size, now))


async def finish(tx: Transaction, loading: Loading) -> None:
    await _note(tx, Loading(loading.size, loading.now, done=True))


async def _note(tx: Transaction, loading: Loading) -> Loading:
    told = {"size": loading.size.value, "now": loading.now.isoformat(), "done": loading.done}
    await set_setting(tx, SETTING, told)
    return loading
