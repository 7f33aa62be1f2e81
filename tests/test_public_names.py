"""The public names of each package, all of them and in order: adding or dropping one is a decision, made here."""

import ast
import importlib
import inspect

import pytest

PUBLIC = {
    "optimizer": """
        ENGINE_VERSION BadInput BrokenPlan Calendar Cancelled CheckReport EngineFault Event Finding JinhengError Offer
        Offers Outlook Plan Problem RulePack Settings SolverFailure check plan read_rule_pack shipped_rule_packs
    """,
    "market_data": """
        FallThroughRule OffersFile Quote Quotes ScreenSettings Series Snapshot Spot Stock Terms availability calibrate
        correlation daily emissions estimated_outlook flat_outlook forestry_yield is_synthetic offers_from_frame
        offers_of_quotes offers_of_stock offers_to_frame outlook_of_view premium price_history prices read_offers
        resample screen series_of synthetic_market volatility write_offers write_outlook
    """,
    "scenarios": """
        Changes Planner Scenario Uncertainty alternatives apply assess break_even break_even_instrument budget_curve
        calendar_budget compare_plans emissions_curve frontier margin_curve question_of ready run side_by_side
        stand_up_to sweep
    """,
    "api": "read_problem",
}


@pytest.mark.parametrize("package", sorted(PUBLIC))
def test_a_package_gives_exactly_its_public_names(package):
    module = importlib.import_module(package)
    assert list(module.__all__) == PUBLIC[package].split()


@pytest.mark.parametrize("package", sorted(PUBLIC))
def test_every_public_name_is_there_and_says_what_it_is(package):
    module = importlib.import_module(package)
    for name in module.__all__:
        thing = getattr(module, name)
        assert isinstance(thing, str) or thing.__doc__, name


def test_what_is_imported_on_demand_is_what_type_checkers_see():
    module = importlib.import_module("market_data")
    tree = ast.parse(inspect.getsource(module))
    seen = {
        name.name: getattr(importlib.import_module(node.module), name.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("market_data.")
        for name in node.names
    }
    assert sorted(seen) == sorted(module.__all__)
    assert all(getattr(module, name) is thing for name, thing in seen.items())


def test_a_name_that_a_package_does_not_have_is_refused_as_python_does():
    with pytest.raises(AttributeError, match="module 'market_data' has no attribute 'prises'"):
        _ = importlib.import_module("market_data").prises
