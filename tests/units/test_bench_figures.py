"""Figures of the laboratory: ratios of medians with their spread, exponents, what counts, and what is worse."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from benchmarks.baseline import compared, read_baseline, write_baseline
from benchmarks.figures import (
    Figure,
    beside,
    growth,
    in_turns,
    more,
    quartiles,
    read_figures,
    read_machine,
    write_figures,
)
from benchmarks.pictures import PICTURES
from benchmarks.report import filled
from benchmarks.rows import ROWS
from benchmarks.wording import CHINESE_SIZES, KINDS, NOTES, YARDSTICKS, size_text

MET = Figure("event", "200 offers", "cold", "ratio", 5.0, 4.0, 6.0, 9, 10.0)
FASTER = Figure("draws", "10 draws x 5 offers", "naive", "speed-up", 400.0, 300.0, 500.0, 3, 300.0)
STEEP = Figure("growth", "10 .. 20 offers", "none", "exponent", 1.2, 1.1, 1.3, 4, 1.1)
UNPROVEN = replace(MET, row="market", note="unproven")


def test_a_ratio_is_of_medians_and_its_spread_of_the_pairs() -> None:
    """Medians 4 and 2: 2. Pairs 2/1, 4/2, 9/3, 4/2, 3/3 = 2, 2, 3, 2, 1: quartiles 2 and 2.

    Sensitivity: the median of the pairs alone, or the ratio of means (22/11), would also be 2 here, but not of
    4 and 3, pairs 4/4, 2/3, 9/1: medians 4 and 3 give 4/3, the pairs' median is 1, the means' ratio 15/8.
    """
    one = beside("event", "", "cold", [2, 4, 9, 4, 3], [1, 2, 3, 2, 3])
    assert (one.value, one.low, one.high, one.turns) == (2, 2, 2, 5)
    other = beside("event", "", "cold", [4, 2, 9], [4, 3, 1])
    assert (other.value, other.low, other.high) == pytest.approx((4 / 3, 2 / 3, 9))


def test_a_speed_up_is_the_other_way_round() -> None:
    one = beside("draws", "", "naive", [1, 1], [300, 500], 300.0, kind="speed-up")
    assert (one.value, one.low, one.high, one.met) == (400, 300, 500, True)


@pytest.mark.parametrize(("ours", "theirs"), [([], []), ([1.0], [1.0, 2.0])])
def test_series_that_are_no_pairs_are_refused(ours: list[float], theirs: list[float]) -> None:
    with pytest.raises(ValueError, match="paired series"):
        beside("event", "", "cold", ours, theirs)
    with pytest.raises(ValueError, match="paired series"):
        more("service", "", "in process", ours, theirs, 5.0)


def test_a_difference_is_of_medians_in_milliseconds_and_no_baseline_keeps_it(tmp_path: Path) -> None:
    """Medians 0.024 s and 0.02 s: 4 ms more. Turns 4, 7, 1 ms apart: least 1 and most 7."""
    one = more("service", "200 offers, difference", "in process", [0.024, 0.03, 0.02], [0.02, 0.023, 0.019], 5.0)
    assert (one.value, one.low, one.high) == pytest.approx((4, 1, 7))
    assert (one.met, replace(one, value=5.1).met) == (True, False)
    write_baseline(tmp_path / "baseline.json", [one])
    assert read_baseline(tmp_path / "baseline.json") == {}


def test_quartiles_of_few_are_least_and_most() -> None:
    assert quartiles([3, 1, 2]) == (1, 3)
    assert quartiles([1, 2, 3, 4, 5]) == (2, 4)


def test_growth_is_the_slope_of_the_logarithms() -> None:
    """Seconds 3 n^1.5 exactly: exponent 1.5, no error. Doubling one of three points tilts and spreads it."""
    exact = growth("growth", "", "none", [10, 100, 1000], [3 * n**1.5 for n in (10, 100, 1000)], 1.1)
    assert exact.value == pytest.approx(1.5)
    assert exact.high - exact.low == pytest.approx(0, abs=1e-9)
    assert exact.met is False
    noisy = growth("growth", "", "none", [10, 100, 1000], [1, 20, 100])
    assert noisy.value == pytest.approx(1.0)
    assert noisy.low < 1 < noisy.high


@pytest.mark.parametrize(("sizes", "seconds"), [([10], [1.0]), ([10, 20], [1.0])])
def test_growth_needs_two_sizes(sizes: list[float], seconds: list[float]) -> None:
    with pytest.raises(ValueError, match="two sizes"):
        growth("growth", "", "none", sizes, seconds)


def test_works_take_turns_in_both_directions() -> None:
    order: list[str] = []

    def work(name: str) -> str:
        order.append(name)
        return name

    seconds, given = in_turns({name: partial(work, name) for name in "ab"}, 2)
    assert order == ["a", "b", "a", "b", "b", "a"]
    assert given == {"a": "a", "b": "b"}
    assert [len(series) for series in seconds.values()] == [2, 2]


def test_a_mark_is_met_only_by_what_counts() -> None:
    assert (MET.met, FASTER.met, STEEP.met, UNPROVEN.met) == (True, True, False, None)
    assert "does not count" in UNPROVEN.line()


def test_a_run_replaces_its_own_rows_only_and_names_no_machine(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    assert read_figures(path) == []
    write_figures(path, [STEEP, MET], list(ROWS))
    write_figures(path, [FASTER, replace(MET, value=7.0)], list(ROWS))
    assert [(one.row, one.value) for one in read_figures(path)] == [("event", 7.0), ("growth", 1.2), ("draws", 400.0)]
    assert {"cores", "python", "highspy"} <= read_machine(path).keys()
    assert not {"host", "node", "path"} & read_machine(path).keys()


def test_worse_than_the_baseline_by_more_than_the_tolerance_is_told(tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    write_baseline(path, [MET, FASTER, STEEP, UNPROVEN])
    before = read_baseline(path)
    assert UNPROVEN.key not in before
    tolerances = dict.fromkeys(ROWS, 1.5)
    runs = {
        "kept": [replace(MET, value=7.4), replace(FASTER, value=270.0), replace(STEEP, value=1.3), UNPROVEN],
        "worse": [
            *(replace(MET, value=7.6), replace(FASTER, value=260.0), replace(STEEP, value=1.4)),
            replace(MET, note="unproven"),
        ],
    }
    assert [one.worse for one in compared(runs["kept"], before, tolerances)] == [False] * 4
    assert [one.worse for one in compared(runs["worse"], before, tolerances)] == [True] * 4


def test_pages_are_filled_between_their_marks_only() -> None:
    page = "before\n<!-- measured: marks -->\nyesterday\n<!-- /measured -->\nafter\n"
    english = filled(page, [MET, UNPROVEN, FASTER], {"cores": "2"}, "en")
    assert english.startswith("before\n") and english.endswith("after\n") and "yesterday" not in english
    assert "| 5 | 4 .. 6 | 9 | ≤ 10 | met |" in english
    assert "| - | - | 9 | ≤ 10 | does not count: a level is not proven exactly |" in english
    assert filled(english, [MET, UNPROVEN, FASTER], {"cores": "2"}, "en") == english
    chinese = filled(page, [MET, UNPROVEN, FASTER], {"cores": "2"}, "zh")
    assert "| 200 个报价 |" in chinese and "| 5 | 4 .. 6 | 9 | ≤ 10 | 达到 |" in chinese


def test_sizes_are_said_in_both_languages() -> None:
    assert size_text("500 events x 2,000 offers, explained", "zh") == "500 场活动 × 2,000 个报价, 含说明"
    assert size_text("500 events x 2,000 offers", "en") == "500 events x 2,000 offers"


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_pictures_stand_with_and_without_results(name: str, lang: str) -> None:
    peer = replace(MET, row="peers", yardstick="linopy", mark=None)
    grown = replace(MET, row="growth", mark=None)
    for figures in ([], [MET, UNPROVEN, FASTER, STEEP, peer, grown]):
        assert PICTURES[name](figures, lang)["$schema"]  # type: ignore[arg-type]


def test_every_word_is_there_in_both_languages() -> None:
    texts = [*YARDSTICKS.values(), *KINDS.values(), *NOTES.values(), *(row.work for row in ROWS.values())]
    assert all(text.zh and text.en for text in texts)
    assert all(english and chinese for english, chinese in CHINESE_SIZES)
