"""The doors through which every worked example goes. A new door is a function in `DOORS`."""

import contextlib
import csv
import io
import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml
from fastapi.testclient import TestClient

from api.cli import run as command
from api.settings import ServiceSettings
from optimizer import Calendar, Offer, Offers, Outlook, Problem, check, plan, read_rule_pack
from optimizer.quantities import e4_of
from tests.http.conftest import application
from tests.worked.market import AS_OF, Answer, Case, Json


def python_door(case: Case, folder: Path) -> Json:
    """The Python call; the plan is written to a file, and the file, read back, is the same and proves itself."""
    pack = read_rule_pack(case.calendar.get("policy", "shanxi-2022"))
    problem = Problem(
        Calendar.model_validate(case.calendar | {"policy": pack.id}),
        Offers.of(Offer.model_validate(o) for o in case.offers),
        pack,
        date.fromisoformat(case.as_of),
        Outlook.model_validate({"factors": case.outlook}),
        e4_of(case.epsilon),
    )
    found = plan(problem, explanations=case.explanations, lang=case.lang)
    file = folder / "plan.json"
    file.write_text(found.to_json(), "utf-8")
    document: Json = json.loads(file.read_text("utf-8"))
    assert document == found.document()
    report = check(document)
    assert report.holds, [(c.what.en, c.detail) for c in report.checked if not c.holds]
    return document


def command_door(case: Case, folder: Path) -> Json:
    """The command line: an event file in YAML, offers in CSV, the answer as JSON, the exit code that its plan has."""
    event_file, offers_file, outlook_file = folder / "event.yaml", folder / "offers.csv", folder / "outlook.yaml"
    event_file.write_text(yaml.dump(case.calendar, Dumper=PlainDumper, allow_unicode=True, sort_keys=False), "utf-8")
    offers_file.write_text(as_csv(case.offers), "utf-8")
    outlook_file.write_text(yaml.safe_dump({"factors": case.outlook}), "utf-8")
    words = ["plan", str(event_file), "--offers", str(offers_file), "--as-of", case.as_of, "--json"]
    words += ["--lang", case.lang, "--epsilon", case.epsilon, "--explain", case.explanations]
    words += ["--outlook", str(outlook_file)] if case.outlook else []
    answer, complaints = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(answer), contextlib.redirect_stderr(complaints):
        code = command(words)
    assert code in (0, 3), complaints.getvalue()
    document: Json = json.loads(answer.getvalue())
    missed = any(rule["missed_t"] is not None for rule in document["rules"])
    assert code == (3 if missed or document["status"] == "short" else 0)
    return document


class PlainDumper(yaml.SafeDumper):
    """YAML without anchors: people repeat themselves, and event files refuse aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def as_csv(offers: list[Json]) -> str:
    """Offers as a file has them: a column for every key that some offer has."""
    columns = list(dict.fromkeys(key for o in offers for key in o)) or ["offer_id", "instrument", "quantity", "price"]
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, restval="")
    writer.writeheader()
    writer.writerows(offers)
    return out.getvalue()


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The service on a database of its own, asked from this machine; one for all cases of a process."""
    address = f"sqlite:///{tmp_path_factory.mktemp('worked') / 'service.db'}"
    app = application(ServiceSettings(address, planners=0))
    with TestClient(app, base_url="http://127.0.0.1", client=("127.0.0.1", 50_000)) as client:
        yield client


def http_door(case: Case, service: TestClient) -> Json:
    """HTTP: the case as one JSON body; the plan that is kept under its address is, byte by byte, the one answered."""
    calendar = dict(case.calendar)
    if Path(calendar.get("policy", "")).suffix:  # a pack of one's own: brought first, then named by its id
        pack = read_rule_pack(calendar["policy"])
        calendar["policy"] = service.post("/v1/policies", json=pack.dump()).raise_for_status().json()["id"]
    question = {
        **{"event": calendar, "offers": case.offers, "as_of": case.as_of, "epsilon": case.epsilon},
        **{"explain": case.explanations, **({"outlook": {"factors": case.outlook}} if case.outlook else {})},
    }
    answer = service.post("/v1/plans", json=question, headers={"accept-language": case.lang})
    assert answer.status_code == 201, answer.text
    assert service.get(answer.headers["location"]).content == answer.content
    document: Json = answer.json()
    return document


DOORS: tuple[Callable[[Case, Path], Json], ...] = (python_door, command_door)
"""Each gives a plan document, all of them the same one but for what files are warned about; then comes `http_door`."""


def without_warnings(document: Json) -> Json:
    """Readers of files add their doubts to the warnings, and the seal covers them."""
    return {key: value for key, value in document.items() if key not in ("warnings", "plan_id")}


type ThroughDoors = Callable[..., Answer]


@pytest.fixture
def through_doors(tmp_path: Path, service: TestClient) -> ThroughDoors:
    """Plans a case through every door; all of them must say the same.

    Takes one event or a list, the offers, the keys of the calendar (settings, objective, budget, policy), and the
    options as_of, epsilon, outlook, explanations and lang. The answer is the Python door's. `in_files=False` is for
    what no file may say, such as a market without offers.
    """

    def run(
        events: Json | list[Json],
        offers: list[Json],
        *,
        as_of: str = AS_OF,
        epsilon: str = "0.05",
        outlook: list[Json] | None = None,
        explanations: Literal["none", "short", "all"] = "short",
        lang: Literal["zh", "en"] = "en",
        in_files: bool = True,
        **calendar: Any,
    ) -> Answer:
        events = events if isinstance(events, list) else [events]
        case = Case({**calendar, "events": events}, offers, as_of, epsilon, outlook or [], explanations, lang)
        first, *others = [door(case, tmp_path) for door in (DOORS if in_files else (python_door,))]
        others += [http_door(case, service)] if in_files else []
        for other in others:
            assert without_warnings(other) == without_warnings(first)
        return Answer(first)

    return run
