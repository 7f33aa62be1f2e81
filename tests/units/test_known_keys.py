"""An unknown key is told what it may have been meant as, or which keys there are at its place."""

from typing import Any

import pytest

from api.event_files import objective_of
from optimizer.errors import BadInput
from optimizer.events import Calendar, Event, ObjectiveField
from optimizer.known_keys import keys_at, unknown_key
from optimizer.rule_pack import RulePack


@pytest.mark.parametrize(
    ("shape", "place", "meant"),
    [
        (Event, ("bugdet",), "budget"),
        (Calendar, ("events", 1, "eligibility", "vintagemin"), "vintage_min"),
        (Event, ("limits", 0, "maxshare"), "max_share"),
        (ObjectiveField, ("list[LevelSpec]", 1, "lvl"), "level"),
    ],
)
def test_a_key_that_is_nearly_known_is_asked_about(shape: Any, place: tuple[int | str, ...], meant: str) -> None:
    """In a model, in a list of models of a model, in a limit, and in one branch of a choice."""
    said = unknown_key(shape, place)
    assert (said.zh, said.en) == (f"未知的键; 是否指 {meant}?", f"unknown key; did you mean {meant}?")


def test_keys_are_those_of_documents_and_of_the_place() -> None:
    """The aliases that files have, not the names of attributes with their units; and none of the models around."""
    assert keys_at(Event, ("emissions",))[:1] == ["tonnes"]
    assert "over_cover" in keys_at(Event, ()) and "over_cover_e4" not in keys_at(Event, ())
    assert "id" not in keys_at(Event, ("emissions",))


def test_a_key_that_is_like_none_is_told_which_there_are() -> None:
    said = unknown_key(RulePack, ("classes", 0, "when", "colour"))
    assert said.en.startswith("unknown key; should be one of: instrument, mechanism, ")
    assert said.zh.startswith("未知的键; 应为以下之一: instrument, mechanism, ")


def test_where_no_keys_are_known_the_spelling_is_to_be_checked() -> None:
    assert unknown_key(dict[str, int], ("colour",)).en == "unknown key; check the spelling"


def test_an_objective_is_told_so_too() -> None:
    with pytest.raises(BadInput) as caught:
        objective_of([{"level": "shortfall"}, {"lvl": "cost"}])
    told = {f.path: f.message.en for f in caught.value.findings if f.code == "extra_forbidden"}
    assert told == {"[1].lvl": "unknown key; did you mean level?"}
