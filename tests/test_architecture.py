"""Holds the arrows between packages and files, read off the source without running it.

Deferred imports and those under TYPE_CHECKING count: an arrow is an arrow. Each rule is a function from the tree
(path -> source) to sentences, so that the second half of this file can show every rule failing on a wrong tree.
"""

import ast
import functools
import sys
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent

# ------------------------------------------------------------------------------------------------ what is declared

ARROWS = ["optimizer", "market_data", "scenarios", "api"]  # each imports only those before it; nobody imports api

# A file imports only files above it. `folder/*` is every file of a folder that is not listed itself; files under
# one such line do not import one another. `__init__` only re-exports and stands for the whole package.
READING_ORDER = {
    "optimizer": """
        on_demand wording known_keys pydantic_words findings errors tolerances quantities offers regions
        term_names nouns budgets offer_groups events rule_pack problem timeline eligibility arcs program totals limits
        formulation measure running_totals solver chain master lots beside certificate whole_kg lexicographic
        solution exact_linear kept_inverse exact_program row_sums tally basis basic_values optimality segment
        run_columns swap_queue swap_proof swap_run parametric explain repairs plan statement offer_book
        problem_part certificate_part engine recount carried_problem opened_plan check_lines check_totals
        check_levels check_offers check_provenance check
    """,
    "market_data": """
        columns complaints quotes feed_reading sources/coded_cells sources/raw_table sources/csv_text
        sources/arrow_columns sources/csv_blocks sources/csv_file sources/xlsx_file
        sources/parquet_file sources/feed_fields sources/quote_rows sources/answer_cache sources/fetch_failures
        sources/fetch
        sources/registry_table sources/registry_ledger sources/* cells cell_words table_reader forestry filed_yields
        quality foresters_rows depth normalize corrections offers_file frames listing known_facts lot_doubts date_doubts
        number_doubts price_doubts screening synthetic_kinds synthetic snapshot
        differences random_streams history price_statistics monthly_prices price_samples
        block_bootstrap mean_reversion price_models draws outlook backtest
        feeds store_tables store_statements snapshot_store quote_store store_opening store
        migrations/* migrations/versions/*
    """,
    "scenarios": """
        failures changes scenario library scenario_set offer_facts keeping circumstances causes compare baselines
        outcomes side_by_side breakpoints frontier curves break_even alternatives draws
        merit_order hot_chain swept sweep runner summary recourse risk stochastic budgeting charts_style
        charts charts_risk charts_cursor
    """,
    "api": """
        settings setting_words logs printable refusals whole_files plain_values file_text yaml_text json_text plain_data
        event_files plausibility documents scenario_files stored_markets planning
        database/tables database/ledger_tables database/retirement_tables
        database/job_tables database/opening database/migrations/env database/migrations/versions/* database/*
        access/roles access/secrets access/trail access/scope access/people access/founding access/* archive/documents
        archive/replies archive/markets archive/events archive/packs archive/runs archive/* ledger/lots
        ledger/inventory ledger/holds ledger/answers ledger/orders ledger/accounts ledger/margins ledger/quoting
        ledger/quotes ledger/feedback ledger/serial_numbers ledger/serials ledger/evidence ledger/retirements
        ledger/disclosure_words ledger/disclosures ledger/* reports/words reports/page reports/csv reports/cells
        reports/tables reports/purchase_sheets reports/year_sheets reports/why_sections reports/paper_parts
        reports/plan_settlement reports/plan_schedule reports/plan_standing reports/plan_chapter
        reports/disclosure_statement reports/quote_letter reports/docx_file reports/pdf_file reports/html_file
        reports/* reports/event_terms reports/scenario_figures reports/scenario_words reports/comparison_results
        reports/comparison_reasons reports/comparison_report reports/scenario_files reports/papers problem_request
        import_terms market_desk price_desk risk_terms saved_draws reports/markets
        reports/prices reports/scenarios reports/risk_files reports/risk reports/budgets
        curve_answers reports/curve_files reports/curve_parts reports/curves use_cases replanning executors
        scenario_desk risk_desk curve_desk paper_desk demo problems progress jobs/waiting jobs/requests jobs/attempts
        jobs/book jobs/answers jobs/scenario_sets jobs/attending jobs/slots jobs/dispatch jobs/durable jobs/worker
        jobs/running jobs/companion jobs/* metrics door planners problem_details routes/answering routes/shapes
        routes/faults routes/retirement_shapes routes/offers_files routes/plan_questions routes/plans
        routes/quoting_terms routes/quotes routes/job_bodies routes/job_asking routes/* router_list openapi
        pages/assets pages/rendering pages/viewing pages/listing pages/typed_forms pages/field_faults
        pages/retirement_words pages/retirement_making pages/audit_words pages/plan_making pages/plan_words
        pages/quote_form pages/question_form pages/plan_facts pages/plan_tables pages/sides pages/market_drafts
        pages/offer_listing pages/event_words pages/event_forms pages/events pages/chart_answers pages/budget_results
        pages/budget_shown pages/home pages/policy_words pages/policy_trial pages/job_words pages/* pages/page_list
        passage stopping app slow_clients serving administration job_administration verification command_words
        command_options service_commands database_commands job_commands market_commands price_commands
        scenario_commands risk_commands curve_commands cli __main__
    """,
}

# Third-party packages and the files that may import them. What is in no room may be imported nowhere.
ROOMS = {
    "numpy": ["*"],
    "pydantic": ["*"],
    "pydantic_core": ["*"],
    "pulp": ["optimizer/solver.py"],
    "highspy": ["optimizer/solver.py"],
    "yaml": ["market_data/*", "api/*", "optimizer/rule_pack.py"],
    "pandas": [
        "market_data/*",
        "scenarios/compare.py",
        "scenarios/side_by_side.py",
        "scenarios/frontier.py",
        "scenarios/curves.py",
        "scenarios/break_even.py",
        "scenarios/alternatives.py",
        "scenarios/summary.py",
        "scenarios/swept.py",
        "scenarios/risk.py",
        "scenarios/stochastic.py",
        "scenarios/budgeting.py",
        "api/reports/*",
    ],
    "pyarrow": ["market_data/*"],
    "python_calamine": ["market_data/*"],
    "xlsxwriter": ["market_data/*", "api/reports/*"],
    "docx": ["api/reports/*"],
    "typst": ["api/reports/*"],
    "httpx2": ["market_data/sources/fetch*.py"],
    "sqlalchemy": [
        *("market_data/*store*.py", "market_data/migrations/*", "api/database/*", "api/access/*", "api/archive/*"),
        *("api/ledger/*", "api/jobs/*", "api/door.py", "api/routes/*", "api/verification.py"),
    ],
    "alembic": ["market_data/*store*.py", "market_data/migrations/*", "api/database/*"],
    "argon2": ["api/access/secrets.py"],
    "prometheus_client": ["api/*"],
    "psycopg": ["market_data/*store*.py", "api/database/*"],
    "altair": ["scenarios/charts*.py"],
    "vl_convert": ["api/reports/*", "api/pages/*"],
    "pylopdf_fonts_zh_cn": ["api/reports/*"],
    "fastapi": ["api/*"],
    "starlette": ["api/*"],
    "uvicorn": ["api/*"],
    "h11": ["api/slow_clients.py"],
    "jinja2": ["api/*"],
    "markupsafe": ["api/pages/*"],
    "typer": ["api/*"],
    "rich": ["api/*"],
    "dbos": ["api/*"],
    "distributed": ["api/executors.py"],
}

# Files that import by a name which only a run can tell; what they import on demand is also named under TYPE_CHECKING.
BY_NAME = ["optimizer/on_demand.py"]

# `from api import read_problem` must not cost a web framework, a database or a command line.
LIGHT_DOOR_MUST_NOT_REACH = ["fastapi", "starlette", "uvicorn", "jinja2", "typer", "rich", "sqlalchemy", "dbos"]

# The certificate re-checks plans with nothing of what made them.
CERTIFICATE_MUST_NOT_REACH = ["optimizer.formulation", "optimizer.solver"]

# Dates and seeds are arguments. Durations (perf_counter, monotonic) are no dates: a time limit may use them.
PURE_PACKAGES = ["optimizer", "scenarios"]
IMPURE = [
    *("datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today"),
    *("time.time", "time.time_ns", "time.localtime", "time.gmtime", "time.ctime", "time.strftime", "time.asctime"),
    *("os.environ", "os.environb", "os.getenv", "os.getenvb", "os.urandom", "uuid.uuid1", "uuid.uuid4"),
    *("random", "secrets", "socket", "ssl", "http", "urllib.request", "requests", "httpx", "ftplib", "smtplib"),
]
SEEDED = ["Generator", "BitGenerator", "default_rng", "SeedSequence", "PCG64", "PCG64DXSM", "Philox", "SFC64"]

NAMELESS = [
    "util",
    "utils",
    "helper",
    "helpers",
    "common",
    "base",
    "misc",
    "service",
    "services",
    "manager",
    "managers",
]

# ------------------------------------------------------------------------------------------------ reading the tree

Tree = dict[str, str]  # path from the root, with slashes -> source


class Import(NamedTuple):
    """One imported name, as far as it names a module, and where it stands."""

    path: str
    line: int
    target: str


def is_package_file(path: str) -> bool:
    return path.split("/")[0] in ARROWS


def module_of(path: str) -> str:
    """optimizer/plan.py -> optimizer.plan; api/__init__.py -> api."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def listed_modules() -> set[str]:
    return {
        f"{package}.{entry.replace('/', '.')}"
        for package, order in READING_ORDER.items()
        for entry in order.split()
        if not entry.endswith("*")
    }


def from_import(node: ast.ImportFrom, path: str, modules: set[str]) -> Iterator[str]:
    """`from a import b` names the module a.b where there is one, else a."""
    source = node.module or ""
    if node.level:
        here = path.removesuffix(".py").split("/")
        source = ".".join([*here[: len(here) - node.level], *filter(None, [node.module])])
    for alias in node.names:
        yield f"{source}.{alias.name}" if f"{source}.{alias.name}" in modules else source


def dynamic_import(node: ast.Call) -> str | None:
    """The module that importlib.import_module or __import__ is asked for; '?' where only a run could tell."""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name not in ("import_module", "__import__"):
        return None
    first = node.args[0] if node.args else None
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else "?"


@functools.cache
def _parsed(source: str) -> ast.Module:
    """Read once, whichever rules ask."""
    return ast.parse(source)


def imports_of(path: str, source: str, modules: set[str]) -> Iterator[Import]:
    for node in ast.walk(_parsed(source)):
        if isinstance(node, ast.Import):
            yield from (Import(path, node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (Import(path, node.lineno, target) for target in from_import(node, path, modules))
        elif isinstance(node, ast.Call) and (target := dynamic_import(node)):
            yield Import(path, node.lineno, target)


def all_imports(tree: Tree) -> list[Import]:
    modules = {module_of(path) for path in tree} | listed_modules()
    found = [
        one for path, text in sorted(tree.items()) if is_package_file(path) for one in imports_of(path, text, modules)
    ]
    return list(dict.fromkeys(found))


def reached_from(module: str, tree: Tree, modules_only: bool = False) -> dict[str, list[str]]:
    """Everything that a module imports, directly or not, with the way there.

    With modules_only the `__init__` of a package is not followed for being a parent: it re-exports everything.
    """
    edges: dict[str, set[str]] = {}
    for one in all_imports(tree):
        edges.setdefault(module_of(one.path), set()).add(one.target)
    ways = {module: [module]}
    waiting = [module]
    while waiting:
        at = waiting.pop(0)
        parents = set() if modules_only else {at.rpartition(".")[0]} - {""}
        for target in sorted(edges.get(at, set()) | parents):
            if target not in ways:
                ways[target] = [*ways[at], target]
                waiting.append(target)
    return ways


# ------------------------------------------------------------------------------------------------------- the rules


def packages_import_only_to_their_left(tree: Tree) -> Iterator[str]:
    for one in all_imports(tree):
        package, target = one.path.split("/")[0], one.target.split(".")[0]
        before = ARROWS[: ARROWS.index(package)]
        if target in ARROWS and target not in (package, *before):
            yield f"{one.path}:{one.line} imports {one.target}: {package} may import only {before}."


def place_of(path: str) -> int | None:
    """Where a file stands in its package's reading order; None when it is not listed."""
    package, _, rest = path.removesuffix(".py").partition("/")
    order = READING_ORDER[package].split()
    if rest.removesuffix("/__init__") in order:
        return order.index(rest.removesuffix("/__init__"))
    folder = rest.rpartition("/")[0]
    while folder:
        if f"{folder}/*" in order:
            return order.index(f"{folder}/*")
        folder = folder.rpartition("/")[0]
    return None


def every_file_is_in_the_reading_order(tree: Tree) -> Iterator[str]:
    for path in filter(is_package_file, tree):
        package = path.split("/")[0]
        if path != f"{package}/__init__.py" and place_of(path) is None:
            yield f"{path} is not in the reading order of {package}: add it to READING_ORDER where it should be read."


def file_of(module: str, tree: Tree) -> str | None:
    stem = module.replace(".", "/")
    return next((path for path in (f"{stem}.py", f"{stem}/__init__.py") if path in tree), None)


def files_import_only_files_above(tree: Tree) -> Iterator[str]:
    for one in all_imports(tree):
        package = one.path.split("/")[0]
        if one.target.split(".")[0] != package or one.path == f"{package}/__init__.py":
            continue
        target = file_of(one.target, tree) or f"{one.target.replace('.', '/')}.py"
        if target in (f"{package}/__init__.py", f"{package}.py"):
            yield f"{one.path}:{one.line} imports its own package: name the file that it needs."
            continue
        inside_own_init = one.path.endswith("/__init__.py") and target.startswith(one.path.removesuffix("__init__.py"))
        here, there = place_of(one.path), place_of(target)
        if here is not None and (there is None or there >= here) and not inside_own_init:
            yield f"{one.path}:{one.line} imports {one.target}, which is not above it in the reading order."


def third_party_packages_stay_in_their_rooms(tree: Tree) -> Iterator[str]:
    for one in all_imports(tree):
        top = one.target.split(".")[0]
        if one.target == "?" and one.path in BY_NAME:
            continue
        elif one.target == "?":
            yield f"{one.path}:{one.line} imports something that only a run could tell: name it."
        elif top in ARROWS or top in sys.stdlib_module_names:
            continue
        elif top not in ROOMS:
            yield f"{one.path}:{one.line} imports {top}, which has no room: give it one in ROOMS, or do without it."
        elif not any(fnmatch(one.path, room) for room in ROOMS[top]):
            yield f"{one.path}:{one.line} imports {top}, which may be imported only in {ROOMS[top]}."


def the_certificate_knows_nothing_of_what_made_the_plan(tree: Tree) -> Iterator[str]:
    for room in ("certificate", "check"):
        ways = reached_from(f"optimizer.{room}", tree, modules_only=True)
        for target in CERTIFICATE_MUST_NOT_REACH:
            if target in ways:
                yield f"optimizer/{room}.py reaches {target}: {' -> '.join(ways[target])}."


def the_light_door_opens_no_framework(tree: Tree) -> Iterator[str]:
    for target, way in reached_from("api", tree).items():
        if target.split(".")[0] in LIGHT_DOOR_MUST_NOT_REACH:
            yield f"`import api` reaches {target}: {' -> '.join(way)}."


def meanings_of_names(module: ast.Module) -> dict[str, str]:
    """What each imported name stands for: `from datetime import datetime as dt` gives dt -> datetime.datetime."""
    meanings = {}
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.split(".")[0]
                meanings[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            meanings |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return meanings


def full_name(node: ast.expr, meanings: dict[str, str]) -> str | None:
    """`np.random.rand` -> numpy.random.rand, as far as imports tell; None for what is no imported name."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.insert(0, node.attr)
        node = node.value
    if isinstance(node, ast.Name) and node.id in meanings:
        return ".".join([meanings[node.id], *parts])
    return None


def is_impure(name: str) -> bool:
    return any(name == impure or name.startswith(f"{impure}.") for impure in IMPURE)


def is_unseeded(name: str, call: ast.Call | None) -> bool:
    """Whether a name of numpy.random draws from a state that no argument fixed."""
    if not name.startswith("numpy.random."):
        return False
    draw = name.split(".")[2]
    if draw not in SEEDED:
        return True
    given = [*call.args, *(keyword.value for keyword in call.keywords)] if call else [ast.Constant(0)]
    return all(isinstance(one, ast.Constant) and one.value is None for one in given)


def used_names(module: ast.Module) -> Iterator[tuple[int, str, ast.Call | None]]:
    """Every use of something imported, with the call where it is called there."""
    meanings = meanings_of_names(module)
    calls = {id(node.func): node for node in ast.walk(module) if isinstance(node, ast.Call)}
    for node in ast.walk(module):
        if isinstance(node, ast.Attribute | ast.Name) and (name := full_name(node, meanings)):
            yield node.lineno, name, calls.get(id(node))


def pure_packages_take_dates_and_seeds_as_arguments(tree: Tree) -> Iterator[str]:
    for path, source in sorted(tree.items()):
        if path.split("/")[0] not in PURE_PACKAGES:
            continue
        for one in imports_of(path, source, set()):
            if is_impure(one.target):
                yield f"{path}:{one.line} imports {one.target}: no clock, environment, network or chance here."
        for line, name, call in used_names(_parsed(source)):
            if is_impure(name):
                yield f"{path}:{line} uses {name}: dates, settings and seeds are arguments."
            if is_unseeded(name, call):
                yield f"{path}:{line} uses {name} without a seed: seeds are arguments."


def is_reexport(node: ast.stmt) -> bool:
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":  # names that are imported on demand
        return all(map(is_reexport, [*node.body, *node.orelse]))
    if isinstance(node, ast.Assign):
        return all(isinstance(name, ast.Name) and name.id.startswith("__") for name in node.targets)
    docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return docstring or isinstance(node, ast.Import | ast.ImportFrom)


def package_inits_only_reexport(tree: Tree) -> Iterator[str]:
    for path, source in sorted(tree.items()):
        if is_package_file(path) and path.endswith("/__init__.py"):
            for node in _parsed(source).body:
                if not is_reexport(node):
                    yield f"{path}:{node.lineno} does something: an __init__ only re-exports."


def every_file_has_a_name_of_the_trade(tree: Tree) -> Iterator[str]:
    for path in tree:
        for part in path.removesuffix(".py").split("/"):
            if part.strip("_") in NAMELESS:
                yield f"{path}: `{part}` says nothing: the domain has a noun for what is in there."


def folders_of_tests_have_no_inits(tree: Tree) -> Iterator[str]:
    yield from (f"{path}: folders of tests have no __init__." for path in tree if fnmatch(path, "tests/*__init__.py"))


RULES: list[Callable[[Tree], Iterator[str]]] = [
    packages_import_only_to_their_left,
    every_file_is_in_the_reading_order,
    files_import_only_files_above,
    third_party_packages_stay_in_their_rooms,
    the_certificate_knows_nothing_of_what_made_the_plan,
    the_light_door_opens_no_framework,
    pure_packages_take_dates_and_seeds_as_arguments,
    package_inits_only_reexport,
    every_file_has_a_name_of_the_trade,
    folders_of_tests_have_no_inits,
]

# ------------------------------------------------------------------------------------------- the tree keeps the rules


@pytest.fixture(scope="module")
def tree() -> Tree:
    folders = [*ARROWS, "tests", "tools", "benchmarks"]
    paths = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in paths}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_tree_keeps_the_rule(rule: Callable[[Tree], Iterator[str]], tree: Tree) -> None:
    complaints = list(rule(tree))
    assert not complaints, "\n".join(["", *complaints])


# --------------------------------------------------------------------------------------- the rules catch a wrong tree

WRONG: list[tuple[Callable[[Tree], Iterator[str]], Tree]] = [
    (packages_import_only_to_their_left, {"optimizer/plan.py": "import market_data"}),
    (packages_import_only_to_their_left, {"optimizer/plan.py": "def f():\n    from scenarios.risk import cvar"}),
    (
        packages_import_only_to_their_left,
        {"market_data/store.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from api import app"},
    ),
    (packages_import_only_to_their_left, {"scenarios/risk.py": "import importlib\nimportlib.import_module('api.cli')"}),
    (every_file_is_in_the_reading_order, {"optimizer/magic.py": ""}),
    (every_file_is_in_the_reading_order, {"api/magic/__init__.py": ""}),
    (files_import_only_files_above, {"optimizer/findings.py": "from optimizer.plan import Plan"}),
    (files_import_only_files_above, {"optimizer/findings.py": "from .plan import Plan"}),
    (files_import_only_files_above, {"optimizer/findings.py": "from optimizer import plan"}),
    (files_import_only_files_above, {"optimizer/findings.py": "def f():\n    import optimizer.plan"}),
    (files_import_only_files_above, {"optimizer/plan.py": "from optimizer import Offers"}),
    (files_import_only_files_above, {"optimizer/plan.py": "from . import Offers"}),
    (
        files_import_only_files_above,
        {"market_data/sources/a.py": "from market_data.sources.b import rows", "market_data/sources/b.py": ""},
    ),
    (files_import_only_files_above, {"market_data/sources/a.py": "from ..normalize import offers"}),
    (third_party_packages_stay_in_their_rooms, {"optimizer/engine.py": "import pulp"}),
    (third_party_packages_stay_in_their_rooms, {"optimizer/lots.py": "def f():\n    from highspy import Highs"}),
    (third_party_packages_stay_in_their_rooms, {"optimizer/offers.py": "import pandas as pd"}),
    (third_party_packages_stay_in_their_rooms, {"scenarios/library.py": "import yaml"}),
    (third_party_packages_stay_in_their_rooms, {"market_data/store.py": "import typer"}),
    (third_party_packages_stay_in_their_rooms, {"api/archive.py": "from sqlalchemy.orm import Session"}),
    (third_party_packages_stay_in_their_rooms, {"scenarios/risk.py": "import altair"}),
    (third_party_packages_stay_in_their_rooms, {"api/cli.py": "import leftpad"}),
    (third_party_packages_stay_in_their_rooms, {"api/cli.py": "name = 'x'\n__import__(name)"}),
    (
        the_certificate_knows_nothing_of_what_made_the_plan,
        {"optimizer/certificate.py": "from optimizer.solver import solve"},
    ),
    (
        the_certificate_knows_nothing_of_what_made_the_plan,
        {
            "optimizer/certificate.py": "from optimizer import lots",
            "optimizer/lots.py": "def f():\n    from optimizer.formulation import columns",
        },
    ),
    (
        the_light_door_opens_no_framework,
        {"api/__init__.py": "from api.documents import read_problem", "api/documents.py": "import typer"},
    ),
    (pure_packages_take_dates_and_seeds_as_arguments, {"optimizer/plan.py": "import random"}),
    (pure_packages_take_dates_and_seeds_as_arguments, {"optimizer/plan.py": "from time import time\ntime()"}),
    (
        pure_packages_take_dates_and_seeds_as_arguments,
        {"optimizer/plan.py": "from datetime import datetime as dt\ndef f():\n    return dt.now()"},
    ),
    (
        pure_packages_take_dates_and_seeds_as_arguments,
        {"optimizer/plan.py": "import datetime\nday = datetime.date.today"},
    ),
    (pure_packages_take_dates_and_seeds_as_arguments, {"scenarios/sweep.py": "import os\nos.environ['HOME']"}),
    (pure_packages_take_dates_and_seeds_as_arguments, {"scenarios/sweep.py": "import urllib.request"}),
    (pure_packages_take_dates_and_seeds_as_arguments, {"scenarios/draws.py": "import numpy as np\nnp.random.rand(3)"}),
    (
        pure_packages_take_dates_and_seeds_as_arguments,
        {"scenarios/draws.py": "from numpy.random import default_rng\ndefault_rng()"},
    ),
    (
        pure_packages_take_dates_and_seeds_as_arguments,
        {"scenarios/draws.py": "import numpy as np\nnp.random.default_rng(seed=None)"},
    ),
    (package_inits_only_reexport, {"api/__init__.py": "def read_problem(): ..."}),
    (every_file_has_a_name_of_the_trade, {"optimizer/utils.py": ""}),
    (every_file_has_a_name_of_the_trade, {"api/common/rows.py": ""}),
    (folders_of_tests_have_no_inits, {"tests/units/__init__.py": ""}),
]

RIGHT: Tree = {
    "optimizer/__init__.py": '"""The maths."""\nfrom optimizer.engine import plan\n__all__ = ["plan"]',
    "optimizer/rule_pack.py": "from importlib import resources\nimport yaml\nfrom optimizer.events import Event",
    "optimizer/solver.py": "from time import perf_counter\nimport pulp\nimport highspy",
    "optimizer/certificate.py": "from . import offers, quantities\nimport datetime\nday = datetime.date(2026, 1, 1)",
    "optimizer/engine.py": "from optimizer import solver, certificate\nfrom optimizer.plan import Plan",
    "market_data/__init__.py": "from market_data.normalize import offers",
    "market_data/sources/__init__.py": "from market_data.sources.sheets import rows",
    "market_data/sources/sheets.py": "import pandas as pd\nfrom optimizer import Offers",
    "market_data/normalize.py": "from market_data.sources import rows",
    "scenarios/draws.py": "import numpy as np\ndef f(seed):\n    return np.random.default_rng(seed)",
    "api/__init__.py": "from api.documents import read_problem",
    "api/documents.py": "import yaml, os\nfrom scenarios.draws import f\nfrom api.settings import home",
    "api/cli.py": "import typer\nimport rich\nfrom api import documents\nimport random",
    "tests/units/test_plan.py": "import random",
}


@pytest.mark.parametrize(("rule", "wrong"), WRONG, ids=[f"{rule.__name__}-{n}" for n, (rule, _) in enumerate(WRONG)])
def test_the_rule_catches_a_wrong_tree(rule: Callable[[Tree], Iterator[str]], wrong: Tree) -> None:
    assert list(rule(wrong))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_rule_lets_a_right_tree_pass(rule: Callable[[Tree], Iterator[str]]) -> None:
    assert list(rule(RIGHT)) == []


def test_every_rule_is_shown_to_catch_something() -> None:
    assert {rule for rule, _ in WRONG} == set(RULES)


def test_a_file_that_is_not_listed_is_told_to_be_added() -> None:
    (sentence,) = every_file_is_in_the_reading_order({"optimizer/magic.py": ""})
    assert sentence == (
        "optimizer/magic.py is not in the reading order of optimizer: add it to READING_ORDER where it should be read."
    )
