"""Container and compose file as far as text goes: every file, command and setting that they name is there."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from api.cli import run as command
from api.settings import ServiceSettings, service_settings

ROOT = Path(__file__).resolve().parent.parent
CONTAINERFILE = (ROOT / "Containerfile").read_text("utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
OURS = ("jinheng", "worker")


def settings_of(environment: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith("JINHENG_")}


def image_settings() -> dict[str, str]:
    return dict(re.findall(r"(JINHENG_\w+)=(\S+)", CONTAINERFILE))


def test_every_file_that_the_image_copies_is_there():
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", CONTAINERFILE, re.MULTILINE)
    assert copied
    for name in " ".join(copied).split():
        assert (ROOT / name).exists(), name
    assert re.search(r"--require-hashes -r requirements\.runtime\.lock\.txt", CONTAINERFILE)
    assert COMPOSE["services"]["jinheng"]["build"]["dockerfile"] == "Containerfile"


def test_the_image_runs_without_rights_and_serves_where_it_says():
    assert re.search(r"^USER jinheng$", CONTAINERFILE, re.MULTILINE)
    port = ServiceSettings(database="").port
    assert f"EXPOSE {port}" in CONTAINERFILE and f"http://127.0.0.1:{port}/readyz" in CONTAINERFILE
    assert COMPOSE["services"]["jinheng"]["ports"] == [f"127.0.0.1:{port}:{port}"]


@pytest.mark.parametrize("name", OURS)
def test_every_command_is_one_of_ours(name, capsys):
    assert 'ENTRYPOINT ["jinheng"]' in CONTAINERFILE
    for words in (COMPOSE["services"][name]["command"], ["users", "add"]):
        assert command([*words, "--help"]) == 0


@pytest.mark.parametrize("name", OURS)
def test_every_setting_is_one_of_ours_and_can_be_read(name):
    environment = image_settings() | settings_of(COMPOSE["services"][name]["environment"])
    known = {f"JINHENG_{field.upper()}" for field in ServiceSettings.__dataclass_fields__} | {"JINHENG_HOME"}
    assert set(environment) <= known
    settings, _, faulty = service_settings({}, environment)
    assert faulty == [] and settings.secure_cookies and not settings.worker
    grace = int(COMPOSE["services"][name]["stop_grace_period"].removesuffix("s"))
    assert grace > settings.drain_seconds + settings.shutdown_seconds


def test_what_is_referred_to_is_declared_and_no_password_is_written_down():
    services = COMPOSE["services"]
    for service in services.values():
        assert set(service.get("depends_on", ())) <= set(services)
        named = {v.partition(":")[0] for v in service.get("volumes", ())}
        assert named <= set(COMPOSE["volumes"])
    address = services["jinheng"]["environment"]["JINHENG_DATABASE"]
    assert address.startswith("postgresql://jinheng:${DATABASE_PASSWORD:?") and address.endswith("@database/jinheng")
    database = services["database"]["environment"]
    assert (database["POSTGRES_USER"], database["POSTGRES_DB"]) == ("jinheng", "jinheng")
    assert database["POSTGRES_PASSWORD"].startswith("${DATABASE_PASSWORD:?")
    assert "/.env" in (ROOT / ".gitignore").read_text("utf-8").split()
