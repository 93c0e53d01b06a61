"""The collector of cyclic garbage in processes that work for long: it looks seldom, as it hardly ever finds any."""

import gc

# So many objects come before it looks at the young ones; counting references finds nearly all that is garbage.
YOUNG = 20_000


def collect_seldom() -> None:
    """To be called once everything is loaded, which lives as long as the process: it is never looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 10, 10)
