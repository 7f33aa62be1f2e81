"""Comparing scenarios: files and names in, every scenario planned, a table out. Writes only what `out` asks for."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from api import settings
from api.documents import Gathered
from api.event_files import whole_number
from api.executors import opened_executor, read_workers
from api.problem_request import ProblemRequest
from api.scenario_files import NamedScenarios, read_scenarios
from api.whole_files import out_path, write_whole
from optimizer import plan
from optimizer.chain import Report
from optimizer.wording import Language
from scenarios.outcomes import Planner
from scenarios.runner import Advance, run
from scenarios.side_by_side import DAYS_AT_RISK, SideBySide, side_by_side

DAYS_MAX = 9_999
"""Days within which a deadline may count as near: 27 years; more is a slip."""
TABLES = (".json", ".xlsx", ".csv", ".docx", ".pdf", ".html", ".svg", ".png")
"""What a comparison can be written as."""


@dataclass(frozen=True)
class CompareRequest(ProblemRequest):
    """What a caller asks to be compared, as written."""

    scenarios: str = field(kw_only=True)
    """A scenario file, names of ready scenarios parted by commas, or `all`."""
    days: str | None = None
    """Within how many days a deadline counts as near."""
    workers: str | None = None
    cluster: str | None = None
    """Address of a Dask scheduler."""
    out: str | None = None

    def named(self) -> NamedScenarios:
        """The scenarios. Raises BadInput with every fault of them."""
        return read_scenarios(self.scenarios)


def compare_scenarios(
    request: CompareRequest,
    lang: Language,
    *,
    report_base: Report | None = None,
    report: Callable[[Advance], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> SideBySide:
    """The base plan beside its scenarios; written to `out` when that is asked for.

    Args:
        request: files, names and options.
        lang: the language of sentences.
        report_base: called with each level of the base plan as it starts.
        report: called after each scenario, with an estimate of the rest.
        cancelled: asked now and then; True stops the work.

    Raises:
        BadInput: every fault of every file and option at once. A fault within one scenario is a row of the table.
        Cancelled: asked to stop.
    """
    gathered = Gathered()
    out = gathered.attempt(lambda: None if request.out is None else out_path(request.out, TABLES))
    days = gathered.attempt(lambda: _days(request.days))
    workers = gathered.attempt(lambda: read_workers(request.workers))
    named = gathered.attempt(request.named)
    problem = gathered.attempt(request.problem)
    gathered.stop_if_faulty()
    assert days is not None and workers is not None and named is not None and problem is not None
    with opened_executor(workers, request.cluster) as executor:
        base = plan(problem, lang=lang, cancelled=cancelled, report=report_base)
        here = executor is None
        planner = Planner(problem, lang, named.packs, cancelled=cancelled if here else None)
        found = run(named.scenarios, planner, executor, chunk=1, report=report, cancelled=cancelled)
    pairs = list(zip(named.scenarios, found, strict=True))
    table = side_by_side(problem, base, pairs, named.packs, days=days)
    if out is not None:
        write_table(table, out, lang)
    return table


def _days(text: str | None) -> int:
    return DAYS_AT_RISK if text is None else whole_number(text, "--days", 0, DAYS_MAX)


def write_table(table: SideBySide, path: Path, lang: Language) -> None:
    """A comparison as the kind of file that its name says, whole or not at all."""
    kind = path.suffix.casefold()
    if kind == ".json":
        content = (json.dumps(table.as_dict(lang), ensure_ascii=False, indent=1) + "\n").encode()
    else:
        from api.reports.papers import comparison_paper

        content = comparison_paper(table, kind.removeprefix("."), lang, settings.today())
    write_whole(path, content)
