"""Fault points: nothing in ordinary life, a kill where a test asks for one."""

import os
import subprocess
import sys
from pathlib import Path

from db.points import KILLED, VARIABLE, point, watched

CHECKOUT = Path(__file__).parents[2]
PASS_THREE = "from db.points import point; [point('a.b') for _ in range(3)]; point('c.d'); print('alive')"


def test_a_point_does_nothing_unless_it_is_watched() -> None:
    seen: list[str] = []
    point("before.it")
    with watched(seen.append):
        point("a.b")
        point("c.d")
    point("after.it")
    assert seen == ["a.b", "c.d"]


def exit_status(fault: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-c", PASS_THREE],
        cwd=CHECKOUT,
        env=os.environ | {VARIABLE: fault},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def test_the_variable_ends_the_process_at_the_given_passage() -> None:
    assert exit_status("a.b:3") == (KILLED, "")
    assert exit_status("c.d") == (KILLED, "")
    assert exit_status("a.b:4") == (0, "alive\n")
