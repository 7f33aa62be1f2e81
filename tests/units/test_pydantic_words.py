"""Whatever a document can be told is told in both languages: the kinds of complaint of every model are known."""

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from api.routes.job_bodies import JobBody
from optimizer.findings import faults_of
from optimizer.pydantic_words import COUNTED, PLAIN

PACKAGES = ("optimizer", "market_data", "scenarios", "api")

DATES = {"date_from_datetime_parsing", "date_from_datetime_inexact"}
OF_A_NODE: dict[str, set[str]] = {
    "str": {"string_type", "string_unicode"},
    "int": {"int_type", "int_parsing", "int_from_float", "int_parsing_size", "finite_number"},
    "float": {"float_type", "float_parsing", "finite_number"},
    "decimal": {"decimal_type", "decimal_parsing", "finite_number"},
    "bool": {"bool_type", "bool_parsing"},
    "date": {"date_type", "date_parsing", *DATES},
    "datetime": {"datetime_type", "datetime_parsing", "datetime_from_date_parsing", "datetime_object_invalid"},
    "list": {"list_type"},
    "tuple": {"tuple_type", "missing"},
    "dict": {"dict_type"},
    "model": {"model_type", "model_attributes_type"},
    "model-fields": {"missing", "extra_forbidden", "invalid_key"},
    "named-tuple": {"named_tuple_type", "missing_argument", "unexpected_positional_argument"},
    "literal": {"literal_error"},
    "tagged-union": {"union_tag_invalid", "union_tag_not_found"},
}
"""What pydantic may complain of at each kind of node of a schema."""
AROUND = {
    *("any", "default", "definition-ref", "definitions", "function-after", "function-before"),
    *("model-field", "named-tuple-field", "nullable", "union"),
}
"""Nodes of which it does not complain, only of what is in them."""

OF_A_LIMIT: dict[str, set[str]] = {
    "ge": {"greater_than_equal"},
    "le": {"less_than_equal"},
    "gt": {"greater_than"},
    "lt": {"less_than"},
    "pattern": {"string_pattern_mismatch"},
    "min_length": {"too_short", "string_too_short"},
    "max_length": {"too_long", "string_too_long"},
}


def all_models() -> list[type[BaseModel]]:
    for package in PACKAGES:
        for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
            if ".migrations" not in module.name and not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    found, waiting = [], [BaseModel]
    while waiting:
        waiting += (kind := waiting.pop()).__subclasses__()
        if kind.__module__.split(".")[0] in PACKAGES:
            found.append(kind)
    return found


def nodes_of(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        if isinstance(schema.get("type"), str):
            yield schema
        for key, inner in schema.items():
            if key not in ("metadata", "serialization", "cls", "function"):
                yield from nodes_of(inner)
    elif isinstance(schema, list | tuple):
        for inner in schema:
            yield from nodes_of(inner)


def test_every_complaint_that_a_document_can_meet_has_words_of_its_own() -> None:
    """From the schemas of all models: a new kind of field without words fails here, not at a user."""
    schemas = [model.__pydantic_core_schema__ for model in all_models()] + [TypeAdapter(JobBody).core_schema]
    nodes = [node for schema in schemas for node in nodes_of(schema)]
    assert len(nodes) > 5_000
    assert {n["type"] for n in nodes} - OF_A_NODE.keys() == AROUND
    met = set().union(*(OF_A_NODE.get(n["type"], set()) for n in nodes))
    met |= set().union(*(OF_A_LIMIT[key] for n in nodes for key in OF_A_LIMIT.keys() & n.keys()))
    assert met - PLAIN.keys() - COUNTED.keys() == {"extra_forbidden"}


def told(body: Any) -> list[tuple[str, str, str | None, str]]:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(JobBody).validate_python(body)
    return [(f.path, f.message.zh, f.value, f.message.en) for f in faults_of(caught.value, JobBody)]


KINDS = "'plan', 'compare', 'frontier', 'budget', 'risk', 'sweep', 'calendar', 'replan', 'quotes'"


@pytest.mark.parametrize(
    ("body", "path", "zh", "value"),
    [
        ({}, "kind", "缺少必填项", None),
        ({"kind": "quote"}, "kind", f"应为以下之一: {KINDS}", "quote"),
        ({"kind": "plan", "papers": ["xlsx"] * 8}, "papers", "最多 7 项", None),
        ({"kind": "plan", "time_limit": 0}, "time_limit", "应大于 0", "0"),
        ({"kind": "risk", "draws": 0}, "draws", "应不小于 1", "0"),
        ({"kind": "risk", "fall_through": "x" * 51}, "fall_through", "最多 50 个字符", "x" * 51),
        ({"kind": "risk", "drawn": 5}, "drawn", "未知的键; 是否指 draws?", "5"),
        ({"kind": "compare", "drawn": 5}, "drawn", "未知的键; 应为以下之一: ", "5"),
    ],
)
def test_a_body_of_one_of_many_kinds_is_told_by_its_own_keys(
    body: dict[str, Any], path: str, zh: str, value: str | None
) -> None:
    """The place is one in the document, and only keys of the kind that was meant are offered."""
    (only,) = told(body)
    assert (only[0], only[2]) == (path, value)
    assert only[1].startswith(zh)
    assert "draws" not in only[1] or body["kind"] == "risk"


def test_a_list_whose_items_are_faulty_is_not_called_short_as_well() -> None:
    """Pydantic counts the sound items only: of one faulty event it would say that there are none."""
    faulty = told({"kind": "quotes", "events": [{"colour": "red"}]})
    assert [path for path, *_ in faulty] == ["events[0].colour"]
    assert [path for path, *_ in told({"kind": "quotes", "events": []})] == ["events"]
