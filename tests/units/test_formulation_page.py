"""FORMULATION.md says what the code says: a section a function, and the function's own formula in it."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from optimizer import Problem, certificate, formulation
from optimizer.arcs import Arcs
from optimizer.program import Level

PAGE = (Path(formulation.__file__).parent / "FORMULATION.md").read_text(encoding="utf-8")
CHAPTERS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, flags=re.MULTILINE | re.DOTALL))
LEVELS = [*formulation.LEVELS.values(), formulation.tie_break]
BOUNDS = [
    certificate.lower_bound,
    certificate.bound_in_phases,
    certificate.rounded_bound,
    certificate.proof_step,
]


def sections(chapter: str) -> dict[str, str]:
    return dict(re.findall(r"^### (\w+)\n(.*?)(?=^### |\Z)", CHAPTERS[chapter], flags=re.MULTILINE | re.DOTALL))


def bare(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize(
    ("chapter", "functions"),
    [
        ("Constraint families", list(formulation.CONSTRAINTS)),
        ("Levels", LEVELS),
        ("The certificate's bound", BOUNDS),
    ],
)
def test_a_chapter_has_one_section_a_function_in_the_order_of_the_code(
    chapter: str, functions: list[Callable[..., Any]]
) -> None:
    assert list(sections(chapter)) == [f.__name__ for f in functions]


@pytest.mark.parametrize(
    ("chapter", "function"),
    [("Constraint families", f) for f in formulation.CONSTRAINTS] + [("Levels", f) for f in LEVELS],
    ids=lambda x: getattr(x, "__name__", ""),
)
def test_a_section_shows_the_formula_of_its_function(chapter: str, function: Callable[..., Any]) -> None:
    formula = bare((function.__doc__ or "").split("\n\n")[0])
    shown = [bare(block) for block in re.findall(r"(?:^    .+\n)+", sections(chapter)[function.__name__], re.MULTILINE)]
    assert formula in shown, f"the page should show: {formula}"


def test_the_bound_on_the_page_is_the_bound_in_the_code() -> None:
    formula = re.search(r"(LB\(y\) = .*?)\n\n", certificate.__doc__ or "", re.DOTALL)
    assert formula is not None
    assert bare(formula.group(1)) in bare(CHAPTERS["The certificate's bound"])


def test_every_public_function_of_the_bound_that_a_plan_rests_on_has_a_section() -> None:
    public = {
        name
        for name, thing in vars(certificate).items()
        if callable(thing) and getattr(thing, "__module__", "") == certificate.__name__ and "bound" in name.lower()
    }
    assert {n for n in public if not n.startswith("_") and n[0].islower()} <= set(sections("The certificate's bound"))


def test_every_code_name_of_the_table_exists() -> None:
    names = {
        "terms": formulation.Terms,
        "arcs": Arcs,
        "level": Level,
        "problem": Problem,
    }
    for owner, attribute in re.findall(r"`(terms|arcs|level|problem)\.(\w+)", PAGE):
        thing = names[owner]
        known = {*dir(thing), *getattr(thing, "__dataclass_fields__", {})}
        assert attribute in known, f"{owner}.{attribute} is not in the code"
    for name in ("budget_rows", "tie_break_weights"):
        assert f"`{name}`" in PAGE and hasattr(formulation, name)
