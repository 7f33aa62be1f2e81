"""Every doubt with a worked example and its near miss, what the settings exclude, and no false alarm on good files."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from market_data import known_facts as facts
from market_data import read_offers
from market_data.complaints import SHOWN_MAX
from market_data.quotes import Quote, Quotes
from market_data.screening import DOUBTS, EXCLUDED_BY_DEFAULT, MARKET_DOUBTS, Screened, ScreenSettings, screen
from optimizer.errors import BadInput
from optimizer.offers import Offer, Offers

AS_OF = date(2026, 11, 22)
EXAMPLES = Path(__file__).resolve().parents[2] / "api" / "examples"
ALL = ScreenSettings.parse("all")


def offer(offer_id: str, **cells) -> Offer:
    """One offer; blank cells are made different enough not to be doubted."""
    plain = {"instrument": "ccer", "quantity": "1000", "price": "80", "vintage": 2025, "mechanism": "CCER"}
    return Offer.model_validate(plain | {"offer_id": offer_id} | cells)


def cea(offer_id: str, vintage: int, **cells) -> Offer:
    return offer(offer_id, **{"instrument": "allowance", "mechanism": "CEA", "vintage": vintage, **cells})


def screened(*offers: Offer, as_of: date = AS_OF, history: Quotes | None = None, **settings) -> Screened:
    return screen(Offers.of(offers), as_of, history=history, settings=ScreenSettings(**settings))


def said(result: Screened, code: str) -> dict[str, str]:
    """What was said of this code, by offer."""
    return {f.path: f.message.en for f in result.findings if f.code == code}


def days_of_trade(code: str, vintage: int, first: date, days: int, *, volume_kg=1000, fen=8000, **cells):
    """A quote a day from `first` on."""
    return [
        Quote(
            first + timedelta(days=k),
            cells.get("instrument", "allowance"),
            cells.get("mechanism", "CEA"),
            code,
            vintage,
            close_fen=fen,
            average_fen=fen,
            volume_kg=volume_kg,
            composite=cells.get("composite", False),
        )
        for k in range(days)
    ]


# ------------------------------------------------------------------------------------------------------- settings


def test_settings_are_read_from_text():
    assert ScreenSettings().exclude == EXCLUDED_BY_DEFAULT == {"composite", "vintage_ended", "duplicate_lot"}
    assert ScreenSettings.parse("composite, Stale；outlier").exclude == {"composite", "stale", "outlier"}
    assert ScreenSettings.parse("none").exclude == frozenset()
    assert ScreenSettings.parse("all").exclude == set(DOUBTS)


def test_every_unknown_code_is_named_at_once_with_what_may_be_meant():
    with pytest.raises(BadInput) as caught:
        ScreenSettings.parse("stael,composite,nonsense,utc_shift,none")
    texts = {f.value: f.message.en for f in caught.value.findings}
    assert set(texts) == {"stael", "nonsense", "utc_shift", "none"}
    assert "is stale meant?" in texts["stael"]
    assert "meant?" not in texts["nonsense"] and "composite, vintage_ended" in texts["nonsense"]
    assert "excludes no offer" in texts["utc_shift"]


def test_blank_text_says_how_to_exclude_nothing():
    with pytest.raises(BadInput, match="say none"):
        ScreenSettings.parse("  ")


def test_thresholds_that_mean_nothing_are_faults():
    with pytest.raises(BadInput) as caught:
        ScreenSettings(stale_days=-1, outlier_factor=0.5, outlier_mads=float("nan"))
    assert [f.path for f in caught.value.findings] == ["stale_days", "outlier_mads", "outlier_factor"]


def test_what_is_excluded_follows_the_settings_and_every_row_is_accounted_for():
    market = [cea("A", 2025), cea("B", 2020), cea("C", 2025, last_traded_on="2026-01-05"), cea("COMCEA", 0)]
    for exclude, kept in (
        ((), ["A", "B", "C", "COMCEA"]),
        (("stale",), ["A", "B", "COMCEA"]),
        (("vintage_ended", "composite"), ["A", "C"]),
        (tuple(DOUBTS), ["A"]),
    ):
        result = screened(*market, exclude=frozenset(exclude))
        assert result.offers.offer_id.tolist() == kept
        assert len(kept) + sum(result.excluded.values()) == 4
        assert result.doubts == {"composite": 1, "vintage_ended": 1, "stale": 1}  # told whatever is excluded
        assert {f.path for f in result.findings if f.message.en.endswith("(excluded)")} == {
            i for i in ("B", "C", "COMCEA") if i not in kept
        }


def test_an_offer_is_counted_under_the_first_code_that_excludes_it():
    both = cea("B", 2020, last_traded_on="2025-12-31")
    assert screened(both, exclude=frozenset(DOUBTS)).excluded == {"vintage_ended": 1}
    assert screened(both, exclude=frozenset({"stale"})).excluded == {"stale": 1}
    assert said(screened(both), "stale") == {}  # counted; but that its vintage has ended says it all
    assert screened(both).doubts == {"vintage_ended": 1, "stale": 1}


def test_a_market_without_offers_is_screened():
    result = screened()
    assert (len(result.offers), result.findings, result.excluded, result.doubts) == (0, (), {}, {})


# ---------------------------------------------------------------------------------------------------------- dates


def test_a_quote_is_stale_31_days_after_its_last_trade_and_not_after_30():
    result = screened(
        offer("A", last_traded_on=AS_OF - timedelta(days=31)), offer("B", last_traded_on=AS_OF - timedelta(days=30))
    )
    assert said(result, "stale") == {
        "A": "is 31 days before 2026-11-22 (more than 30): a stale quote, ask for a new price"
    }
    assert len(result.offers) == 2


def test_a_quote_carried_forward_in_the_history_is_stale_and_names_the_last_day_with_trade():
    # Traded on 2 October, quoted without volume up to 17 October: 15 days, one more than a quiet spell may have.
    traded = days_of_trade("HBEA", 0, date(2026, 10, 1), 2, mechanism="湖北试点")
    carried = days_of_trade("HBEA", 0, date(2026, 10, 3), 15, volume_kg=0, mechanism="湖北试点")
    lot = offer("A", instrument="allowance", mechanism="湖北试点", vintage=2024, region="42")
    text = said(screened(lot, history=Quotes.of(traded + carried)), "stale")["A"]
    assert "last traded on 2026-10-02 and has no volume up to 2026-10-17" in text
    assert "stale" not in screened(lot, history=Quotes.of(traded + carried[:-1])).doubts  # 14 days: a quiet spell
    newer = lot.model_copy(update={"last_traded_on": date(2026, 11, 20)})
    assert "stale" not in screened(newer, history=Quotes.of(traded + carried)).doubts  # beyond what the history saw


def test_quotes_after_as_of_are_not_looked_at():
    history = Quotes.of(
        days_of_trade("HBEA", 0, date(2026, 10, 1), 1, mechanism="湖北试点")
        + days_of_trade("HBEA", 0, date(2026, 10, 2), 60, volume_kg=0, mechanism="湖北试点")
    )
    lot = offer("A", instrument="allowance", mechanism="湖北试点", vintage=2024)
    assert "stale" not in screened(lot, history=history, as_of=date(2026, 10, 10)).doubts
    assert "stale" in screened(lot, history=history).doubts


@pytest.mark.parametrize(("vintage", "last"), sorted(facts.CEA_LAST_TRADES.items()))
def test_a_national_vintage_has_ended_from_the_day_after_its_last_trade(vintage, last):
    for mechanism in ("CEA", "", "全国碳市场"):
        lot = cea("A", vintage, mechanism=mechanism)
        assert screened(lot, as_of=last + timedelta(days=1)).excluded == {"vintage_ended": 1}
        assert "vintage_ended" not in screened(lot, as_of=last).doubts


def test_only_national_allowances_of_those_years_have_ended_by_what_is_known():
    rest = [cea("A", 2025), cea("B", 2024, mechanism="湖北试点"), offer("C", vintage=2024), cea("D", 0)]
    assert "vintage_ended" not in screened(*rest).doubts


def test_a_vintage_has_ended_in_a_history_where_newer_ones_trade_on_for_61_days():
    # 2023 last traded on 1 March; 2024 still on 1 May: 61 days later. One day less is no end.
    pilot = {"mechanism": "上海试点"}
    old = days_of_trade("SHEA23", 2023, date(2026, 3, 1), 1, **pilot)
    newer = days_of_trade("SHEA24", 2024, date(2026, 3, 1), 62, **pilot)
    lots = [cea("A", 2023, **pilot), cea("B", 2024, **pilot)]
    result = screened(*lots, history=Quotes.of(old + newer))
    assert (
        "last traded on 2026-03-01 in the history while newer ones traded up to 2026-05-01"
        in said(result, "vintage_ended")["A"]
    )
    assert result.offers.offer_id.tolist() == ["B"]
    assert "vintage_ended" not in screened(*lots, history=Quotes.of(old + newer[:-1])).doubts


def test_a_new_vintage_without_trades_has_not_ended_and_the_sum_of_all_is_no_newer_vintage():
    pilot = {"mechanism": "上海试点"}
    unsold = days_of_trade("SHEA25", 2025, date(2026, 1, 1), 200, volume_kg=0, **pilot)
    traded = days_of_trade("SHEA24", 2024, date(2026, 1, 1), 200, **pilot)
    summed = days_of_trade("SHEA", 2026, date(2026, 1, 1), 300, composite=True, **pilot)
    result = screened(cea("A", 2025, **pilot), cea("B", 2024, **pilot), history=Quotes.of(unsold + traded + summed))
    assert "vintage_ended" not in result.doubts


def test_a_history_that_saw_the_vintage_trade_again_overrules_what_is_known():
    again = days_of_trade("CEA24", 2024, date(2026, 11, 1), 10) + days_of_trade("CEA25", 2025, date(2026, 11, 1), 20)
    assert "vintage_ended" not in screened(cea("A", 2024), history=Quotes.of(again)).doubts


def dated(column: str, days: list[date]) -> list[Offer]:
    return [offer(f"A{k:03}", **{column: day, "price": 80 + k / 100}) for k, day in enumerate(days)]


def test_registrations_that_fall_on_sundays_and_never_on_fridays_look_a_day_early():
    # 40 working days from Monday 2025-01-06 on; each a day early falls on Sunday to Thursday.
    right = [date(2025, 1, 6) + timedelta(days=7 * week + day) for week in range(8) for day in range(5)]
    early = [day - timedelta(days=1) for day in right]
    result = screened(*dated("registered_on", early))
    assert result.doubts["utc_shift"] == 40 and result.excluded == {}
    (finding,) = [f for f in result.findings if f.code == "utc_shift"]
    assert finding.column == "registered_on" and "its 40 distinct days fall on Sundays" in finding.message.en
    any_days = [date(2025, 1, 6) + timedelta(days=k) for k in range(40)]
    for fine in (right, any_days, early[:20]):  # 20 days are not odds of a thousand
        assert "utc_shift" not in screened(*dated("registered_on", fine)).doubts


def test_month_ends_that_are_a_day_early_are_told_and_the_habit_of_the_30th_is_not():
    ends = [date(2026, 6, 30), date(2026, 9, 30), date(2026, 12, 31), date(2027, 2, 28), date(2027, 4, 30)]
    early = [day - timedelta(days=1) for day in ends]
    thirtieths = [date(2026, month, 30) for month in (1, 3, 5, 7, 8, 10, 12)]
    assert screened(*dated("valid_until", early)).doubts["utc_shift"] == 5
    for fine in (ends, thirtieths, early[:2]):
        assert "utc_shift" not in screened(*dated("valid_until", fine)).doubts


def test_firsts_of_months_that_are_a_day_early_are_told():
    firsts = [date(2026, month, 1) for month in (1, 4, 7, 10)]
    early = [day - timedelta(days=1) for day in firsts]
    assert screened(*dated("valid_from", early)).doubts["utc_shift"] == 4
    for fine in (firsts, early[:2]):
        assert "utc_shift" not in screened(*dated("valid_from", fine)).doubts


# ----------------------------------------------------------------------------------------------------------- lots


@pytest.mark.parametrize(
    "cells",
    [
        {"offer_id": "x-comcea-1"},
        {"project_id": "COMCEA"},
        {"mechanism": "COMCEA"},
        {"project_name": "全国碳市场综合价格行情"},
    ],
)
def test_a_composite_code_is_excluded_and_says_how_many_vintages_stand_beside_it(cells):
    lot = cea("Z", 0, **cells) if "offer_id" not in cells else cea(vintage=0, **cells)
    alone = screened(lot)
    beside = screened(lot, cea("A", 2025), cea("B", 2025, mechanism=""), cea("C", 2024, mechanism="湖北试点"))
    assert alone.excluded == beside.excluded == {"composite": 1}
    assert "with it they count twice" not in said(alone, "composite")[lot.offer_id]
    assert "; 2 other offers of its market" in said(beside, "composite")[lot.offer_id]


def test_names_that_only_resemble_a_composite_code_are_none():
    fine = [
        offer("A", project_name="秸秆综合利用项目"),
        offer("B", project_name="综合类项目"),
        cea("TELECOMCEAN", 2025),
        cea("C", 2025, project_name="综合利用"),
    ]
    assert "composite" not in screened(*fine).doubts


LOT = {"project_id": "P1", "seller": "甲", "vintage": 2025, "quantity": "500", "price": "80"}


def test_of_offers_equal_in_everything_but_their_id_the_first_is_kept():
    result = screened(offer("C", **LOT), offer("A", **LOT), offer("B", **LOT), offer("D", **LOT | {"seller": "乙"}))
    assert result.offers.offer_id.tolist() == ["A", "D"]
    assert result.excluded == {"duplicate_lot": 2}
    assert said(result, "duplicate_lot")["B"].startswith("equals A in everything but its id")


@pytest.mark.parametrize("other", [{"quantity": "501"}, {"price": "80.01"}, {"vintage": 2024}, {"project_id": "P2"}])
def test_lots_that_differ_in_project_vintage_seller_quantity_or_price_are_no_duplicates(other):
    assert "duplicate_lot" not in screened(offer("A", **LOT), offer("B", **LOT | other)).doubts


def test_the_same_lot_with_other_terms_is_a_duplicate_only_where_seller_and_project_are_named():
    result = screened(offer("A", **LOT), offer("B", **LOT, settlement_days=5))
    assert result.offers.offer_id.tolist() == ["A"]
    assert said(result, "duplicate_lot")["B"].startswith("has project, vintage, seller, quantity and price of A")
    nameless = LOT | {"project_id": ""}
    assert screened(offer("A", **nameless), offer("B", **nameless, settlement_days=5)).doubts == {}
    assert screened(offer("A", **nameless), offer("B", **nameless)).excluded == {"duplicate_lot": 1}


def test_equal_offers_that_name_neither_seller_nor_project_are_not_called_the_same_lot():
    nameless = LOT | {"project_id": "", "seller": ""}
    assert screened(offer("A", **nameless), offer("B", **nameless)).doubts == {}


def test_the_copy_that_nothing_else_excludes_is_the_one_that_is_kept():
    # A comes first, and is stale; were it the one kept among the copies, the lot would vanish.
    stale = LOT | {"last_traded_on": "2026-01-01"}
    result = screened(
        offer("A", **stale), offer("B", **LOT), offer("C", **LOT), exclude=frozenset({"stale", "duplicate_lot"})
    )
    assert result.offers.offer_id.tolist() == ["B"]
    assert result.excluded == {"stale": 1, "duplicate_lot": 1}


def test_one_lot_at_two_prices_is_told_of_both_and_kept():
    result = screened(offer("A", **LOT), offer("B", **LOT | {"price": "82.5"}))
    told = said(result, "same_lot_two_prices")
    assert "which asks 82.50 yuan/t" in told["A"] and "which asks 80.00 yuan/t" in told["B"]
    assert len(result.offers) == 2


@pytest.mark.parametrize("other", [{"quantity": "501"}, {"seller": "乙"}, {"valid_from": "2027-01-01"}])
def test_prices_of_other_lots_or_at_other_times_do_not_clash(other):
    first = offer("A", **LOT, valid_until="2026-12-31")
    assert "same_lot_two_prices" not in screened(first, offer("B", **LOT | {"price": "82.5"} | other)).doubts


# --------------------------------------------------------------------------------------------------------- prices


def peers(n: int, **cells) -> list[Offer]:
    """n offers at 79, 80 and 81 yuan: the median is 80."""
    return [offer(f"P{k:02}", **{"price": 79 + k % 3, "seller": f"卖方{k}"} | cells) for k in range(n)]


def test_a_price_is_an_outlier_when_more_than_half_above_or_a_third_below_its_twenty_peers():
    # Median 80; the band is calm, so the factor 1.5 decides: above 120 or below 53.33.
    lots = [offer(i, price=p) for i, p in (("A", "120.01"), ("B", "119.99"), ("C", "53.33"), ("D", "53.34"))]
    for lot, far in zip(lots, (True, False, True, False), strict=True):
        assert ("outlier" in screened(*peers(21), lot).doubts) == far, lot.offer_id
    text = said(screened(*peers(21), lots[0]), "outlier")["A"]
    assert text == "yuan/t is 1.5 times the median 80.00 of the 22 offers of its kind; please check"


def test_fewer_than_twenty_offers_of_a_kind_have_no_centre():
    assert "outlier" not in screened(*peers(18), offer("A", price=500)).doubts
    assert "outlier" in screened(*peers(19), offer("A", price=500)).doubts


def test_a_kind_is_instrument_and_market_and_the_old_scheme_is_another():
    others = [
        offer("A", instrument="credit", mechanism="VCS", price=30),
        cea("B", 2025, price=500),
        offer("C", price=25, vintage=2014),
        offer("D", price=25, registered_on="2016-05-01"),
        offer("E", price=0, channel="donation"),
    ]
    assert "outlier" not in screened(*peers(30), *others).doubts


def test_a_history_of_twenty_days_is_the_centre_before_the_offers_are():
    # The history of vintage 2025 says 60; of all vintages together 80 to 60. 95 is 1.58 times 60, and 89 is 1.48 times.
    history = days_of_trade("CEA25", 2025, date(2026, 10, 1), 20, fen=6000)
    lots = [cea("A", 2025, price=95), cea("B", 2025, price=89)]
    told = said(screened(*lots, history=Quotes.of(history)), "outlier")
    assert told == {
        "A": "yuan/t is 1.6 times the median 60.00 of its market and vintage's last 20 days with trade; please check"
    }
    assert "outlier" not in screened(*lots, history=Quotes.of(history[:19])).doubts
    mute = [q._replace(volume_kg=0) for q in history]
    assert "outlier" not in screened(*lots, history=Quotes.of(mute)).doubts  # without volume there is no price
    both = [q._replace(composite=True) for q in history]
    assert "outlier" not in screened(*lots, history=Quotes.of(both)).doubts


def test_a_vintage_without_a_history_of_its_own_is_held_against_its_market():
    history = Quotes.of(days_of_trade("能源", 0, date(2026, 10, 1), 25, instrument="ccer", mechanism="CCER"))
    told = said(screened(offer("A", price=200, vintage=2023), history=history), "outlier")
    assert "2.5 times the median 80.00 of its market's last 25 days with trade" in told["A"]


def test_only_the_newest_ninety_days_with_trade_count():
    old = days_of_trade("CEA25", 2025, date(2026, 1, 1), 100, fen=2000)
    new = days_of_trade("CEA25", 2025, date(2026, 6, 1), 90, fen=8000)
    result = screened(cea("A", 2025, price=80), cea("B", 2025, price=20), history=Quotes.of(old + new))
    assert list(said(result, "outlier")) == ["B"]


def test_a_wild_market_widens_its_band():
    # Prices of 20 and 180 by turns: median of logs is log 60, each 1.1 off, so that 5 x 1.4826 x 1.1 covers thousands.
    wild = [offer(f"P{k:02}", price=20 if k % 2 else 180, seller=f"卖方{k}") for k in range(30)]
    assert "outlier" not in screened(*wild, offer("A", price=1000)).doubts


@pytest.mark.parametrize(("price", "far"), [("49.99", True), ("50", False), ("5000", False), ("5000.01", True)])
def test_new_forestry_is_held_against_published_forests(price, far):
    lot = offer("A", instrument="forestry", price=price, vintage=0)
    result = screened(*peers(30, instrument="forestry"), lot)
    assert ("outlier" in result.doubts) == far


def seller_lots(n: int, **cells) -> list[Offer]:
    """One seller's offers, all near 58 yuan and 3,000 t."""
    return [
        offer(f"S{k}", **{"seller": "甲", "price": 57 + k % 3, "quantity": 2800 + 100 * (k % 5)} | cells)
        for k in range(n)
    ]


@pytest.mark.parametrize(
    ("price", "reading"),
    [
        ("5800", "fen and yuan mixed up? Then 58.00"),
        ("58000", "per t and per kg"),
        ("0.58", "fen and yuan mixed up? Then 58.00"),
    ],
)
def test_a_price_a_known_factor_off_its_sellers_others_says_which_reading_fits(price, reading):
    text = said(screened(*seller_lots(7), offer("A", seller="甲", price=price)), "mixed_units")["A"]
    assert reading in text and "of 甲's 8 offers" in text


@pytest.mark.parametrize(
    ("quantity", "reading"), [("3", "t and kg mixed up? Then 3000 "), ("30000000", "10,000 t (万吨)")]
)
def test_a_quantity_a_known_factor_off_says_which_reading_fits(quantity, reading):
    text = said(screened(*seller_lots(7), offer("A", seller="甲", price=58, quantity=quantity)), "mixed_units")["A"]
    assert reading in text


@pytest.mark.parametrize("cells", [{"price": "2900"}, {"price": "870"}, {"quantity": "30000"}, {"quantity": "100000"}])
def test_numbers_that_are_off_by_no_factor_of_units_are_not_mixed_up(cells):
    # 2,900 is 50 times 58; 870 is 15 times, which is mu and hectares and of forests only; 30,000 t is ten lots.
    lot = offer("A", **{"seller": "甲", "price": 58, "quantity": 3000} | cells)
    assert "mixed_units" not in screened(*seller_lots(7), lot).doubts


def test_mu_and_hectares_are_mixed_up_in_forestry_only():
    forest = {"instrument": "forestry", "vintage": 0}
    lots = [*seller_lots(7, **forest), offer("A", seller="甲", price="870", **forest)]
    assert "mu and hectares" in said(screened(*lots), "mixed_units")["A"]


def test_a_seller_with_few_or_widely_spread_lots_shows_no_unit():
    lot = offer("A", seller="甲", price="5800")
    assert "mixed_units" not in screened(*seller_lots(6), lot).doubts  # seven in all
    spread = [offer(f"S{k}", seller="甲", price=58, quantity=10**k) for k in range(7)]
    assert "mixed_units" not in screened(*spread, offer("A", seller="甲", price=58, quantity=30)).doubts


# ------------------------------------------------------------------------------------------- quantities and yields


@pytest.mark.parametrize(
    ("cells", "far"),
    [
        ({"instrument": "carbon_inclusion", "mechanism": "三晋绿色生活", "quantity": "100000.001"}, True),
        ({"instrument": "carbon_inclusion", "mechanism": "三晋绿色生活", "quantity": "100000"}, False),
        ({"vintage": 2020, "quantity": "70001"}, True),
        ({"vintage": 2020, "quantity": "70000"}, False),
        ({"vintage": 2025, "quantity": "23110001"}, True),
        ({"vintage": 2025, "quantity": "23110000"}, False),
        ({"vintage": 2015, "quantity": "30000000"}, False),  # the old scheme
        ({"instrument": "allowance", "quantity": "30000000"}, False),
    ],
)
def test_a_lot_beyond_all_that_its_kind_has_is_told(cells, far):
    assert ("quantity_implausible" in screened(offer("A", **cells)).doubts) == far


def test_all_ccer_offers_together_beyond_what_is_registered_are_told_once():
    half = {"quantity": "11555000", "vintage": 2025}
    exact = [offer("A", **half), offer("B", **half, seller="乙")]
    assert screened(*exact).doubts == {}
    result = screened(*exact, offer("C", quantity="0.001"), exclude=frozenset(DOUBTS))
    assert result.doubts == {"total_implausible": 3} and len(result.offers) == 3
    (finding,) = result.findings
    assert finding.value == "23110000.001" and "23110000 t registered by 2026-08-20" in finding.message.en


def test_ccer_of_shanxi_is_asked_for_its_registration_unless_it_names_a_later_one():
    result = screened(
        offer("A", region="140100"),
        offer("B", region="14", registered_on="2026-08-20"),
        offer("C", region="14", registered_on="2026-08-21"),
        offer("D", region="14", registered_on="2015-06-18", vintage=2014),
        offer("E", region="15"),
        offer("F", region="14", instrument="credit", mechanism="VCS"),
    )
    assert list(said(result, "unregistered")) == ["A", "B"]
    assert "no CCER of Shanxi was registered by 2026-08-20" in said(result, "unregistered")["A"]
    assert len(result.offers) == 6


def test_facts_about_the_registry_cast_no_doubt_a_year_later():
    lot = offer("A", region="14", quantity="99000000")
    last = facts.CCER_REGISTERED_ON + timedelta(days=365)
    assert screened(lot, as_of=last).doubts == {"quantity_implausible": 1, "unregistered": 1, "total_implausible": 1}
    assert screened(lot, as_of=last + timedelta(days=1)).doubts == {}


def forest(schedule: str, **cells) -> Offer:
    plain = {"instrument": "forestry", "vintage": 0, "price": 300, "planted_by": "2026-12-31", "quantity": 6000}
    return offer("A", **plain | {"delivery_schedule": schedule} | cells)


@pytest.mark.parametrize(
    ("schedule", "far"),
    [
        ("2027-12-31=0.1667;2029-12-31=0.5;2032-12-31=1", False),  # equal yearly parts
        ("2029-12-31=0.1;2032-12-31=1", False),  # a young stand
        ("2029-12-31=0.74;2032-12-31=1", False),  # 3 of 6 years make 0.5; up to 0.75 passes
        ("2029-12-31=0.77;2032-12-31=1", True),
        ("2027-12-31=0.26;2032-12-31=1", False),  # 0.26 is more than 1.5 / 6, but by less than a tenth
        ("2027-12-31=0.28;2032-12-31=1", True),
        ("2026-12-31=0.05;2032-12-31=1", True),  # on the day of planting
        ("2026-12-31=0;2032-12-31=1", False),
        ("2026-06-30=1", True),
    ],
)
def test_a_schedule_ahead_of_the_trees_is_told(schedule, far):
    assert ("yield_implausible" in screened(forest(schedule)).doubts) == far


def test_the_first_step_ahead_of_the_trees_is_the_one_that_is_named():
    text = said(screened(forest("2027-12-31=0.5;2028-12-31=0.9;2032-12-31=1")), "yield_implausible")["A"]
    assert text.startswith("delivers 50% by 2027-12-31, where equal yearly parts since 2026-12-31 make 17%")


@pytest.mark.parametrize(
    ("name", "far"),
    [
        # 6,000 t in 6 years: on 600 mu 1.67 t/mu/yr, above 1.5; on 700 mu 1.43.
        ("某县 600 亩造林", True),
        ("某县700亩造林", False),
        ("某县 40 公顷造林", True),  # 600 mu
        ("某县 0.06万亩造林", True),
        ("planting of 600 mu", True),
        ("某县造林", False),
        ("一期 600 亩, 二期 600 亩", False),  # which of them is meant is not known
    ],
)
def test_an_area_in_the_name_shows_what_would_have_to_grow(name, far):
    result = screened(forest("2029-12-31=0.4;2032-12-31=1", project_name=name))
    assert ("yield_implausible" in result.doubts) == far


def test_growth_beyond_forests_is_held_against_what_was_filed_in_the_province():
    dense = {"project_name": "某县 600 亩造林"}
    north = said(screened(forest("2032-12-31=1", **dense, region="140600")), "yield_implausible")["A"]
    inner = said(screened(forest("2032-12-31=1", **dense, region="15")), "yield_implausible")["A"]
    assert north.startswith("is 1.66 t/mu/yr on average, far above the 0.127 to ") and north.endswith(
        "designs filed in the north, please check"
    )
    assert inner.endswith("designs filed in Inner Mongolia, please check")


def test_forests_without_schedule_or_planting_date_say_nothing_about_growth():
    for lot in (forest(""), forest("2026-01-01=1", planted_by=None)):
        assert screened(lot).doubts == {}


# ------------------------------------------------------------------------------------------------ what is told, how


def test_what_is_told_is_capped_with_a_part_for_every_code_and_a_closing_count():
    stale = [offer(f"S{k:03}", last_traded_on="2026-01-01", quantity=100 + k) for k in range(300)]
    result = screened(*stale, cea("COMCEA", 0), cea("V", 2020))
    codes = [f.code for f in result.findings]
    assert codes == ["composite", "vintage_ended", *["stale"] * (SHOWN_MAX - 2), "more"]
    assert result.findings[-1].message.en == "and 102 more warnings that are not listed one by one: stale x 102"
    assert [f.path for f in result.findings[2:5]] == ["S000", "S001", "S002"]


def test_what_is_said_of_the_whole_market_takes_its_part_of_the_room():
    stale = [offer(f"S{k:03}", last_traded_on="2026-01-01", quantity=100_000 + k) for k in range(250)]
    codes = [f.code for f in screened(*stale).findings]  # 25 Mt, more than the 23.11 Mt registered
    assert codes == ["total_implausible", *["stale"] * (SHOWN_MAX - 1), "more"]


def test_findings_name_the_offer_the_column_and_the_value_in_both_languages():
    (finding,) = screened(cea("V", 2020)).findings
    assert finding.say("en").startswith(
        "V column vintage: '2020': national allowances of 2020 last traded on 2025-12-31"
    )
    assert finding.say("zh").startswith("V vintage 列：'2020'：全国碳市场 2020 年度配额最后成交于 2025-12-31")
    assert finding.severity == "warning" and finding.message.zh.endswith("(已排除)")


@pytest.mark.parametrize(("name", "ended"), [("market.csv", 20), ("market-2026.csv", 20)])
def test_the_example_markets_raise_only_the_doubts_that_they_are_made_to_raise(name, ended):
    # Their last column says which: allowances of ended vintages at their last trade's day, which is stale as well.
    offers = read_offers(EXAMPLES / name).offers
    result = screen(offers, AS_OF)
    assert result.doubts == {"vintage_ended": ended, "stale": ended}
    assert result.excluded == {"vintage_ended": ended}
    old = offers.instrument.isin(["allowance"]) & offers.mechanism.isin(["CEA"]) & (offers.vintage < 2025)
    assert result.offers.offer_id.tolist() == offers.offer_id[~(old & (offers.vintage > 0))].tolist()


def test_the_order_of_doubts_is_documented_and_no_code_is_both_kinds():
    assert not set(DOUBTS) & set(MARKET_DOUBTS)
    assert set(DOUBTS) >= EXCLUDED_BY_DEFAULT
    assert list(DOUBTS)[-1] == "duplicate_lot"


def test_a_large_market_of_copies_is_screened_row_by_row_exactly():
    one = Offers.of([offer("A", **LOT)])
    n = 20_000
    many = one.take(np.zeros(n, dtype=int)).replace(offer_id=np.array([f"A{k:06}" for k in range(n)], dtype=object))
    result = screen(many, AS_OF)
    assert result.offers.offer_id.tolist() == ["A000000"]
    assert result.excluded == {"duplicate_lot": n - 1}
