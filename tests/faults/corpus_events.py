"""Broken event files, and broken files that go with them, each with the complaints that must be made about it."""

import json
from dataclasses import dataclass
from importlib import resources
from typing import Any

GOOD = "id: e\nend_date: 2026-10-11\nemissions: {tonnes: 10, status: verified}\n"
PACK = resources.files("optimizer.rule_packs").joinpath("shanxi-2022.yaml").read_text("utf-8")


@dataclass(frozen=True)
class Broken:
    """A broken file, what it is given as, and the (code, path) of complaints that must be among those made."""

    name: str
    content: bytes
    expected: frozenset[tuple[str, str]]
    role: str = "event"
    filename: str = "event.yaml"


def broken(name: str, content: str | bytes, *expected: tuple[str, str], role: str = "event", file: str = "") -> Broken:
    data = content.encode() if isinstance(content, str) else content
    named = file or {"event": "event.yaml", "pack": "pack.yaml"}.get(role, f"{role}.yaml")
    return Broken(name, data, frozenset(expected), role, named)


def json_event(**changes: Any) -> str:
    event = {"id": "e", "end_date": "2026-10-11", "emissions": {"tonnes": "10", "status": "verified"}}
    return json.dumps({**event, **changes})


def calendar(*events: str, more: str = "") -> str:
    return more + "events:\n" + "".join(f"  - {{{e}}}\n" for e in events)


EVENT = "id: {}, end_date: 2026-10-11, emissions: {{tonnes: 10, status: verified}}"
BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)

CORPUS = [
    # ---------------------------------------------------------------------------------------------------- no such text
    broken("empty", b"", ("file_empty", "")),
    broken("blank", b" \n\t\n", ("file_empty", "")),
    broken("only a comment", "# nothing\n", ("event_file", "")),
    broken("only a BOM", b"\xef\xbb\xbf", ("file_empty", "")),
    broken("binary", bytes(range(256)) * 20, ("encoding", "")),
    broken("NUL", GOOD.replace("e\n", "e\x00\n", 1), ("binary", "")),
    broken("escape characters", GOOD.replace("id: e", "id: e\x1b[31m"), ("binary", "")),
    broken("UTF-16", GOOD.encode("utf-16"), ("encoding", "")),
    broken("a workbook", b"PK\x03\x04rest", ("file_format", "")),
    broken("a PDF", b"%PDF-1.7\n", ("file_format", "")),
    broken("a Parquet file", b"PAR1....PAR1", ("file_format", "")),
    broken("larger than 10 MB", b"# " + b"x" * 10_000_001, ("file_too_large", "")),
    broken("just below 10 MB, one long text", "id: " + "x" * 9_990_000 + "\n" + GOOD[6:], ("string_too_long", "id")),
    broken("too many values", "id: [" + "1," * 110_000 + "1]\n", ("file_too_large", "")),
    # ---------------------------------------------------------------------------------------------------------- syntax
    broken("a tab for indentation", "id: e\n\tend_date: 2026-10-11\n", ("yaml", "")),
    broken("an open bracket", GOOD + "limits: [{group: seller\n", ("yaml", "")),
    broken("an open quote", GOOD.replace("id: e", "id: 'e"), ("yaml", "")),
    broken("two documents", GOOD + "---\n" + GOOD, ("yaml_documents", "")),
    broken("a list", "- id: e\n", ("event_file", "")),
    broken("plain text", "hello\n", ("event_file", "")),
    broken("a key twice", GOOD + "id: f\nend_date: 2026-10-12\n", ("key_twice", "id"), ("key_twice", "end_date")),
    broken(
        "a key twice, deeper", GOOD.replace("tonnes: 10", "tonnes: 10, tonnes: 9"), ("key_twice", "emissions.tonnes")
    ),
    broken("a list as key", GOOD + "? [a, b]\n: c\n", ("yaml_key", "")),
    broken("an alias", "x: &x 5\nid: *x\n", ("yaml_alias", "")),
    broken("a billion laughs", BOMB, ("yaml_alias", "")),
    broken("a merge key", "base: &b {id: e}\n<<: *b\n", ("yaml_alias", "")),
    broken("a Python object", "id: !!python/object/apply:os.system [ls]\n", ("yaml_tag", "")),
    broken("a binary tag", "id: !!binary aGk=\n", ("yaml_tag", "")),
    broken("nested 40 deep", "id: " + "[" * 40 + "]" * 40 + "\n", ("nesting", "")),
    broken("nested 100,000 deep", "id: " + "[" * 100_000, ("nesting", "")),
    broken("nested mappings 3,000 deep", "".join(" " * k + "a:\n" for k in range(3_000)), ("nesting", "")),
    broken("JSON cut short", json_event()[:-3], ("json", ""), file="event.json"),
    broken("JSON with NaN", '{"id": "e", "over_cover": NaN}', ("not_finite", ""), file="event.json"),
    broken("JSON with -Infinity", '{"id": "e", "over_cover": -Infinity}', ("not_finite", ""), file="event.json"),
    broken("JSON with a key twice", '{"id": "e", "id": "f"}', ("key_twice", "id"), file="event.json"),
    broken("JSON nested 100,000 deep", "[" * 100_000, ("nesting", ""), file="event.json"),
    broken("JSON nested 50 deep", '{"id":' + "[" * 50 + "]" * 50 + "}", ("nesting", ""), file="event.json"),
    broken("JSON with half a character", '{"id": "\\ud800"}', ("encoding", ""), file="event.json"),
    broken("JSON with a single quote", "{'id': 'e'}", ("json", ""), file="event.json"),
    broken("JSON null", "null", ("event_file", ""), file="event.json"),
    # ---------------------------------------------------------------------------------------------------------- events
    broken("nothing that it needs", "name: x\n", ("missing", "id"), ("missing", "end_date"), ("missing", "emissions")),
    broken(
        "many at once",
        "id: 5\nend_date: 2026-02-30\nemissions: {tonnes: -3, status: verifed, unknown: 1}\ncolour: red\n"
        "priority: 12\nregion: 火星\nover_cover: ten\npolicy: nowhere\n",
        ("string_type", "id"),
        ("date_from_datetime_parsing", "end_date"),
        ("negative", "emissions.tonnes"),
        ("literal_error", "emissions.status"),
        ("extra_forbidden", "emissions.unknown"),
        ("extra_forbidden", "colour"),
        ("less_than_equal", "priority"),
        ("region", "region"),
        ("number", "over_cover"),
        ("policy_unknown", "policy"),
    ),
    broken("a number for a date", GOOD.replace("2026-10-11", "20261011"), ("date_type", "end_date")),
    broken("a date as quoted number", GOOD.replace("2026-10-11", '"20261011"'), ("date_type", "end_date")),
    broken("seconds for a date", GOOD.replace("2026-10-11", "86400"), ("date_type", "end_date")),
    broken("a year beyond dates", GOOD.replace("2026-10-11", "9999-12-31"), ("date_range", "end_date")),
    broken(
        "a date and time", GOOD.replace("2026-10-11", "2026-10-11T08:30:00"), ("date_from_datetime_inexact", "end_date")
    ),
    broken("no emissions at all", GOOD.replace("tonnes: 10", "tonnes: 0"), ("emissions_zero", "emissions")),
    broken(
        "too many decimals",
        GOOD.replace("10", "10.0001", 1).replace("tonnes: 10,", "tonnes: 1.2345,"),
        ("decimals", "emissions.tonnes"),
    ),
    broken("infinite emissions", GOOD.replace("tonnes: 10", "tonnes: .inf"), ("number", "emissions.tonnes")),
    broken("NaN emissions", GOOD.replace("tonnes: 10", "tonnes: .nan"), ("number", "emissions.tonnes")),
    broken("huge emissions", GOOD.replace("tonnes: 10", "tonnes: 1e20"), ("huge", "emissions.tonnes")),
    broken(
        "an exponent beyond decimals",
        GOOD.replace("tonnes: 10", "tonnes: 1.0e99999999999999999999"),
        ("number", "emissions.tonnes"),
    ),
    broken("5,000 digits", GOOD.replace("tonnes: 10", "tonnes: " + "9" * 5000), ("number", "emissions.tonnes")),
    broken("a thousands comma", GOOD.replace("tonnes: 10", 'tonnes: "4,820.4"'), ("number", "emissions.tonnes")),
    broken("a yes for a number", GOOD.replace("tonnes: 10", "tonnes: true"), ("number", "emissions.tonnes")),
    broken(
        "an upside-down range",
        GOOD.replace("tonnes: 10, status: verified", "tonnes: 10, low: 12, high: 9, status: estimated"),
        ("range_order", "emissions"),
    ),
    broken(
        "a range of verified emissions",
        GOOD.replace("tonnes: 10", "tonnes: 10, low: 9"),
        ("range_of_verified", "emissions"),
    ),
    broken("an empty budget", GOOD + "budget: {}\n", ("budget_empty", "budget")),
    broken("no years", GOOD + "budget: {by_fiscal_year: {}}\n", ("budget_empty", "budget")),
    broken(
        "a year in words", GOOD + "budget: {by_fiscal_year: {next: 5}}\n", ("int_parsing", "budget.by_fiscal_year.next")
    ),
    broken("a year of two digits", GOOD + "budget: {by_fiscal_year: {26: 5}}\n", ("budget_year", "budget")),
    broken(
        "carrying forward nothing",
        GOOD + "budget: {total: 5, carry_forward: true}\n",
        ("carry_without_years", "budget"),
    ),
    broken("a negative budget", GOOD + "budget: {total: -5}\n", ("negative", "budget.total")),
    broken("a budget in words", GOOD + "budget: 60万元\n", ("model_type", "budget")),
    broken(
        "limits of every wrong kind",
        GOOD
        + "limits:\n  - {group: seler, max_share: 0.4}\n  - {group: seller, min_share: 0.4}\n  - {max_share: 0.4}\n"
        "  - {group: seller}\n  - {where: {colour: red}, max_share: 0.4}\n  - {where: {}, max_share: 0.4}\n"
        "  - {where: {seller: A}, max_share: 2}\n  - {where: {seller: A}, max_share: 0.2, min_share: 0.4}\n"
        "  - {where: {region: 火星}, max_share: 0.5}\n",
        ("literal_error", "limits[0].group"),
        ("limit_group_min", "limits[1]"),
        ("limit_kind", "limits[2]"),
        ("limit_empty", "limits[3]"),
        ("filter_key", "limits[4].where"),
        ("filter_empty", "limits[5].where"),
        ("limit_share", "limits[6]"),
        ("limit_order", "limits[7]"),
        ("region", "limits[8].where"),
    ),
    broken("limits that are no list", GOOD + "limits: {group: seller}\n", ("tuple_type", "limits")),
    broken(
        "upside-down vintages",
        GOOD + "eligibility: {vintage_min: 2025, vintage_max: 2019}\n",
        ("vintage_order", "eligibility"),
    ),
    broken(
        "an unknown channel", GOOD + "eligibility: {channels: [friend]}\n", ("literal_error", "eligibility.channels[0]")
    ),
    broken(
        "settings in words",
        GOOD + "settings: {unranked: maybe, stale: never}\n",
        ("bool_parsing", "settings.unranked"),
        ("literal_error", "settings.stale"),
    ),
    broken("an unknown objective", GOOD + "objective: cheapest\n", ("literal_error", "objective")),
    broken(
        "an objective of unknown levels",
        GOOD + "objective: [{level: speed}, {lvl: cost}]\n",
        ("level", "objective[0].level"),
        ("missing", "objective[1].level"),
        ("extra_forbidden", "objective[1].lvl"),
    ),
    broken("an empty objective", GOOD + "objective: []\n", ("objective_empty", "objective")),
    broken(
        "a tier that the pack lacks", GOOD + "objective: [{level: tier 9}]\n", ("level_unknown", "objective[0].level")
    ),
    # -------------------------------------------------------------------------------------------------------- calendars
    broken("no events", "events: []\n", ("too_short", "events")),
    broken("events that are no list", "events: 5\n", ("tuple_type", "events")),
    broken("the same id twice", calendar(EVENT.format("a"), EVENT.format("a")), ("event_id", "")),
    broken(
        "the same id twice among other faults",
        calendar(EVENT.format("a"), EVENT.format("a"), "id: b", more="colour: red\n"),
        ("event_id", "events"),
        ("missing", "events[2].end_date"),
        ("missing", "events[2].emissions"),
        ("extra_forbidden", "colour"),
    ),
    broken(
        "a rule pack for each event",
        calendar(EVENT.format("a") + ", policy: mee-2019", EVENT.format("b")),
        ("calendar_policy", ""),
    ),
    broken(
        "an event's keys beside events",
        calendar(EVENT.format("a"), more="end_date: 2026-10-11\n"),
        ("extra_forbidden", "end_date"),
    ),
    broken("an event that is no mapping", calendar(EVENT.format("a")) + "  - 5\n", ("model_type", "events[1]")),
    # ------------------------------------------------------------------------------------ objectives and outlooks
    broken("an objective file that is no list", "level: cost\n", ("objective_file", ""), role="objective"),
    broken(
        "an objective file of unknown levels",
        "- {level: speed}\n- {level: cost, relative: -1}\n",
        ("level", "[0].level"),
        ("negative", "[1].relative"),
        role="objective",
    ),
    broken("an empty objective file", "", ("file_empty", ""), role="objective"),
    broken(
        "an objective file with a tier that the pack lacks",
        "- {level: tier 9}\n",
        ("level_unknown", "objective[0].level"),
        role="objective",
    ),
    broken(
        "an outlook without factors as list", "factors: {instrument: ccer}\n", ("tuple_type", "factors"), role="outlook"
    ),
    broken(
        "an outlook with every fault",
        "factors:\n  - {instrument: ccr, from: 2027-13-01, factor: x}\n"
        "  - {instrument: ccer, from: 2027-01-01}\nname: x\n",
        ("literal_error", "factors[0].instrument"),
        ("number", "factors[0].factor"),
        ("missing", "factors[1].factor"),
        ("extra_forbidden", "name"),
        role="outlook",
    ),
    broken(
        "a factor of eleven",
        "factors: [{instrument: ccer, from: 2027-01-01, factor: 11}]\n",
        ("factor", ""),
        role="outlook",
    ),
    broken(
        "a factor twice",
        "factors:\n" + "  - {instrument: ccer, from: 2027-01-01, factor: 1.1}\n" * 2,
        ("factor_twice", ""),
        role="outlook",
    ),
    # ------------------------------------------------------------------------------------------------- rule packs
    broken("a pack that is empty", "", ("file_empty", ""), role="pack"),
    broken("a pack that is text", "三(二)\n", ("model_type", ""), role="pack"),
    broken("a pack with unknown keys", PACK + "colour: red\n", ("extra_forbidden", "colour"), role="pack"),
    broken(
        "a pack in one language",
        PACK.replace("en: certified and disclosed", "fr: certifié"),
        ("text", "registries[4].name"),
        role="pack",
    ),
    broken("a pack with tiers out of order", PACK.replace("- tier: 2", "- tier: 7"), ("tier_numbers", ""), role="pack"),
    broken(
        "a pack with a class of two results",
        PACK.replace("    left_out: old_ccer", "    left_out: old_ccer\n    tier: 1"),
        ("class_result", "classes[2]"),
        role="pack",
    ),
    broken(
        "a pack with an unknown predicate",
        PACK.replace("mechanism_contains: 三晋}\n    tier", "colour: red}\n    tier"),
        ("extra_forbidden", "classes[0].when.colour"),
        role="pack",
    ),
    broken(
        "a pack with no tier of that number",
        PACK.replace("    tier: 4", "    tier: 6"),
        ("tier_unknown", ""),
        role="pack",
    ),
    broken("a pack of a billion laughs", BOMB, ("yaml_alias", ""), role="pack"),
]
