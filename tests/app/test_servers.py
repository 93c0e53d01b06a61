"""Private servers: they keep data, belong to one starter, step down from root and never outlive their parent."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import asyncpg
import pytest
from redis import Redis

from app.servers import Addresses, CannotStartError, folders, servers
from app.servers.account import account_for
from app.servers.binaries import find_postgres, find_redis
from app.settings import CHECKOUT, Settings

NO_URLS = {"DATABASE_URL": "", "REDIS_URL": ""}
CHOSEN = Settings().embed_pg_bin
DEBIAN = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root steps down")

PARENT = """
import json, sys, time
from app.servers import process, servers
from app.settings import Settings
if "without-parent-death-signal" in sys.argv:
    process._libc = None
with servers(Settings()) as addresses:
    print(json.dumps([process.pid for process in addresses.processes]), flush=True)
    time.sleep(60)
"""


def settings(state: Path, postgres: Path | None = None) -> Settings:
    return Settings(state=state, database_url=None, redis_url=None, embed_pg_bin=postgres or CHOSEN)


async def query(addresses: Addresses, statement: str) -> object:
    connection = await asyncpg.connect(addresses.database_url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


def owner(pid: int) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_durable_servers_keep_their_data(used_state: Path) -> None:
    with servers(settings(used_state)) as addresses:
        await query(addresses, "create table kept as select 42 as answer")
        with Redis.from_url(addresses.redis_url) as redis:
            redis.set("kept", "yes")
    with servers(settings(used_state)) as addresses:
        assert await query(addresses, "select answer from kept") == 42
        with Redis.from_url(addresses.redis_url) as redis:
            assert redis.get("kept") == b"yes"


async def test_an_interrupted_first_start_is_begun_anew(state: Path) -> None:
    binary = find_postgres(CHOSEN)
    half = state / f"{binary.folder_name}.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18")
    with servers(settings(state)) as addresses:
        assert await query(addresses, "select current_database()") == "wayfare"


def test_a_second_starter_is_told_who_holds_the_folder(state: Path) -> None:
    elsewhere = Settings(state=state, database_url="postgresql://db/x", redis_url="redis://cache")
    with servers(elsewhere):
        (state / "dev.json").write_text(json.dumps({"url": "http://127.0.0.1:8000/graphql"}))
        with pytest.raises(CannotStartError) as refusal, servers(settings(state)):
            pass
    assert f"pid {os.getpid()}" in str(refusal.value)
    assert "http://127.0.0.1:8000/graphql" in str(refusal.value)
    assert "WAYFARE_STATE" in str(refusal.value)


def orphaned(state: Path, *arguments: str, postgres: Path | None = None) -> list[int]:
    """The process ids of servers whose parent was just killed."""
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, *arguments],
        cwd=CHECKOUT,
        env=os.environ | {"WAYFARE_STATE": str(state), "EMBED_PG_BIN": str(postgres or CHOSEN or "")} | NO_URLS,
        stdout=subprocess.PIPE,
    ) as parent:
        assert parent.stdout
        pids: list[int] = json.loads(parent.stdout.readline())
        assert len(pids) == 2
        assert all(map(runs, pids))
        parent.kill()
    return pids


def test_servers_die_with_a_killed_parent(used_state: Path) -> None:
    pids = orphaned(used_state)
    deadline = time.monotonic() + 30
    while any(map(runs, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(runs, pids))


@pytest.mark.parametrize("postgres", [None, *DEBIAN], ids=lambda folder: folder and folder.parent.name)
def test_a_start_stops_what_a_killed_parent_left(used_state: Path, postgres: Path | None) -> None:
    """Where the kernel does not tell children of their parent's death, and in the moment before they act on it."""
    pids = orphaned(used_state, "without-parent-death-signal", postgres=postgres)
    assert all(map(runs, pids))
    with servers(settings(used_state)) as addresses:
        assert not any(map(runs, pids))
        with Redis.from_url(addresses.redis_url) as redis:
            time.sleep(0.2)
            assert redis.ping()


def test_the_socket_moves_when_its_path_is_too_long(state: Path) -> None:
    deep = state / ("deep-" * 20)
    with servers(settings(deep)) as addresses:
        sockets = Path(addresses.database_url.partition("host=")[2].partition("&")[0])
        assert deep not in sockets.parents
        assert sockets.stat().st_mode & 0o777 == 0o700
    assert not sockets.exists()


@pytest.mark.parametrize("folder", DEBIAN, ids=lambda folder: folder.parent.name)
async def test_a_chosen_postgres_runs_with_rules_beyond_ascii(state: Path, folder: Path) -> None:
    with servers(settings(state, folder)) as addresses:
        assert str(await query(addresses, "show server_version")).startswith(folder.parent.name)
        assert await query(addresses, "select lower('ÄÉ') || ('Ä' ilike 'ä')") == "äétrue"
        assert (
            await query(addresses, "select string_agg(x, '' order by x) from unnest('{b,B,a,é}'::text[]) x") == "Babé"
        )


async def test_the_default_postgres_has_the_same_rules(state: Path) -> None:
    with servers(settings(state), ephemeral=True) as addresses:
        assert await query(addresses, "select lower('ÄÉ') || ('Ä' ilike 'ä')") == "äétrue"
        assert (
            await query(addresses, "select string_agg(x, '' order by x) from unnest('{b,B,a,é}'::text[]) x") == "Babé"
        )


def test_ephemeral_servers_leave_nothing_behind(state: Path) -> None:
    with servers(settings(state), ephemeral=True) as addresses:
        home = Path(addresses.database_url.partition("host=")[2].partition("&")[0]).parent
        pids = [process.pid for process in addresses.processes]
    assert not home.exists()
    assert not any(map(runs, pids))
    assert list(state.iterdir()) == []


def test_a_dead_server_tells_why(state: Path) -> None:
    with servers(settings(state), ephemeral=True) as addresses:
        valkey = addresses.processes[1]
        os.kill(valkey.pid, signal.SIGTERM)
        deadline = time.monotonic() + 5
        while valkey.alive and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not valkey.alive
        assert "Valkey ended with status 0" in valkey.epitaph()
        assert "Received SIGTERM" in valkey.epitaph()


def test_a_server_that_cannot_start_shows_its_log(used_state: Path) -> None:
    cluster = used_state / find_postgres(CHOSEN).folder_name
    (cluster / "postgresql.conf").write_text("no_such_setting = 1\n")
    with pytest.raises(CannotStartError, match="no_such_setting"), servers(settings(used_state)):
        pass


@pytest.mark.parametrize(
    ("find", "names"),
    [(find_postgres, ["EMBED_PG_BIN=/nowhere", "make sync", "apt-get install", "DATABASE_URL"]),
     (find_redis, ["EMBED_REDIS_BIN=/nowhere", "make sync", "apt-get install", "REDIS_URL"])],
)  # fmt: skip
def test_missing_binaries_are_explained(find: object, names: list[str]) -> None:
    with pytest.raises(CannotStartError) as refusal:
        find(Path("/nowhere"))  # type: ignore[operator]  # one of two functions
    for name in names:
        assert name in str(refusal.value)


def test_urls_are_used_as_they_are(state: Path) -> None:
    chosen = Settings(state=state, database_url="postgresql://db/x", redis_url="redis://cache")
    with servers(chosen) as addresses:
        assert addresses == Addresses("postgresql://db/x", "redis://cache")


def test_servers_run_as_a_plain_account(state: Path) -> None:
    account = account_for(CHECKOUT)
    with servers(settings(state), ephemeral=True) as addresses:
        owners = {owner(process.pid) for process in addresses.processes}
    assert owners == {account.uid if account else os.geteuid()}
    assert 0 not in owners


@AS_ROOT
async def test_data_and_binaries_move_where_the_account_may_reach_them(
    state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a clone below /root: neither its folders nor its .venv are open to the account."""
    monkeypatch.setattr(folders, "SHELTER", state / "shelter")
    closed = tmp_path / "closed"
    wheel = find_postgres(None).path.parents[2]
    if not wheel.with_name(f"{wheel.name}.libs").exists():
        pytest.skip("the wheel is not installed")
    shutil.copytree(wheel, closed / wheel.name)
    shutil.copytree(wheel.with_name(f"{wheel.name}.libs"), closed / f"{wheel.name}.libs")
    closed.chmod(0o700)
    chosen = settings(closed / "var", closed / wheel.name / "pginstall" / "bin")
    for _ in range(2):
        with servers(chosen) as addresses:
            assert str(state / "shelter") in addresses.database_url
            assert await query(addresses, "select 1") == 1
    assert closed.stat().st_mode & 0o777 == 0o700
    assert (closed / "var" / "log" / "postgres.log").exists()
