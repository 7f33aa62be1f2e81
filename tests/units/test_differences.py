"""What changed between two markets, on examples worked by hand; the laws are in laws/test_snapshot_laws."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from market_data.differences import all_in_price_e4, differences
from optimizer import BadInput, Offer, Offers

AS_OF = date(2026, 11, 22)


def offer(offer_id: str, price: str = "50", quantity: str = "100", **more) -> Offer:
    return Offer.model_validate(
        {"offer_id": offer_id, "instrument": "ccer", "quantity": quantity, "price": price} | more
    )


def changes(old: list[Offer], new: list[Offer], days: int = 30) -> dict[str, tuple[str, ...]]:
    return {c.offer_id: c.kinds for c in differences(Offers.of(old), Offers.of(new), AS_OF, days).rows()}


def test_each_kind_of_change_is_said_once_with_its_figures():
    old = [offer("gone"), offer("up"), offer("down"), offer("more"), offer("less"), offer("terms"), offer("same")]
    new = [
        offer("up", "50.01"),
        offer("down", "49.99"),
        offer("more", quantity="100.001"),
        offer("less", quantity="99.999"),
        offer("terms", seller="乙"),
        offer("same"),
        offer("new", "7.5", "3"),
    ]
    found = differences(Offers.of(old), Offers.of(new), AS_OF)
    assert [c.text.en for c in found.rows()] == [
        "down: cheaper 50.00 → 49.99 yuan/t",
        "gone: gone 100 t, 50.00 yuan/t",
        "less: less 100 → 99.999 t",
        "more: more 100 → 100.001 t",
        "new: new 3 t, 7.50 yuan/t",
        "terms: other terms (seller)",
        "up: dearer 50.00 → 50.01 yuan/t",
    ]
    assert [c.text.zh for c in found.rows()] == [
        "down：降价 50.00 → 49.99 元/吨",
        "gone：已撤下 100 吨, 50.00 元/吨",
        "less：数量减少 100 → 99.999 吨",
        "more：数量增加 100 → 100.001 吨",
        "new：新增 3 吨, 7.50 元/吨",
        "terms：条款变更 (卖方)",
        "up：涨价 50.00 → 50.01 元/吨",
    ]
    every_kind = dict.fromkeys(("gone", "new", "dearer", "cheaper", "more", "less", "terms"), 1)
    assert found.counts == every_kind | {"expired": 0, "expiring": 0, "unchanged": 1}


def test_prices_are_compared_with_their_fees_and_exactly():
    # 50.00 x 1.01 = 50.50; 50.50 x 1 + 0 = 50.50: the buyer pays the same, so only the terms changed.
    assert changes([offer("o", "50", fee_rate="0.01")], [offer("o", "50.5")]) == {"o": ("terms",)}
    # 50.00 x 1.01 + 0.01 = 50.51 against 50.50: a fen a tonne dearer.
    assert changes([offer("o", "50.5")], [offer("o", "50", fee_rate="0.01", unit_fee="0.01")]) == {"o": ("dearer",)}
    # 0.03 x 1.0001 = 0.030003 against 0.03: three millionths of a yuan.
    found = differences(Offers.of([offer("o", "0.03")]), Offers.of([offer("o", "0.03", fee_rate="0.0001")]), AS_OF)
    (change,) = found.rows()
    assert (change.old_price_e4, change.new_price_e4, change.kinds) == (30_000, 30_003, ("dearer",))
    assert change.text.en == "o: dearer 0.03 → 0.030003 yuan/t"


def test_the_dearest_price_and_fees_fit_into_64_bits():
    # 10^6 yuan/t twice over for a fee of 100 %, and 10^6 yuan/t of fee: 3 x 10^6 yuan = 3 x 10^12 in 1/10^4 fen.
    top = Offers.of([offer("o", "1000000", fee_rate="1", unit_fee="1000000")])
    assert all_in_price_e4(top).tolist() == [3 * 10**6 * 100 * 10**4]


def test_one_offer_can_change_in_several_ways():
    old = offer("o", "50", "100", valid_until="2026-12-31", seller="甲")
    new = offer("o", "49", "90", valid_until="2026-12-22", seller="乙")
    found = differences(Offers.of([old]), Offers.of([new]), AS_OF)
    (change,) = found.rows()
    assert change.kinds == ("cheaper", "less", "terms", "expiring")
    assert change.columns == ("seller", "quantity", "price", "valid_until")
    assert change.valid_until == date(2026, 12, 22)


@pytest.mark.parametrize(
    ("until", "kinds"),
    [
        ("2026-11-21", ("expired",)),
        ("2026-11-22", ("expiring",)),  # the last day counts
        ("2026-12-22", ("expiring",)),  # 30 days ahead
        ("2026-12-23", None),
        (None, None),
    ],
)
def test_validity_is_inclusive_and_counted_from_as_of(until, kinds):
    market = [offer("o", valid_until=until)]
    found = changes(market, market)
    assert found.get("o") == kinds
    assert changes(market, []) == {"o": ("gone",)}  # what is gone does not run out as well
    if kinds == ("expiring",):
        assert changes(market, market, days=0).get("o") == (("expiring",) if until == "2026-11-22" else None)


def test_the_frame_has_a_row_a_change_and_blanks_for_a_side_that_is_not_there():
    found = differences(
        Offers.of([offer("a"), offer("b", "1")]), Offers.of([offer("b", "2", seller="乙"), offer("c")]), AS_OF
    )
    frame = found.to_frame()
    assert frame["offer_id"].tolist() == ["a", "b", "c"]
    assert frame["kinds"].tolist() == ["gone", "dearer;terms", "new"]
    assert frame["columns"].tolist() == ["", "seller;price", ""]
    assert frame["old_price_e4"].tolist() == [50_000_000, 1_000_000, pd.NA]
    assert frame["new_quantity_kg"].tolist() == [pd.NA, 100_000, 100_000]
    assert [str(t) for t in frame.dtypes] == ["str", "str", *["Int64"] * 4, "datetime64[s]", "str"]


def test_rows_can_be_asked_for_by_kind_and_number():
    new = Offers.of([offer(f"o{k}") for k in range(5)])
    found = differences(Offers.of([]), new, AS_OF)
    assert [c.offer_id for c in found.rows("new", at_most=2)] == ["o0", "o1"]
    assert list(found.rows("gone")) == []
    assert (len(found), found.nothing_changed) == (5, False)


def test_the_order_of_rows_does_not_matter():
    old, new = [offer("a"), offer("b"), offer("d")], [offer("b", "9"), offer("c"), offer("d")]
    assert changes(old, new) == changes(old[::-1], new[::-1])
    assert list(changes(old, new)) == ["a", "b", "c"]


def test_empty_markets_differ_in_nothing():
    found = differences(Offers.of([]), Offers.of([]), AS_OF)
    assert found.nothing_changed
    assert list(found.rows()) == []
    assert found.to_frame().shape == (0, 8)


def test_an_id_that_stands_twice_is_refused_on_either_side():
    twice = Offers.of([offer("a"), offer("a", "51")])
    with pytest.raises(BadInput) as caught:
        differences(twice, twice, AS_OF)
    assert [f.message.zh for f in caught.value.findings] == ["旧报价中有 1 个编号重复", "新报价中有 1 个编号重复"]


def test_a_large_market_is_compared_column_by_column():
    """100,000 offers against the same ones shuffled, every tenth a fen dearer, every hundredth gone."""
    n = 100_000
    one = Offers.of([offer("o")]).take(np.zeros(n, dtype=int))
    old = one.replace(offer_id=np.array([f"o{k:06d}" for k in range(n)], dtype=object))
    dearer = old.replace(price_fen=old.price_fen + (np.arange(n) % 10 == 1))
    kept = np.flatnonzero(np.arange(n) % 100 != 0)
    new = dearer.take(np.random.default_rng(7).permutation(kept))
    counts = differences(old, new, AS_OF).counts
    assert (counts["gone"], counts["dearer"], counts["unchanged"]) == (1_000, 10_000, 89_000)
    assert counts["new"] == counts["terms"] == 0
