"""Writes and checks the lock files: every package pinned and hashed, no registry address, no path.

    python tools/lock.py            resolve anew (network); `make lock`
    python tools/lock.py --check    prove that the locks match pyproject.toml (no network); `make check`

The locks carry a digest of the tables of pyproject.toml that they were made from. They are requirements files
and not uv.lock because that records the registry's address, and behind a mirror the mirror's.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LOCK = "requirements.lock.txt"
RUNTIME = "requirements.runtime.lock.txt"
PEERS = "requirements.peers.lock.txt"
TOOLS = "requirements.tools.txt"
TOOLS_IN = ["uv==0.13.9"]  # makes .venv and the locks; by hash, so that pip alone can bring it safely
HEADS = {
    LOCK: "Everything that developing jinheng needs",
    RUNTIME: "What running jinheng needs; the same versions as in requirements.lock.txt",
    PEERS: "What the benchmarks are measured beside; the same versions as in requirements.lock.txt",
    TOOLS: "What makes the environments",
}
DIGEST = "# made from: sha256 "


def digest_of(name: str) -> str:
    """The digest of what a lock file is made from: the dependency tables, or the list of tools."""
    made_from: Any = TOOLS_IN
    if name != TOOLS:
        pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
        project = pyproject["project"]
        made_from = [
            project["requires-python"],
            project["dependencies"],
            project.get("optional-dependencies", {}),
            pyproject["dependency-groups"],
            pyproject["build-system"]["requires"],
        ]
    return hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()


def compile_lock(name: str, arguments: list[str], given: str | None = None) -> None:
    """Resolve for every platform and Python from 3.12 on, and write one lock file."""
    uv = ROOT / ".tools" / "bin" / "uv"
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / name
        command = [str(uv), "pip", "compile", "--quiet", "--universal", "--python-version", "3.12"]
        command += ["--generate-hashes", "--no-header", "--output-file", str(fresh), *arguments]
        # Extra sources may hold files that were built anew, whose hashes nobody else can have.
        environment = {key: value for key, value in os.environ.items() if key not in ("UV_INDEX", "UV_FIND_LINKS")}
        environment["UV_NO_CONFIG"] = "1"
        subprocess.run(command, cwd=ROOT, check=True, input=given, text=True, env=environment)
        head = f"# {HEADS[name]}. Written by `make lock`; do not edit.\n{DIGEST}{digest_of(name)}\n"
        (ROOT / name).write_text(head + fresh.read_text(encoding="utf-8"), encoding="utf-8")


def write() -> None:
    """Resolve all lock files anew."""
    compile_lock(TOOLS, ["-"], given="\n".join(TOOLS_IN))
    compile_lock(LOCK, ["--upgrade", "--group", "build", "--group", "dev", "pyproject.toml"])
    compile_lock(RUNTIME, ["--group", "build", "--constraints", LOCK, "pyproject.toml"])
    compile_lock(PEERS, ["--group", "peers", "--constraints", LOCK])


def pins(text: str) -> dict[str, str]:
    """The pinned version of each package in a lock file."""
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==([^\s;]+)", text, flags=re.MULTILINE))


def faults_of(name: str, text: str) -> list[str]:
    """What is wrong with one lock file; empty when nothing is."""
    faults = []
    if f"{DIGEST}{digest_of(name)}\n" not in text:
        faults.append(f"{name} was not made from the dependencies that are declared now: run `make lock`.")
    if "://" in text or re.search(r"file:|(?<![\w.])/\w|^\s*-", text.replace("    --hash=", ""), flags=re.MULTILINE):
        faults.append(f"{name} holds an address, a path or an option: run `make lock`.")
    entries = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
    faults += [f"{name}: {entry.split()[0]} is not pinned." for entry in entries if "==" not in entry.split()[0]]
    faults += [f"{name}: {entry.split()[0]} has no hash." for entry in entries if "--hash=sha256:" not in entry]
    if not entries:
        faults.append(f"{name} pins nothing: run `make lock`.")
    return faults


def check() -> list[str]:
    """What is wrong with the lock files, all of it at once."""
    texts = {name: (ROOT / name).read_text(encoding="utf-8") for name in HEADS}
    faults = [fault for name, text in texts.items() for fault in faults_of(name, text)]
    everything = pins(texts[LOCK])
    for package, version in pins(texts[RUNTIME]).items():
        if everything.get(package) != version:
            faults.append(f"{RUNTIME} has {package} {version}, {LOCK} has {everything.get(package)}: run `make lock`.")
    for package, version in pins(texts[PEERS]).items():
        if everything.get(package, version) != version:
            faults.append(f"{PEERS} has {package} {version}, {LOCK} has {everything[package]}: run `make lock`.")
    return faults


def main() -> None:
    """Write the locks, or with --check say what is wrong with them."""
    if sys.argv[1:] != ["--check"]:
        write()
    faults = check()
    print("\n".join(faults) or "The lock files match pyproject.toml.")
    raise SystemExit(1 if faults else 0)


if __name__ == "__main__":
    main()
