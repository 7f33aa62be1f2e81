"""The OpenAPI document: true, whole, and kept by every answer, whatever is asked.

JINHENG_CASES=1000 asks each operation a thousand times; as part of the suite a few must do.
"""

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.http.conftest import application, client_of, new_organisation, settings_for
from tests.http.things import MAKERS, PARAMETER, Things, addresses, operations

CASES = int(os.environ.get("JINHENG_CASES", "0")) or 5
CASES_POSTGRESQL = int(os.environ.get("JINHENG_CASES", "0")) or 2
CHECKS = [
    *(not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance),
    *(response_schema_conformance, negative_data_rejection),
]
UNENDING = ("GET /v1/jobs/{job_id}/progress",)
"""Answers that go on as long as the thing does: asked only of things that are not there."""
LOOSE = {
    "POST /v1/snapshots": "a row may have any further column, and headers in Chinese",
    "POST /v1/plans": "as above",
    "POST /v1/jobs": "as above",
    "POST /v1/sweeps": "as above",
}
"""Operations that read more than their schema says, and what."""


# ------------------------------------------------------------------------------------------------ the document alone


@pytest.fixture(scope="module")
def document() -> Any:
    return application(settings_for("sqlite://")).openapi()


def described(document: Any) -> Iterator[tuple[str, Any]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_the_document_is_openapi_3_1_and_every_schema_in_it_is_one(document):
    assert document["openapi"].startswith("3.1")
    for schema in document["components"]["schemas"].values():
        jsonschema_rs.Draft202012Validator({**schema, "components": document["components"]})
    text = json.dumps(document)
    named = {part.split('"')[0] for part in text.split('"#/components/schemas/')[1:]}
    assert named <= set(document["components"]["schemas"]), "refers to what is not there"
    assert "x-noun" not in text


def test_every_schema_has_a_name_of_its_own(document):
    """Two of one name would be told apart by their modules, and makers of clients stumble over that."""
    assert [name for name in document["components"]["schemas"] if "__" in name] == []


def test_every_operation_is_in_the_document_and_says_what_it_does(document):
    known = dict(described(document))
    assert {str(o) for o in operations()} <= set(known)
    for name, operation in known.items():
        assert operation["summary"] and operation["tags"], name
        assert operation["description"].strip().endswith((".", "。", ")")), name
        assert operation["operationId"].isidentifier(), name
    twice = [k for k, n in Counter(o["operationId"] for o in known.values()).items() if n > 1]
    assert not twice


def test_every_operation_names_its_problems_in_their_own_type(document):
    for name, operation in described(document):
        for status in ("401", "403", "404", "422", "429", "500", "503"):
            content = operation["responses"][status]["content"]
            assert set(content) == {"application/problem+json"}, name
        assert any(status.startswith(("2", "3")) for status in operation["responses"]), name


def test_every_body_shows_an_example_that_its_schema_takes(document):
    wrong = []
    for name, operation in described(document):
        for kind, content in operation.get("requestBody", {}).get("content", {}).items():
            if content["schema"].get("format") == "binary":
                continue
            if "example" not in content:
                wrong.append(f"{name} {kind}: no example")
                continue
            whole = {**content["schema"], "components": document["components"]}
            wrong += [
                f"{name}: {e.message}"
                for e in jsonschema_rs.Draft202012Validator(whole).iter_errors(content["example"])
            ]
    assert not wrong


def test_money_and_mass_of_answers_are_text_with_a_pattern(document):
    """No answer says money or mass as a number: a binary float would not hold it."""
    wrong = []
    for name, schema in document["components"]["schemas"].items():
        if not name.endswith(("Answer", "Run", "Line", "Page")):
            continue
        for key, part in schema.get("properties", {}).items():
            if part.get("type") == "number" and key.endswith(("_t", "cost", "price", "amount", "yuan", "tonnes")):
                wrong.append(f"{name}.{key}")
    assert not wrong


def test_quantities_of_bodies_say_their_unit_and_are_text_or_numbers(document):
    tonnes = document["components"]["schemas"]["Emissions"]["properties"]["tonnes"]
    assert [one["type"] for one in tonnes["anyOf"]] == ["string", "number"]
    assert "tonnes" in tonnes["description"] and tonnes["examples"]


# --------------------------------------------------------------------------------------------------- every answer


class Carried:
    """The application as schemathesis calls it: started elsewhere, reached from this machine."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            raise NotImplementedError  # the server of the tests has done it
        try:
            await self.app({**scope, "client": ("127.0.0.1", 50_000)}, receive, send)
        except Exception:  # what the application answered by then is 500, and found by its check
            return


class Service:
    """A running application, one of everything in it, and its document as schemathesis reads it."""

    def __init__(self, app: FastAPI) -> None:
        org = new_organisation(app, "asked")
        self.things = Things(org)
        for prefix in sorted(addresses() & set(MAKERS)):
            self.things.value(prefix)
        self.key = str(org.administrator.headers["authorization"])
        self.schema = schemathesis.openapi.from_asgi("/v1/openapi.json", Carried(app))

    def __getitem__(self, name: str) -> Any:
        method, _, path = name.partition(" ")
        return self.schema[path][method]


def started(address: str) -> Iterator[Service]:
    app = application(settings_for(address, plan_seconds=5))
    with client_of(app):
        yield Service(app)


@pytest.fixture(scope="module")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder: Path = tmp_path_factory.mktemp("openapi")
    yield from started(f"sqlite:///{folder / 'asked.db'}")


@pytest.fixture(scope="module")
def on_postgresql(postgresql_server: str) -> Iterator[Service]:
    import psycopg

    with psycopg.connect(postgresql_server, autocommit=True) as admin:
        admin.execute("CREATE DATABASE asked")
    yield from started(postgresql_server.replace("/postgres?", "/asked?"))


def ask_everything(service: Service, name: str, cases: int) -> None:
    """Asks an operation what its document allows and what it does not, at things that are there and that are not."""
    operation = service[name]
    strategies = [operation.as_strategy(generation_mode=mode) for mode in GenerationMode]
    path = name.partition(" ")[2]
    if PARAMETER.search(path) and name not in UNENDING:
        there = service.things.values(path)
        strategies += [operation.as_strategy(generation_mode=mode, path_parameters=there) for mode in GenerationMode]
    checks = [c for c in CHECKS if name not in LOOSE or c is not negative_data_rejection]

    @settings(
        max_examples=cases,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate, Phase.shrink] if cases > CASES_POSTGRESQL else [Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.one_of(strategies))
    def run(case: Any) -> None:
        case.call_and_validate(headers={"Authorization": service.key}, checks=checks)

    run()


NAMES = sorted(str(o) for o in operations())


@pytest.mark.parametrize("name", NAMES)
def test_every_answer_is_as_the_document_says(on_sqlite, name):
    ask_everything(on_sqlite, name, CASES)


@pytest.mark.parametrize("name", NAMES if "JINHENG_CASES" in os.environ else [n for n in NAMES if n[:3] != "GET"])
def test_every_answer_is_as_the_document_says_on_postgresql(on_postgresql, name):
    ask_everything(on_postgresql, name, CASES_POSTGRESQL)


def test_things_with_an_address_are_there_to_be_asked(on_sqlite):
    for prefix in addresses():
        assert on_sqlite.things.value(prefix)
