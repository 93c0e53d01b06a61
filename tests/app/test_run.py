"""`wayfare run` as its users meet it: one command in a process of its own, its file for scripts, its ends."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from app.settings import CHECKOUT

HOST = "127.0.0.1"


def environment(state: Path, port: int = 8000) -> dict[str, str]:
    chosen = {"WAYFARE_STATE": str(state), "WAYFARE_PORT": str(port), "PYTHONPATH": str(CHECKOUT)}
    ours = ("DATABASE_", "REDIS_", "SMTP_", "WAYFARE_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)} | chosen


def wayfare(state: Path, *arguments: str, cwd: Path = Path("/")) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "app", *arguments]
    return subprocess.run(command, env=environment(state), cwd=cwd, capture_output=True, text=True, timeout=120)


@contextmanager
def running(state: Path, port: int = 8000) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """The supervisor and its dev.json, once it is there."""
    command = [sys.executable, "-P", "-m", "app", "run", "--demo", "none"]
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A shell that runs the tests in the background lets them ignore Ctrl-C, and children inherit that.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(
        command, env=environment(state, port), cwd="/", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as supervisor:
        try:
            deadline = time.monotonic() + 120
            while not (state / "dev.json").exists():
                if supervisor.poll() is not None or time.monotonic() > deadline:
                    assert supervisor.stdout
                    pytest.fail(supervisor.stdout.read())
                time.sleep(0.05)
            yield supervisor, json.loads((state / "dev.json").read_text())
        finally:
            supervisor.kill()


def ask(instance: dict[str, Any], query: str) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {instance['apiKey']}", "Content-Type": "application/json"}
    with urlopen(Request(instance["url"], json.dumps({"query": query}).encode(), headers)) as answer:
        result: dict[str, Any] = json.load(answer)
    return result


def family(pid: int) -> dict[int, str]:
    """The processes a process started, by id, with what they were started as."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == pid:
                found[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")
        except OSError:
            continue
    return found


def gone(pids: dict[int, str]) -> bool:
    deadline = time.monotonic() + 30
    while any(Path(f"/proc/{pid}").exists() for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_runs_stops_and_runs_again_with_its_data(state: Path) -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        with running(state, port) as (supervisor, instance):
            assert instance["pid"] == supervisor.pid
            assert instance["url"].startswith(f"http://{HOST}:")
            assert f":{port}/" not in instance["url"]
            assert stat.S_IMODE((state / "dev.json").stat().st_mode) == 0o600
            organization = ask(instance, "{ viewer { organization { id name } } }")
            assert organization["data"]["viewer"]["organization"]["name"] == "Demo"

            second = wayfare(state, "run")
            assert second.returncode == 1
            assert instance["url"] in second.stderr
            assert f"pid {supervisor.pid}" in second.stderr

            check = wayfare(state, "check")
            assert (check.returncode, check.stderr) == (0, "")
            key = wayfare(state, "keys", "create", "test", "--scope", "segments:view").stdout.strip()
            assert ask(instance | {"apiKey": key}, "{ __typename }") == {"data": {"__typename": "Query"}}

            children = family(supervisor.pid)
            started = time.monotonic()
            supervisor.send_signal(signal.SIGINT)
            assert supervisor.wait(60) == 0
            assert time.monotonic() - started < 30
    assert gone(children)
    assert not (state / "dev.json").exists()
    with running(state, port) as (supervisor, instance_again):
        assert ask(instance_again, "{ viewer { organization { id name } } }") == organization
        assert instance_again["apiKey"] == instance["apiKey"]
        children = family(supervisor.pid)
        supervisor.kill()
        supervisor.wait()
        assert gone(children)
    # The file of a killed instance is still there; it must not send commands to servers that are gone.
    check = wayfare(state, "check")
    assert (check.returncode, check.stderr) == (0, "")


def test_a_dying_process_ends_the_run_with_its_log(used_state: Path) -> None:
    with running(used_state) as (supervisor, _):
        api = next(pid for pid, command in family(supervisor.pid).items() if command.endswith("-m app serve "))
        children = family(supervisor.pid)
        os.kill(api, signal.SIGKILL)
        assert supervisor.wait(60) == 1
        assert supervisor.stdout
        output = supervisor.stdout.read()
    assert "API was killed by SIGKILL" in output
    assert "Uvicorn running" in output
    assert gone(children)


def test_check_fails_without_its_servers(state: Path) -> None:
    there = {"DATABASE_URL": "postgresql://postgres@/wayfare?host=/nowhere&port=1", "REDIS_URL": "unix:///nowhere"}
    command = [sys.executable, "-P", "-m", "app", "check"]
    done = subprocess.run(command, env=environment(state) | there, cwd="/", capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert done.stdout.count("failed") == 4


def test_a_relative_state_folder_is_meant_from_the_callers_folder(used_state: Path) -> None:
    command = [sys.executable, "-P", "-m", "app", "organizations", "list"]
    relative = environment(used_state) | {"WAYFARE_STATE": f"../{used_state.name}"}
    done = subprocess.run(command, env=relative, cwd=used_state, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert "demo" in done.stdout
    assert (used_state / "log" / "postgres.log").exists()


def test_a_wrong_setting_is_named(state: Path) -> None:
    command = [sys.executable, "-P", "-m", "app", "check"]
    done = subprocess.run(command, env=environment(state, 0), cwd="/", capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert "WAYFARE_PORT: Input should be greater than or equal to 1" in done.stderr
    assert "Traceback" not in done.stderr
