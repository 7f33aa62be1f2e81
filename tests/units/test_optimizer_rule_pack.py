"""Rule packs: what a user's own pack may get wrong, and that it says so; the shipped ones are well made."""

import copy
from typing import Any

import pytest
import yaml

from optimizer import BadInput, Offer, Offers, Settings, read_rule_pack, shipped_rule_packs
from optimizer.rule_pack import PACK_BYTES_MAX, When, parse_rule_pack

PACK: dict[str, Any] = {
    "id": "my-province",
    "version": "1",
    "title": {"zh": "我省方案", "en": "our plan"},
    "document_number": "某环发〔2026〕1号",
    "issued_on": "2026-01-01",
    "order": "required",
    "tiers": [
        {"tier": 1, "name": {"zh": "一", "en": "one"}, "clause": "3.1"},
        {"tier": 2, "name": {"zh": "二", "en": "two"}, "clause": "3.2"},
    ],
    "unranked": {"tier": 3, "name": {"zh": "其他", "en": "others"}, "clause": "3"},
    "retirement": {"years": 2, "in_principle": False, "clause": "4"},
    "forestry": {"years": 5, "in_principle": False, "clause": "4"},
    "recognised_clause": "3",
    "retire_clause": "5",
    "registries": [{"instrument": "ccer", "name": {"zh": "登记", "en": "registry"}, "clause": "5"}],
    "classes": [
        {"when": {"instrument": ["ccer"], "region": ["61"]}, "tier": 1, "clause": "3.1"},
        {"when": {"instrument": ["ccer"]}, "tier": "unranked", "clause": "3"},
        {"when": {"instrument": ["forestry"], "certified": False}, "left_out": "not_certified", "clause": "3.2"},
    ],
}


def changed(path: str, value: Any) -> dict[str, Any]:
    """The pack with one value set, or removed where `value` is None."""
    pack = copy.deepcopy(PACK)
    *parents, last = [int(p) if p.isdigit() else p for p in path.split(".")]
    inside: Any = pack
    for parent in parents:
        inside = inside[parent]
    if value is None:
        del inside[last]
    else:
        inside[last] = value
    return pack


def written(pack: Any) -> str:
    return yaml.safe_dump(pack, allow_unicode=True)


def test_a_good_pack_of_ones_own_is_read_by_its_path(tmp_path):
    file = tmp_path / "my-province.yaml"
    file.write_text(written(PACK), "utf-8")
    pack = read_rule_pack(str(file))
    assert (pack.id, pack.n_tiers, pack.order, pack.retirement.years) == ("my-province", 2, "required", 2)
    assert pack == parse_rule_pack(written(pack.dump()), "again")
    assert [pack.tier_name(t).en for t in (1, 2, 3)] == ["one", "two", "others"]


FAULTS: list[tuple[str, Any, str, str, str]] = [
    ("colour", "red", "colour", "extra_forbidden", "unknown key; should be one of: id, version, "),
    (
        "classes.0.when.colour",
        "red",
        "classes[0].when.colour",
        "extra_forbidden",
        "unknown key; should be one of: instrument, ",
    ),
    ("classes.0.clause", None, "classes[0].clause", "missing", "a required key is missing"),
    ("classes.0.clause", "", "classes[0].clause", "string_too_short", "should not be empty"),
    ("tiers.1.clause", None, "tiers[1].clause", "missing", "a required key is missing"),
    ("retirement.clause", None, "retirement.clause", "missing", "a required key is missing"),
    ("retirement", None, "retirement", "missing", "a required key is missing"),
    ("classes", [], "classes", "too_short", "should have at least 1 item"),
    ("tiers", [], "tiers", "too_short", "should have at least 1 item"),
    ("tiers.1.tier", 3, "", "tier_numbers", "tiers should be numbered 1, 2, 3 ... in order"),
    ("tiers.0.tier", 2, "", "tier_numbers", "tiers should be numbered 1, 2, 3 ... in order"),
    ("classes.0.tier", 3, "", "tier_unknown", "a class names a tier that is not in tiers"),
    ("unranked", None, "", "unranked_missing", "a class is unranked, but `unranked` has no name and clause"),
    ("unranked.tier", 4, "", "unranked_number", "unranked.tier should be one after the last tier"),
    ("classes.0.tier", None, "classes[0]", "class_result", "should have either tier or left_out"),
    ("classes.0.left_out", "region", "classes[0]", "class_result", "should have either tier or left_out"),
    ("classes.2.left_out", "ugly", "classes[2].left_out", "literal_error", "should be one of: "),
    ("classes.0.when.instrument", ["wind"], "classes[0].when.instrument[0]", "literal_error", "should be one of: "),
    ("classes.0.when.region", ["Atlantis"], "classes[0].when.region[0]", "region", "unknown region: "),
    ("classes.0.when.setting", "magic", "classes[0].when.setting", "literal_error", "should be one of: "),
    ("title", {"zh": "我省方案"}, "title", "text", "should be "),
    ("title", "我省方案", "title", "text", "should be "),
    ("tiers.0.name.en", " ", "tiers[0].name", "text", "should be "),
    ("id", "My Province", "id", "string_pattern_mismatch", "should match the pattern ^[a-z0-9]"),
    ("issued_on", "last year", "issued_on", "date_from_datetime_parsing", "should be a date such as 2026-10-11"),
    ("order", "wished", "order", "literal_error", "should be one of: 'recommended' or 'required'"),
    ("retirement.years", 0, "retirement.years", "greater_than_equal", "should be at least 1"),
    ("retirement.years", 1.5, "retirement.years", "int_from_float", "should be a whole number"),
]


@pytest.mark.parametrize(("path", "value", "place", "code", "en"), FAULTS)
def test_a_fault_of_a_pack_is_placed_and_said(path, value, place, code, en):
    with pytest.raises(BadInput) as caught:
        parse_rule_pack(written(changed(path, value)), "pack.yaml")
    (finding,) = caught.value.findings
    assert (finding.file, finding.path, finding.code) == ("pack.yaml", place, code)
    assert finding.message.en.startswith(en)
    assert finding.message.zh != finding.message.en


def test_all_faults_of_a_pack_are_told_at_once():
    pack = changed("order", "wished") | {"colour": "red", "version": 1}
    with pytest.raises(BadInput) as caught:
        parse_rule_pack(written(pack), "pack.yaml")
    assert {f.path for f in caught.value.findings} == {"order", "colour", "version"}


@pytest.mark.parametrize(
    ("text", "row"),
    [("id: [unclosed\n", 2), ("a: b: c\n", 1), ("\tid: x\n", 1), ("id: !!python/object:os.system x", None)],
)
def test_bad_yaml_is_told_with_its_line(text, row):
    with pytest.raises(BadInput) as caught:
        parse_rule_pack(text, "pack.yaml")
    (finding,) = caught.value.findings
    assert (finding.code, finding.file) == ("yaml", "pack.yaml")
    assert row is None or finding.row == row


@pytest.mark.parametrize("text", ["", "just words", "- a\n- list\n", "42"])
def test_yaml_that_is_no_mapping_is_no_pack(text):
    with pytest.raises(BadInput) as caught:
        parse_rule_pack(text, "pack.yaml")
    assert [f.message.zh for f in caught.value.findings] == ["应为键值表"]


def test_a_pack_that_does_not_exist_names_those_that_ship(tmp_path):
    with pytest.raises(BadInput) as caught:
        read_rule_pack(str(tmp_path / "missing.yaml"))
    (finding,) = caught.value.findings
    assert finding.code == "policy_unknown"
    assert "mee-2019, shanxi-2022" in finding.message.en


@pytest.mark.parametrize(
    ("content", "code"), [(b"\xff\xfe\x00id", "pack_unreadable"), (b"#" * (PACK_BYTES_MAX + 1), "pack_large")]
)
def test_a_file_that_is_no_text_or_too_large_is_refused(tmp_path, content, code):
    file = tmp_path / "pack.yaml"
    file.write_bytes(content)
    with pytest.raises(BadInput) as caught:
        read_rule_pack(str(file))
    assert [f.code for f in caught.value.findings] == [code]


def test_the_first_class_that_holds_decides():
    pack = parse_rule_pack(written(PACK), "pack.yaml")
    rows = [
        {"offer_id": "in", "instrument": "ccer", "region": "610100"},
        {"offer_id": "out", "instrument": "ccer", "region": "14"},
        {"offer_id": "forest", "instrument": "forestry"},
        {"offer_id": "good forest", "instrument": "forestry", "certified_by": "x"},
    ]
    offers = Offers.of(Offer.model_validate({"quantity": 1, "price": 1, **row}) for row in rows)
    assert pack.classify(offers, Settings()).tolist() == [0, 1, 2, -1]


PREDICATES: list[tuple[dict[str, Any], dict[str, Any], bool]] = [
    ({"mechanism": ["CEA"]}, {"mechanism": " cea "}, True),
    ({"mechanism": ["CEA"]}, {"mechanism": "CEA20"}, False),
    ({"mechanism": ["CEA"]}, {}, False),
    ({"mechanism": [""]}, {}, True),
    ({"mechanism_contains": "三晋"}, {"mechanism": "“三晋绿色生活”"}, True),
    ({"mechanism_contains": "三晋"}, {}, False),
    ({"region": ["14"]}, {"region": "140100"}, True),
    ({"region": ["14"]}, {}, False),
    ({"in_country": True}, {"region": "CN"}, True),
    ({"in_country": True}, {"region": "KE"}, False),
    ({"in_country": False}, {}, True),
    ({"certified": True}, {"certified_by": "x"}, True),
    ({"certified": False}, {}, True),
    ({"registered_before": "2017-03-01"}, {"registered_on": "2017-02-28"}, True),
    ({"registered_before": "2017-03-01"}, {"registered_on": "2017-03-01"}, False),
    ({"registered_before": "2017-03-01"}, {}, False),
    ({"setting": "old_ccer"}, {}, False),
    ({"setting_off": "old_ccer"}, {}, True),
    ({}, {}, True),
]


@pytest.mark.parametrize(("when", "offer", "holds"), PREDICATES)
def test_a_predicate_holds_where_all_its_keys_do(when, offer, holds):
    offers = Offers.of(
        [Offer.model_validate({"offer_id": "a", "instrument": "ccer", "quantity": 1, "price": 1, **offer})]
    )
    assert When.model_validate(when).holds(offers, Settings()).tolist() == [holds]


def test_the_shipped_packs_recommend_and_cite():
    assert shipped_rule_packs() == ("mee-2019", "shanxi-2022")
    for name in shipped_rule_packs():
        pack = read_rule_pack(name)
        assert (pack.id, pack.order) == (name, "recommended")
        assert (pack.retirement.years, pack.retirement.in_principle) == (1, True)
        assert (pack.forestry.years, pack.forestry.in_principle) == (6, False)
        instruments = {i for c in pack.classes for i in c.when.instrument or ()}
        assert instruments == {"carbon_inclusion", "ccer", "credit", "forestry", "allowance"}
        assert {r.instrument for r in pack.registries} == instruments


def test_the_hash_of_a_pack_is_of_its_content():
    again = parse_rule_pack(written(PACK), "one.yaml")
    assert again.sha256 == parse_rule_pack("# a remark\n" + written(PACK), "two.yaml").sha256
    assert again.sha256 != parse_rule_pack(written(changed("tiers.0.clause", "3.9")), "three.yaml").sha256
