"""Every handler of every kind of job: importing the modules of this package registers them."""

import pkgutil
from importlib import import_module

import workers
from workers.jobs import HANDLERS, Handler


def load() -> dict[str, Handler]:
    """Imports all of workers/, so that a new noun's handlers need no line anywhere else; answers them by kind."""
    for module in pkgutil.walk_packages(workers.__path__, f"{workers.__name__}."):
        import_module(module.name)
    return HANDLERS
