"""Why an offer is left out: every reason, all of them at once, each with its clause."""

from typing import Any

import pytest
import yaml

from optimizer import read_rule_pack
from optimizer.eligibility import REASONS
from tests.worked.market import event, offer

SHANXI = "晋环发〔2022〕41号"
MEE = "生态环境部公告2019年第19号"

ALONE: dict[str, dict[str, Any]] = {
    "region": {
        "offer": {"region": "KE", "mechanism": "VCS"},
        "calendar": {"policy": "mee-2019"},
        "clause": f"{MEE} 抵消方式(4)",
    },
    "not_certified": {"tier": 3, "offer": {"certified_by": ""}, "clause": f"{SHANXI} 三(二)3"},
    "old_ccer": {"tier": 2, "offer": {"registered_on": "2017-02-28"}, "clause": f"{SHANXI} 三(二)"},
    "unranked": {"calendar": {"settings": {"unranked": False}}, "clause": f"{SHANXI} 三(二)"},
    "user_region": {"event": {"eligibility": {"regions": ["14", "61"]}}, "clause": "user's choice"},
    "vintage_too_old": {
        "offer": {"vintage": 2018},
        "event": {"eligibility": {"vintage_min": 2019}},
        "clause": "user's choice",
    },
    "vintage_too_new": {
        "offer": {"vintage": 2026},
        "event": {"eligibility": {"vintage_max": 2025}},
        "clause": "user's choice",
    },
    "channel": {
        "offer": {"channel": "holder"},
        "event": {"eligibility": {"channels": ["agent", "donation"]}},
        "clause": "user's choice",
    },
    "excluded": {
        "offer": {"seller": "S"},
        "event": {"eligibility": {"exclude": {"seller": ["S"]}}},
        "clause": "user's choice",
    },
    "expired": {"offer": {"valid_until": "2026-11-21"}, "clause": "offer terms"},
    "not_yet_open": {"tier": 3, "offer": {"valid_from": "2032-10-12"}, "clause": "offer terms"},
    "too_late": {"offer": {"settlement_days": 324}, "clause": f"{SHANXI} 三(三)"},
    "forestry_delivers_nothing": {
        "tier": 3,
        "offer": {"delivery_schedule": "2032-10-12=1"},
        "clause": f"{SHANXI} 三(三)",
    },
    "stale": {"offer": {"last_traded_on": "2026-10-22"}, "clause": "offer terms"},
    "no_usable_quantity": {"offer": {"quantity": "95", "lot_size": "96"}, "clause": "offer terms"},
}
"""Reason -> what makes it the only one of an unranked credit from province 15 (or an offer of `tier`), and its clause.

The plan is of 2026-11-22 and the event ended on 2026-10-11: purchases are retired by 2027-10-11, 323 days away;
forests deliver by 2032-10-11; a quote is stale when last traded before 2026-10-23.
"""


@pytest.mark.parametrize("code", ALONE)
def test_each_reason_alone_leaves_an_offer_out_with_its_clause(through_doors, code):
    """Proves: the reason, and no other, with the document and clause, the offer's terms or the user's choice.

    Arithmetic: nothing can be bought: 10 t short, 0 yuan.
    Sensitivity: 10 t bought for 10 yuan when the reason is not seen; a second reason when one day is counted wrongly.
    """
    case = ALONE[code]
    offers = [offer("A", case.get("tier", 5), "100", 1) | case.get("offer", {})]
    answer = through_doors(event(10, **case.get("event", {})), offers, **case.get("calendar", {}))
    entry = answer.offer("A")
    assert (entry["state"], answer.bought, answer.shortfall) == ("left_out", {}, "10")
    assert [(r["code"], r["clause"]) for r in entry["reasons"]] == [(code, case["clause"])]
    assert entry["break_even"] is None
    assert answer["offers_summary"]["by_reason"] == {code: 1}


ADMITTED: dict[str, dict[str, Any]] = {
    "region": {"offer": {"region": "CN"}, "calendar": {"policy": "mee-2019"}},
    "not_certified": {"tier": 3},
    "old_ccer": {"tier": 2, "offer": {"registered_on": "2017-03-01"}},
    "unranked": {"calendar": {"settings": {"unranked": True}}},
    "user_region": {"event": {"eligibility": {"regions": ["150100", "61"]}}},
    "vintage_too_old": {"offer": {"vintage": 2019}, "event": {"eligibility": {"vintage_min": 2019}}},
    "vintage_too_new": {"offer": {"vintage": 2025}, "event": {"eligibility": {"vintage_max": 2025}}},
    "blank vintage": {"event": {"eligibility": {"vintage_min": 2019, "vintage_max": 2025}}},
    "channel": {"offer": {"channel": "agent"}, "event": {"eligibility": {"channels": ["agent"]}}},
    "blank channel": {"event": {"eligibility": {"channels": ["agent"]}}},
    "excluded": {"offer": {"seller": "T"}, "event": {"eligibility": {"exclude": {"seller": ["S"]}}}},
    "only": {"offer": {"seller": "S"}, "event": {"eligibility": {"only": {"seller": ["S", "U"]}}}},
    "expired": {"offer": {"valid_until": "2026-11-22"}},
    "not_yet_open": {"offer": {"valid_from": "2027-10-11"}},
    "too_late": {"offer": {"settlement_days": 323}},
    "forestry_delivers_nothing": {"tier": 3, "offer": {"delivery_schedule": "2032-10-11=1"}},
    "stale": {"offer": {"last_traded_on": "2026-10-23"}},
    "no_usable_quantity": {"offer": {"quantity": "96", "lot_size": "96"}},
}
"""The same offers just inside each line."""


@pytest.mark.parametrize("code", ADMITTED)
def test_just_inside_each_line_an_offer_is_used(through_doors, code):
    """Proves: every bound is inclusive, and a blank vintage or channel is open.

    Arithmetic: 10 t at 1 yuan (96 t of the one lot of 96).
    Sensitivity: a strict comparison leaves the offer out.
    """
    case = ADMITTED[code]
    offers = [offer("A", case.get("tier", 5), "100", 1) | case.get("offer", {})]
    answer = through_doors(event(10, **case.get("event", {})), offers, **case.get("calendar", {}))
    assert answer.bought == {"A": "96" if code == "no_usable_quantity" else "10"}


def test_an_instrument_that_no_class_takes_is_not_recognised(through_doors, tmp_path):
    """Proves: what the rule pack's classes do not take is not recognised; a user's own pack is read by its path.

    Arithmetic: a pack that takes allowances only: 10 t at 70 = 700; the credit at 1 yuan is left out.
    Sensitivity: 10 yuan when an unknown class falls into unranked.
    """
    pack = yaml.safe_load(yaml.safe_dump(read_rule_pack("shanxi-2022").dump(), allow_unicode=True))
    pack["classes"] = [c for c in pack["classes"] if c["when"]["instrument"] == ["allowance"]]
    file = tmp_path / "allowances.yaml"
    file.write_text(yaml.safe_dump(pack | {"id": "allowances-only"}, allow_unicode=True), "utf-8")
    answer = through_doors(event(10), [offer("A", 5, 100, 1), offer("D", 4, 100, 70)], policy=str(file))
    assert (answer.bought, answer.cost) == ({"D": "10"}, "700.00")
    assert [(r["code"], r["clause"]) for r in answer.offer("A")["reasons"]] == [("not_recognised", f"{SHANXI} 三(二)")]
    assert answer["policy"]["id"] == "allowances-only"


def test_every_reason_of_the_engine_has_its_example():
    assert {r.code for r in REASONS} == {*ALONE, "not_recognised"}


def test_an_offer_carries_all_its_reasons_at_once(through_doors):
    """Proves: screening does not stop at the first reason.

    Arithmetic: a credit from 15 of 2018, through a closed channel, of an excluded seller, expired, stale, below a lot,
    too slow to settle, where unranked means are not admitted: nine reasons. Nothing bought.
    Sensitivity: one reason when the first one ends the screening.
    """
    rules = {
        "vintage_min": 2019,
        "regions": ["14"],
        "channels": ["agent"],
        "exclude": {"seller": ["S"]},
    }
    bad = {"vintage": 2018, "channel": "holder", "seller": "S", "valid_until": "2026-11-01"}
    slow = {"last_traded_on": "2026-01-01", "settlement_days": 400}
    offers = [offer("A", 5, "0.5", 1, **bad, **slow)]
    answer = through_doors(event(10, eligibility=rules), offers, settings={"unranked": False})
    assert {r["code"]: r["clause"] for r in answer.offer("A")["reasons"]} == {
        "unranked": f"{SHANXI} 三(二)",
        "user_region": "user's choice",
        "vintage_too_old": "user's choice",
        "channel": "user's choice",
        "excluded": "user's choice",
        "expired": "offer terms",
        "too_late": f"{SHANXI} 三(三)",
        "stale": "offer terms",
        "no_usable_quantity": "offer terms",
    }


def test_reasons_are_said_in_the_readers_language(through_doors):
    """Proves: message and clause come in Chinese or English, the codes stay.

    Arithmetic: the same plan twice.
    Sensitivity: an English clause in a Chinese plan.
    """
    offers = [offer("A", 5, 100, 1, seller="S")]
    here = event(10, eligibility={"only": {"seller": "T"}})
    zh = through_doors(here, offers, lang="zh").offer("A")["reasons"]
    en = through_doors(here, offers, lang="en").offer("A")["reasons"]
    assert zh == [{"code": "excluded", "message": "用户已排除", "clause": "用户设置"}]
    assert en == [{"code": "excluded", "message": "excluded by the user", "clause": "user's choice"}]


def test_reasons_are_of_each_event_apart(through_doors):
    """Proves: one event's choice leaves the other's offers alone.

    Arithmetic: a excludes the seller and is 10 t short; b buys 10 t at 1.
    Sensitivity: both short, or both covered.
    """
    events = [event(10, id="a", eligibility={"exclude": {"seller": "S"}}), event(10, id="b")]
    answer = through_doors(events, [offer("A", 5, 100, 1, seller="S")])
    assert answer.bought == {"b A": "10"}
    states = [(x["event_id"], x["state"]) for x in answer["offers"]]
    assert states == [("a", "left_out"), ("b", "used")]


@pytest.mark.parametrize(
    ("setting", "tier", "keys", "admitted"),
    [
        ({"old_ccer": True}, 2, {"registered_on": "2016-01-01"}, 2),
        ({"other_mechanisms_anywhere": True}, 5, {}, 2),
        ({"stale": "admit"}, 1, {"last_traded_on": "2026-01-01"}, 1),
    ],
)
def test_a_setting_admits_what_it_names(through_doors, setting, tier, keys, admitted):
    """Proves: the settings for the open points of the source open what they say, in the tier they say.

    Arithmetic: 10 t at 1.
    Sensitivity: left out, or in another tier.
    """
    answer = through_doors(event(10), [offer("A", tier, 100, 1, **keys)], settings=setting)
    assert answer.line("A")["tier"] == admitted
