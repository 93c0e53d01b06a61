"""`./dev` prepares the environment from locks that name no registry, and hands over from any folder."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest

from app.settings import CHECKOUT

LOCKS = ["requirements.lock", "requirements-embedded.lock"]
PRODUCTION = "requirements-production.lock"


@pytest.fixture
def dev(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module that works on a checkout of its own, in a folder with an awkward name."""
    loader = SourceFileLoader("dev", str(CHECKOUT / "dev"))
    spec = spec_from_loader("dev", loader)
    assert spec
    module = module_from_spec(spec)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    loader.exec_module(module)
    root = tmp_path / "it's a checkout"
    (root / "app").mkdir(parents=True)
    for name in (*LOCKS, "dev"):
        (root / name).write_bytes((CHECKOUT / name).read_bytes())
    places = {"ROOT": ".", "VENV": ".venv", "STAMP": ".venv/.stamp", "TOOLS": ".tools"}
    places |= {"PYTHON": ".venv/bin/python", "LAUNCHER": ".venv/bin/wayfare"}
    for name, place in places.items():
        setattr(module, name, str(root / place))
    return module


def test_old_pythons_can_read_the_script() -> None:
    ast.parse((CHECKOUT / "dev").read_text(), feature_version=(3, 6))


def test_the_launcher_keeps_the_folder_and_the_arguments(dev: ModuleType, tmp_path: Path) -> None:
    dev.make_venv()
    dev.write_launcher()
    (Path(dev.ROOT) / "app" / "__main__.py").write_text("import os, sys; print(os.getcwd(), sys.argv[1:], sys.path[0])")
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "app").mkdir(parents=True)
    (elsewhere / "app" / "__main__.py").write_text("print('the wrong app')")
    done = subprocess.run([dev.LAUNCHER, "import", "a file"], cwd=elsewhere, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"{elsewhere} ['import', 'a file'] {dev.ROOT}"


def test_a_prepared_environment_is_left_alone_until_a_lock_changes(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed: list[str] = []

    def install(name: str) -> bool:
        installed.append(name)
        return True

    monkeypatch.setattr(dev, "install", install)
    dev.prepare()
    dev.prepare()
    assert installed == LOCKS
    with (Path(dev.ROOT) / LOCKS[0]).open("a") as lock:
        lock.write("# changed\n")
    dev.prepare()
    assert installed == [*LOCKS, *LOCKS]


def test_missing_private_servers_do_not_stop_the_start(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(dev, "install", lambda name: name == LOCKS[0])
    dev.prepare()
    assert "make sync" in capfd.readouterr().err
    assert dev.prepared() == dev.stamp()


def test_missing_packages_do(dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dev, "install", lambda name: name == LOCKS[1])
    with pytest.raises(SystemExit, match=r"requirements\.lock"):
        dev.prepare()
    assert dev.prepared() is None


def test_uv_learns_what_pip_was_told(dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """The text is what `pip config list` prints; this environment itself may be without pip."""
    told = """global.cert='/etc/ssl/system.pem'
global.cert='/etc/ssl/mirror.pem'
global.extra-index-url='https://a.example https://b.example'
global.index-url='https://mirror.example/simple'
global.timeout='180'
:env:.find-links='/wheels /more'"""
    monkeypatch.setattr(dev, "output", lambda _: told)
    for name in [name for name in dev.os.environ if name.startswith(("UV_", "SSL_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://chosen.example")
    learned = {name: value for name, value in dev.uv_environment().items() if name.startswith(("UV_", "SSL_"))}
    assert learned == {
        "UV_DEFAULT_INDEX": "https://chosen.example",
        "UV_FIND_LINKS": "/wheels,/more",
        "UV_INDEX": "https://a.example https://b.example",
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_SYSTEM_CERTS": "1",
        "SSL_CERT_FILE": "/etc/ssl/mirror.pem",
    }


def test_an_old_python_is_told_what_is_needed(dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 8, 18))
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SystemExit, match=r"needs Python 3\.11 or newer; python3 is 3\.8\.18"):
        dev.require_python()


@pytest.mark.parametrize("name", [*LOCKS, PRODUCTION])
def test_locks_are_hashed_and_name_no_registry(name: str) -> None:
    text = (CHECKOUT / name).read_text()
    assert not re.search(r"://|^--|^-i ", text, re.MULTILINE)
    pinned = re.findall(r"^([a-z0-9-]+)==\S+.*?\\\n    --hash=sha256:[0-9a-f]{64}", text, re.MULTILINE)
    assert pinned == re.findall(r"^([a-z0-9-]+)==", text, re.MULTILINE)


def test_locks_hold_every_declared_dependency() -> None:
    declared = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
    groups = declared["dependency-groups"]
    wanted = {
        LOCKS[0]: [*declared["project"]["dependencies"], *groups["demo"], *groups["test"], *groups["lint"]],
        LOCKS[1]: groups["embedded"],
        PRODUCTION: declared["project"]["dependencies"],
    }
    for name, requirements in wanted.items():
        pinned = re.findall(r"^([a-z0-9-]+)==", (CHECKOUT / name).read_text(), re.MULTILINE)
        assert {re.split(r"[^a-z0-9-]", requirement)[0] for requirement in requirements} <= set(pinned)


def test_production_runs_the_versions_that_were_tested() -> None:
    pins = {name: re.findall(r"^[a-z0-9-]+==[^ \n]+", (CHECKOUT / name).read_text(), re.MULTILINE) for name in LOCKS}
    production = re.findall(r"^[a-z0-9-]+==[^ \n]+", (CHECKOUT / PRODUCTION).read_text(), re.MULTILINE)
    assert production
    assert set(production) < set(pins[LOCKS[0]])
    assert not any(pin.startswith(("pytest", "aiosmtpd", "ruff")) for pin in production)
