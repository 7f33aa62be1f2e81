"""Complaints: where, what, what would be right, in both languages; long values cut to what a person can use."""

from optimizer.errors import BadInput, BrokenPlan, Cancelled, EngineFault, JinhengError, SolverFailure
from optimizer.findings import VALUE_SHOWN_LENGTH, fault, faults, shorten, warning


def test_a_complaint_says_place_value_and_remedy():
    finding = fault("price", "应为数", "should be a number", path="offers", column="price", row=3, value="abc").at(
        "a.csv"
    )
    assert finding.say("en") == "a.csv offers row 3 column price: 'abc': should be a number"
    assert finding.say("zh") == "a.csv offers 第 3 行 price 列：'abc'：应为数"


def test_a_complaint_without_a_place_is_its_sentence():
    assert fault("x", "错", "wrong").say("en") == "wrong"
    assert fault("x", "错", "wrong").say("zh") == "错"


def test_a_complaint_as_data_leaves_out_what_is_blank():
    finding = warning("x", "错", "wrong", value=0)
    assert finding.as_dict("en") == {"code": "x", "severity": "warning", "value": "0", "message": "wrong"}


def test_long_values_are_cut():
    assert shorten("a" * VALUE_SHOWN_LENGTH) == "a" * VALUE_SHOWN_LENGTH
    cut = shorten("a" * (VALUE_SHOWN_LENGTH + 1))
    assert (len(cut), cut[-1]) == (VALUE_SHOWN_LENGTH, "…")


def test_warnings_are_no_faults():
    one, two = fault("a", "甲", "a"), warning("b", "乙", "b")
    assert faults([one, two]) == (one,)


def test_bad_input_says_every_fault_a_line_each():
    error = BadInput([fault("a", "甲", "one", path="x"), fault("b", "乙", "two")])
    assert str(error) == "x: one\ntwo"
    assert error.say("zh") == "x：甲\n乙"


def test_the_error_tree_is_as_drawn():
    assert issubclass(BadInput, JinhengError)
    assert not issubclass(BadInput, EngineFault)
    assert all(issubclass(e, EngineFault) for e in (BrokenPlan, SolverFailure, Cancelled))
