"""Draw k is draw k, whatever else is asked: how many draws, which chunk, which items, dates or instruments, what order.

Bit for bit, because a plan that met another future in another chunk could not be compared with its variants.
"""

from datetime import date, timedelta
from itertools import pairwise

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from market_data.draws import (
    FallThrough,
    FallThroughRule,
    Spot,
    YieldItem,
    YieldRange,
    availability,
    emissions,
    forestry_yield,
    prices,
)
from market_data.price_models import calibrate
from market_data.price_statistics import PriceHistory
from market_data.random_streams import draw_range, normals, words
from optimizer.offers import Offer, Offers

quick = settings(max_examples=15, deadline=None)
AS_OF = date(2026, 11, 22)
ALL = 300
"""Draws of the whole run; not a multiple of the generator's four words a count."""


def _history():
    returns = np.random.default_rng(5).normal(0, 0.08, (40, 3))
    fen = np.rint(7000 * np.exp(np.cumsum(returns, axis=0))).astype(np.int64)
    fen[:20, 0] = -1  # one history is shorter
    months = np.arange("2022-01", np.datetime64("2022-01") + np.timedelta64(40, "M"), dtype="datetime64[M]")
    return PriceHistory(("ccer", "credit", "allowance"), months, fen)


MODELS = {kind: calibrate(_history(), kind) for kind in ("bootstrap", "mean-reverting")}
DATES = [AS_OF + timedelta(days) for days in (0, 20, 40, 100, 200, 400)]
OFFERS = Offers.of(
    Offer.model_validate(
        {"offer_id": f"A{k}", "instrument": "ccer", "quantity": "10", "price": "80", "firm": k % 2 == 0}
    )
    for k in range(30)
)
RULE = FallThroughRule(FallThrough(2500, 5000))
ITEMS = [YieldItem(f"F{k}", ("14", "15")[k % 2]) for k in range(12)]

kinds = st.sampled_from(sorted(MODELS))
chunks = st.integers(0, ALL - 1).flatmap(lambda first: st.tuples(st.just(first), st.integers(1, ALL - first)))
seeds = st.integers(0, 2**63 - 1)


@quick
@given(chunk=chunks, seed=seeds, step=st.integers(0, 99))
def test_a_chunk_of_a_stream_is_that_chunk(chunk, seed, step):
    first, count = chunk
    for stream in (words, normals):
        whole = stream(draw_range(ALL, seed), "price", "ccer", step)
        assert np.array_equal(
            stream(draw_range(count, seed, first), "price", "ccer", step), whole[first : first + count]
        )


@quick
@given(kind=kinds, chunk=chunks, seed=seeds)
def test_the_chunk_law_and_the_prefix_law_of_prices(kind, chunk, seed):
    first, count = chunk
    whole = prices(MODELS[kind], Spot(AS_OF), DATES, ALL, seed)
    part = prices(MODELS[kind], Spot(AS_OF), DATES, count, seed, first=first)
    assert np.array_equal(part, whole[first : first + count])
    assert np.array_equal(prices(MODELS[kind], Spot(AS_OF), DATES, count, seed), whole[:count])


@quick
@given(kind=kinds, data=st.data())
def test_the_dates_and_instruments_asked_for_change_no_draw(kind, data):
    names = data.draw(st.permutations(("ccer", "credit", "allowance", "forestry")))
    names = names[: data.draw(st.integers(1, 4))]
    places = data.draw(st.lists(st.integers(0, len(DATES) - 1), min_size=1, max_size=5))
    whole = prices(MODELS[kind], Spot(AS_OF), DATES, 50, 7, instruments=("ccer", "credit", "allowance", "forestry"))
    part = prices(MODELS[kind], Spot(AS_OF), [DATES[p] for p in places], 50, 7, instruments=names)
    columns = [("ccer", "credit", "allowance", "forestry").index(name) for name in names]
    assert np.array_equal(part, whole[:, places][:, :, columns])


@quick
@given(chunk=chunks, seed=seeds, rows=st.lists(st.integers(0, 29), min_size=1, max_size=30, unique=True))
def test_the_laws_of_availability(chunk, seed, rows):
    first, count = chunk
    whole = availability(OFFERS, RULE, ALL, seed)
    part = availability(OFFERS.take(np.array(rows)), RULE, count, seed, first=first)
    assert np.array_equal(part, whole[first : first + count][:, rows])


@quick
@given(
    chunk=chunks,
    seed=seeds,
    rows=st.lists(st.integers(0, 11), min_size=1, max_size=12, unique=True),
    spread=st.sampled_from([0.3, YieldRange(0.2, 0.9, 1.3)]),
)
def test_the_laws_of_forestry_yield(chunk, seed, rows, spread):
    first, count = chunk
    whole = forestry_yield(ITEMS, spread, ALL, seed)
    part = forestry_yield([ITEMS[r] for r in rows], spread, count, seed, first=first)
    assert np.array_equal(part, whole[first : first + count][:, rows])


@quick
@given(
    chunk=chunks, seed=seeds, emitted=st.integers(1, 10**12), below=st.integers(0, 10**6), above=st.integers(0, 10**6)
)
def test_the_laws_of_emissions(chunk, seed, emitted, below, above):
    first, count = chunk
    bounds = (max(emitted - below, 0), emitted + above)
    whole = emissions("marathon", emitted, *bounds, ALL, seed)
    assert np.array_equal(
        emissions("marathon", emitted, *bounds, count, seed, first=first), whole[first : first + count]
    )
    assert bounds[0] <= whole.min() and whole.max() <= bounds[1]


@quick
@given(seed=seeds, low=st.integers(0, 400), more=st.integers(1, 400))
def test_a_wider_range_of_emissions_keeps_every_draw_on_its_side(seed, low, more):
    """Common random numbers: raising the upper bound raises every draw or leaves it, as the share behind it stays."""
    narrow = emissions("marathon", 1000, 1000 - low, 1000 + more, 50, seed)
    wide = emissions("marathon", 1000, 1000 - low, 1400 + more, 50, seed)
    assert (wide >= narrow).all()


@pytest.mark.parametrize("kind", sorted(MODELS))
def test_a_large_run_in_chunks_is_the_large_run(kind):
    """10,000 draws in chunks of odd sizes: long arrays take other paths through the processor than short ones."""
    whole = prices(MODELS[kind], Spot(AS_OF), DATES, 10_000, 7)
    edges = [0, 1, 7, 1000, 4097, 9999, 10_000]
    parts = [prices(MODELS[kind], Spot(AS_OF), DATES, b - a, 7, first=a) for a, b in pairwise(edges)]
    assert np.array_equal(np.concatenate(parts), whole)
    factors = forestry_yield(ITEMS, 0.3, 10_000, 7)
    pieces = [forestry_yield(ITEMS, 0.3, b - a, 7, first=a) for a, b in pairwise(edges)]
    assert np.array_equal(np.concatenate(pieces), factors)


def test_kinds_of_draws_do_not_move_one_another():
    """The same seed and the same name in two kinds are two streams."""
    share = emissions("A0", 1000, 0, 2000, 2000, 7)
    there = availability(OFFERS.take(np.array([0])), RULE, 2000, 7)[:, 0]
    assert abs(np.corrcoef(share, there)[0, 1]) < 0.08
