"""Holds what makes a clone work on any machine: the locks, the Python, and no trace of the machine it was made on."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
LOCKS = [
    "requirements.lock.txt",
    "requirements.runtime.lock.txt",
    "requirements.peers.lock.txt",
    "requirements.tools.txt",
]
NOT_TEXT = {".xlsx", ".parquet", ".docx", ".pdf", ".png", ".ico", ".woff2", ".ttf", ".otf", ".gz", ".zip"}


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def pins(lock: str) -> dict[str, str]:
    found = re.findall(r"^([A-Za-z0-9._-]+)==([^\s;]+)", read(lock), flags=re.MULTILINE)
    return {canonicalize_name(name): version for name, version in found}


def entries(lock: str) -> list[str]:
    """One text a package: its pin, its hashes and why it is there."""
    return re.split(r"^(?=[A-Za-z0-9])", read(lock), flags=re.MULTILINE)[1:]


def tracked_files() -> list[Path]:
    """What git tracks; in an unpacked archive, everything that make does not make."""
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listing.returncode == 0 and listing.stdout:
        paths = [ROOT / name for name in listing.stdout.split("\0") if name]
    else:
        made = re.compile(r"^(\.venv|\.tools|\.git|build|dist)/|(^|/)(__pycache__|\.[a-z]+_cache|\.hypothesis)/")
        paths = [path for path in ROOT.rglob("*") if not made.search(path.relative_to(ROOT).as_posix())]
    return [path for path in paths if path.is_file() and path.suffix not in NOT_TEXT]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_no_address_no_path_and_no_option(lock: str) -> None:
    text = read(lock)
    assert re.search(r"https?:", text) is None
    assert "file:" not in text
    assert "://" not in text
    assert re.findall(r"(?:^|[\s@])(?:/|~|[A-Z]:\\)\S*", text, flags=re.MULTILINE) == []
    assert [line for line in text.splitlines() if line.startswith("-")] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_every_requirement_of_a_lock_is_pinned_and_hashed(lock: str) -> None:
    assert entries(lock)
    assert [entry.split()[0] for entry in entries(lock) if not re.match(r"[A-Za-z0-9._-]+==\d", entry)] == []
    assert [entry.split()[0] for entry in entries(lock) if not re.search(r"--hash=sha256:[0-9a-f]{64}\b", entry)] == []


def test_the_locks_were_made_from_the_dependencies_that_are_declared() -> None:
    check = subprocess.run(
        [sys.executable, "tools/lock.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert check.returncode == 0, check.stdout + check.stderr


def test_every_declared_dependency_is_locked_at_a_version_that_was_asked_for() -> None:
    pyproject = tomllib.loads(read("pyproject.toml"))
    groups = pyproject["dependency-groups"]
    runtime = [*pyproject["project"]["dependencies"], *groups["build"], *pyproject["build-system"]["requires"]]
    for lock, declared in (
        ("requirements.runtime.lock.txt", runtime),
        ("requirements.lock.txt", [*runtime, *groups["dev"]]),
    ):
        locked = pins(lock)
        for requirement in map(Requirement, declared):
            version = locked.get(canonicalize_name(requirement.name))
            assert version is not None, f"{lock} lacks {requirement.name}"
            assert requirement.specifier.contains(version), f"{lock} has {requirement.name} {version}"


def test_the_solver_is_none_of_the_releases_that_call_wrong_answers_optimal() -> None:
    assert not pins("requirements.runtime.lock.txt")["highspy"].startswith("1.14.")
    assert pins("requirements.lock.txt")["highspy"] == pins("requirements.runtime.lock.txt")["highspy"]
    assert pins("requirements.lock.txt")["highspy"] == pins("requirements.peers.lock.txt")["highspy"]


def test_the_python_of_the_project_is_3_13() -> None:
    assert read(".python-version").strip() == "3.13"
    assert tomllib.loads(read("pyproject.toml"))["project"]["requires-python"] == ">=3.12"


# Each pattern has a class or a group in its middle, so that none finds itself.
FOREIGN = {
    "an index address": r"index[-_]url\W{1,4}\w+:/[/]",
    "a mirror's path": r"\w+:/[/]\S+/simpl[e]\b",
    "a resolved download": r"\"resolved\"\s*:\s*\"htt[p]",
    "a registry's host": r"registry[.]npmjs|[f]iles[.]pythonhosted",
    "a home folder": r"(?<![\w.~}-])/(?:home|Users)/[a-z]\w*/",
    "the administrator's home folder": r"(?<![\w.~}-])/[r]oot/",
    "a Windows home folder": r"[A-Z]:\\+Users\\+\w",
}


def machine_folders() -> list[str]:
    """This checkout's and this user's folder, as they would stand in a file that something here had written."""
    folders = [str(ROOT), str(Path.home()), os.environ.get("TMPDIR", "")]
    return [folder for folder in folders if folder.count("/") >= 2]


def test_no_tracked_file_names_a_registry_or_a_machine() -> None:
    faults = []
    for path in tracked_files():
        text = path.read_bytes().decode("utf-8", errors="replace")
        faults += [
            f"{path.relative_to(ROOT)} holds {what}" for what, shape in FOREIGN.items() if re.search(shape, text)
        ]
        faults += [f"{path.relative_to(ROOT)} names {folder}" for folder in machine_folders() if f"{folder}/" in text]
    assert faults == []


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("an index address", "index-" + "url = https" + "://mirror.example/"),
        ("a mirror's path", "https" + "://mirror.example/pypi/sim" + "ple"),
        ("a resolved download", '"resolved": "ht' + 'tps://x"'),
        ("a registry's host", "registry" + ".npmjs.org"),
        ("a home folder", "cd /ho" + "me/li/jinheng"),
        ("the administrator's home folder", "/ro" + "ot/x"),
        ("a Windows home folder", "C:\\Us" + "ers\\li"),
    ],
)
def test_each_pattern_finds_what_it_is_for(what: str, text: str) -> None:
    assert re.search(FOREIGN[what], text)


def test_the_scripts_that_set_up_and_check_can_be_run() -> None:
    for name in (".ci/run", "tools/bootstrap.sh", "tools/find_python.sh"):
        assert os.access(ROOT / name, os.X_OK), f"{name} is not executable"
