"""Laws of screening, on small degenerate markets: copies, near copies, ended vintages, composites, odd numbers."""

from datetime import date, timedelta

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from market_data.quotes import Quote, Quotes
from market_data.screening import DOUBTS, MARKET_DOUBTS, Screened, ScreenSettings, screen
from optimizer.offers import Offer, Offers

AS_OF = date(2026, 11, 22)

modest = settings(
    max_examples=40, derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)

CELLS = st.fixed_dictionaries(
    {
        "instrument": st.sampled_from(["ccer", "allowance", "allowance", "carbon_inclusion", "forestry"]),
        "mechanism": st.sampled_from(["", "CEA", "COMCEA", "CCER", "湖北试点"]),
        "project_id": st.sampled_from(["", "P1", "P2"]),
        "region": st.sampled_from(["", "14", "15"]),
        "vintage": st.sampled_from([0, 2014, 2020, 2024, 2025]),
        "seller": st.sampled_from(["", "甲", "乙"]),
        "quantity": st.sampled_from(["1", "1000", "200000", "30000000"]),
        "price": st.sampled_from(["0", "0.58", "58", "60", "5800"]),
        "settlement_days": st.sampled_from([0, 5]),
        "last_traded_on": st.sampled_from([None, date(2025, 12, 31), date(2026, 10, 22), date(2026, 11, 20)]),
        "planted_by": st.just(date(2026, 12, 31)),
        "delivery_schedule": st.sampled_from(["", "2027-12-31=0.9;2032-12-31=1", "2032-12-31=1"]),
    }
)
MARKETS = st.lists(CELLS, max_size=8).flatmap(
    lambda rows: st.lists(st.sampled_from(rows), max_size=24) if rows else st.just([])
)
CHOICES = st.frozensets(st.sampled_from(sorted(DOUBTS)))
HISTORIES = st.lists(
    st.builds(
        lambda back, vintage, volume, fen: Quote(
            AS_OF - timedelta(days=back),
            "allowance",
            "CEA",
            f"CEA{vintage % 100}",
            vintage,
            average_fen=fen,
            volume_kg=volume,
        ),
        st.integers(-5, 200),
        st.sampled_from([2024, 2025]),
        st.sampled_from([0, 1000]),
        st.sampled_from([5000, 8000]),
    ),
    max_size=40,
)


def market(rows: list[dict]) -> Offers:
    return Offers.of(Offer.model_validate(row | {"offer_id": f"o{k:02}"}) for k, row in enumerate(rows))


def outcome(result: Screened) -> tuple:
    """All that must not hang on the order of rows."""
    return sorted(result.offers.offer_id), result.findings, dict(result.excluded), dict(result.doubts)


@modest
@given(MARKETS, CHOICES, HISTORIES)
def test_offers_in_are_offers_kept_and_those_excluded(rows, exclude, quotes):
    offers = market(rows)
    result = screen(offers, AS_OF, history=Quotes.of(quotes), settings=ScreenSettings(exclude))
    assert len(offers) == len(result.offers) + sum(result.excluded.values())
    assert set(result.excluded) <= exclude
    assert set(result.doubts) <= {*DOUBTS, *MARKET_DOUBTS}
    assert all(result.excluded[code] <= result.doubts[code] for code in result.excluded)
    kept = set(result.offers.offer_id)
    assert [i for i in offers.offer_id if i in kept] == result.offers.offer_id.tolist()
    assert not any(f.path in kept for f in result.findings if f.code in exclude)


@modest
@given(MARKETS, CHOICES, HISTORIES, st.randoms(use_true_random=False))
def test_the_order_of_rows_and_of_quotes_does_not_matter(rows, exclude, quotes, random):
    offers, own = market(rows), ScreenSettings(exclude)
    order = list(range(len(offers)))
    random.shuffle(order)
    shuffled = offers.take(np.array(order, dtype=int))
    mixed = list(quotes)
    random.shuffle(mixed)
    first = screen(offers, AS_OF, history=Quotes.of(quotes), settings=own)
    again = screen(shuffled, AS_OF, history=Quotes.of(mixed), settings=own)
    assert outcome(first) == outcome(again)


@modest
@given(MARKETS, st.frozensets(st.sampled_from(["composite", "vintage_ended", "stale", "duplicate_lot"])))
def test_screening_what_was_kept_excludes_nothing_more(rows, exclude):
    own = ScreenSettings(exclude)
    once = screen(market(rows), AS_OF, settings=own)
    twice = screen(once.offers, AS_OF, settings=own)
    assert twice.offers is once.offers
    assert twice.excluded == {}
    assert not exclude & set(twice.doubts)


@modest
@given(MARKETS)
def test_of_every_set_of_copies_exactly_one_is_kept(rows):
    offers = market(rows)
    result = screen(offers, AS_OF, settings=ScreenSettings(frozenset({"duplicate_lot"})))
    kept = {int(i[1:]) for i in result.offers.offer_id}
    for k, row in enumerate(rows):
        same = [j for j, other in enumerate(rows) if other == row]
        if row["seller"] or row["project_id"]:
            assert sum(j in kept for j in same) <= 1
        else:
            assert kept >= set(same)
        keys = ("instrument", "mechanism", "project_id", "vintage", "seller", "quantity", "price")
        lot = {key: row[key] for key in keys}
        alike = [j for j, other in enumerate(rows) if all(other[key] == value for key, value in lot.items())]
        assert k in kept or min(alike) in kept


@modest
@given(MARKETS, HISTORIES)
def test_what_excludes_changes_no_doubt_of_a_single_offer(rows, quotes):
    offers, history = market(rows), Quotes.of(quotes)
    told = screen(offers, AS_OF, history=history, settings=ScreenSettings.parse("none"))
    acted = screen(offers, AS_OF, history=history, settings=ScreenSettings.parse("all"))
    assert len(told.offers) == len(offers) and told.excluded == {}
    assert {**told.doubts, "duplicate_lot": 0} == {**acted.doubts, "duplicate_lot": 0}
