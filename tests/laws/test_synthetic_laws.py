"""Laws of the made-up market: a larger one begins with the smaller, the same seed gives the same, all can be read."""

import tempfile
from datetime import date
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from market_data import read_offers, write_offers
from market_data.synthetic import is_synthetic, synthetic_market
from optimizer.offers import Offers

seeds = st.integers(0, 2**63 - 1)
days = st.dates(date(2022, 1, 1), date(2060, 12, 31))
few = settings(max_examples=12, deadline=None)


def rows(offers: Offers) -> list[dict[str, object]]:
    return [offers[i].model_dump() for i in range(len(offers))]


@few
@given(n=st.sampled_from([1, 2, 7, 40]), more=st.sampled_from([1, 60, 3_000]), seed=seeds, as_of=days)
def test_a_larger_market_begins_with_the_smaller_one(n, more, seed, as_of):
    small, large = synthetic_market(n, seed, as_of), synthetic_market(n + more, seed, as_of)
    beginning = large.take(np.arange(n))
    assert rows(beginning) == rows(small)
    assert beginning.sha256 == small.sha256


@few
@given(n=st.sampled_from([1, 2, 7, 300]), seed=seeds, as_of=days, name=st.sampled_from(["o.csv", "o.parquet"]))
def test_every_market_is_read_back_without_a_fault(n, seed, as_of, name):
    market = synthetic_market(n, seed, as_of)
    with tempfile.TemporaryDirectory() as folder:
        write_offers(market, Path(folder) / name)
        again = read_offers(Path(folder) / name).offers
    assert again.sha256 == market.sha256
    assert is_synthetic(again).all()


@few
@given(seed=seeds, as_of=days)
def test_the_same_seed_gives_the_same_market_and_another_seed_another(seed, as_of):
    market = synthetic_market(50, seed, as_of)
    assert market.sha256 == synthetic_market(50, seed, as_of).sha256
    other = synthetic_market(50, (seed + 1) % 2**63, as_of)
    assert rows(other) != rows(market) and (other.price_fen != market.price_fen).any()
