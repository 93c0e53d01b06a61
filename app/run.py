"""`wayfare run`: private servers, migrations, demo data and every process of Wayfare, until Ctrl-C."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import rich.progress
from rich.console import Console

from app.demo.progress import Progress
from app.demo.sizes import Demo
from app.instance import Instance, announced
from app.ports import free_port, listens
from app.preparation import OWNER_EMAIL, Prepared, prepare
from app.secret import development_secret
from app.servers import Addresses, Process, servers
from app.settings import CHECKOUT, Settings

# How long the API may take to answer; everything together has to stop within 10 s.
START_TIMEOUT = 60
STOP_TIMEOUT = 5
LOOPBACK = "127.0.0.1"


def run(settings: Settings, demo: Demo, console: Console) -> int:
    """Run until Ctrl-C or SIGTERM (0) or until a process dies (1). Raises CannotStartError."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with servers(settings) as addresses, ExitStack() as stack:
            with _shown(console) as progress:
                prepared = asyncio.run(prepare(settings, addresses, demo, progress))
            url, children = stack.enter_context(_processes(settings, addresses, prepared))
            instance = Instance(url, prepared.api_key, os.getpid(), addresses.database_url, addresses.redis_url)
            stack.enter_context(announced(settings.state, instance))
            stack.callback(_ignore_signals)
            _greet(console, settings, instance, prepared.password)
            return _watch(console, [*children, *addresses.processes])
    except KeyboardInterrupt:
        console.print("Stopped.")
        return 0


@contextmanager
def _shown(console: Console) -> Iterator[Progress]:
    """A bar for each part of the preparation, for people only: a log would be full of them."""
    with rich.progress.Progress(console=console, transient=True, disable=not console.is_terminal) as bars:
        tasks = {"Preparing the database": bars.add_task("Preparing the database", total=None)}

        def show(done: int, total: int, what: str) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what)
            bars.update(tasks[what], completed=done, total=total)

        yield show


@contextmanager
def _processes(settings: Settings, addresses: Addresses, prepared: Prepared) -> Iterator[tuple[str, list[Process]]]:
    """Start inbox, API, worker and clock; give GraphiQL's URL once the API answers."""
    port = free_port(settings.host, settings.port)
    mail_port = free_port(LOOPBACK, 0)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(CHECKOUT), os.environ.get("PYTHONPATH")])),
        "PYTHONUNBUFFERED": "1",
        "DATABASE_URL": addresses.database_url,
        "REDIS_URL": addresses.redis_url,
        "SMTP_URL": settings.smtp_url or f"smtp://{LOOPBACK}:{mail_port}",
        "WAYFARE_SECRET": development_secret(settings).decode(),
        # So that a webhook can be tried with a receiver on this machine.
        "OUTBOUND_ALLOW": settings.outbound_allow or "127.0.0.0/8,::1/128",
        "PUBLIC_URL": settings.public_url or _address(settings.host, port),
        "WAYFARE_HOST": settings.host,
        "WAYFARE_PORT": str(port),
        "WAYFARE_STATE": str(settings.state),
        # Nobody sends requests elsewhere, and Ctrl-C must not take long.
        "WAYFARE_DRAIN": "0",
        "WAYFARE_GRACE": "3",
        "WAYFARE_DEV_KEY": prepared.api_key,
    }
    commands = {"API": ["serve"], "worker": ["work"], "scheduler": ["schedule"]}
    if settings.smtp_url is None:
        environment.setdefault("MAIL_FROM", "wayfare@wayfare.test")
        commands["inbox"] = ["inbox", "--port", str(mail_port)]
    children: list[Process] = []
    try:
        for name, command in commands.items():
            children.append(_start(name, command, settings, environment))
        children[0].wait_until(lambda: listens(settings.host, port), START_TIMEOUT)
        yield f"{_address(settings.host, port)}/graphql", children
    finally:
        _stop(children)


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _start(name: str, command: Sequence[str], settings: Settings, environment: dict[str, str]) -> Process:
    log = settings.state / "log" / f"{command[0]}.log"
    return Process(name, [sys.executable, "-P", "-m", "app", *command], log=log, env=environment, cwd=CHECKOUT)


def _stop(children: Sequence[Process]) -> None:
    """All at once, and together within STOP_TIMEOUT."""
    deadline = time.monotonic() + STOP_TIMEOUT
    for child in children:
        child.ask_to_stop()
    for child in children:
        child.stop(max(0.1, deadline - time.monotonic()))


def _watch(console: Console, processes: Sequence[Process]) -> int:
    while True:
        for process in processes:
            if not process.alive:
                console.print(process.epitaph(), style="red", highlight=False, markup=False, soft_wrap=True)
                return 1
        time.sleep(0.2)


def _ignore_signals() -> None:
    """A second Ctrl-C must not cut the stop short: it is bounded anyway."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def _greet(console: Console, settings: Settings, instance: Instance, password: str) -> None:
    console.print("[bold]Wayfare is running.[/] Ctrl-C stops it.", highlight=False)
    lines = {"GraphiQL": instance.url, "API key": instance.apiKey, "Sign in": f"{OWNER_EMAIL} {password}"}
    lines["Logs"] = str(settings.state / "log")
    if settings.smtp_url is None:
        lines["Mail"] = instance.url.replace("/graphql", "/inbox")
    for name, value in lines.items():
        console.print(f"  {name:<9} {value}", highlight=False, markup=False, soft_wrap=True)
