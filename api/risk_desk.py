"""The risk desk: files and options in, thousands of draws, what they say out. Writes only what is asked for.

`risk_of` asks what the draws say about a plan, `sweep_of` for the draws themselves, `calendar_of` for the budget of a
year. Draws are made in ranges over one runner; the same numbers come out wherever they are made.
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from api.documents import Gathered
from api.executors import opened_executor, read_workers
from api.risk_terms import Basis, CalendarAnswer, DrawsRequest, RiskAnswer, SweepAnswer, read_basis
from api.saved_draws import KeptDraws, saved_in
from api.whole_files import out_path, write_whole
from market_data.price_models import PriceModel
from optimizer import BadInput
from optimizer.errors import EngineFault
from optimizer.plan import sha256
from optimizer.problem_part import problem_part
from optimizer.wording import Language
from scenarios.budgeting import calendar_budget
from scenarios.failures import Failure
from scenarios.risk import Assessment, Risk, assessment_of
from scenarios.runner import Advance, run
from scenarios.stochastic import StochasticPlan, stand_up_to
from scenarios.sweep import Question, question_of, ranges, sweep_range
from scenarios.swept import Sweep, joined

RISK_FILES = (".json", ".xlsx", ".csv", ".html", ".svg", ".png")
DRAWS_FILES = (".json", ".csv")
CALENDAR_FILES = RISK_FILES
SAVED_ENDING = ".parts"
"""What the folder of finished chunks beside an output file is called by."""
RANGE_CELLS = 50_000
"""Draws times arcs of one range: about a second of linear programs, so that stopping is quick and little is lost."""
RANGE_DRAWS_MAX = 500
RANGE_DRAWS_MIN = 5

type Tell = Callable[[Advance], None]
type Ask = Callable[[], bool]


def risk_of(
    request: DrawsRequest,
    lang: Language,
    *,
    report: Tell | None = None,
    cancelled: Ask | None = None,
    kept: KeptDraws | None = None,
) -> RiskAnswer:
    """What the draws say about a plan; written to `out` when that is asked for.

    Args:
        request: files and options.
        lang: the language of what is written.
        report: called after each range of draws, with an estimate of the rest.
        cancelled: asked now and then; True stops the work.
        kept: where finished chunks are; they are not made again.

    Raises:
        BadInput: every fault of every file and option at once.
        Cancelled: asked to stop.
        EngineFault: a draw could not be solved, or its second solution differs.
    """
    basis, out, workers = _asked(request, RISK_FILES)
    with _own_options():
        asked = assessment_of(basis.problem, basis.uncertainty, basis.conduct, basis.money)
    questions: dict[str, Question] = {"": asked.everything}
    questions |= {str(driver): question for driver, question in asked.frozen.items()}
    with opened_executor(workers, request.cluster) as executor:
        swept = _all_swept(questions, basis, executor, report, cancelled, kept)
    answer = RiskAnswer(basis, asked.everything, _risk(asked, swept), swept[""], _stochastic(request, basis))
    if out is not None:
        from api.reports.risk_files import risk_file

        write_whole(out, risk_file(answer, out.suffix.casefold(), lang))
    return answer


def _risk(asked: Assessment, swept: Mapping[str, Sweep]) -> Risk:
    return asked.risk(swept[""], {driver: swept[driver] for driver in asked.frozen})


def _stochastic(request: DrawsRequest, basis: Basis) -> StochasticPlan | None:
    if not request.stochastic:
        return None
    with _own_options():
        return stand_up_to(
            basis.problem, basis.uncertainty, basis.seed, basis.scenarios, tail_weight_e4=basis.tail_weight_e4
        )


def sweep_of(
    request: DrawsRequest,
    lang: Language,
    *,
    report: Tell | None = None,
    cancelled: Ask | None = None,
    kept: KeptDraws | None = None,
) -> SweepAnswer:
    """The draws themselves; finished chunks are kept in `kept`, or where the request says, and not made again.

    Arguments and errors are those of `risk_of`.
    """
    gathered = Gathered()
    folder = gathered.attempt(lambda: (saved_folder(request),))
    basis, out, workers = _asked(request, DRAWS_FILES, gathered)
    assert folder is not None
    with _own_options():
        question = question_of(basis.problem, basis.uncertainty, basis.conduct, basis.money)
    saved = None if folder[0] is None else saved_in(folder[0], "--resume" if request.resume else "-o")
    with opened_executor(workers, request.cluster) as executor:
        swept = _swept(question, basis, executor, report, cancelled, saved if kept is None else kept)
    answer = SweepAnswer(basis, question, swept)
    if out is not None:
        from api.reports.risk_files import draws_file

        write_whole(out, draws_file(answer, out.suffix.casefold(), lang))
    if saved is not None and request.resume is None:
        saved.forget()  # the output holds everything now
    return answer


def saved_folder(request: DrawsRequest) -> Path | None:
    """Where finished chunks are kept: the folder that is asked for, or one beside the output."""
    if request.resume is not None:
        return Path(request.resume)
    return None if request.out is None else Path(request.out + SAVED_ENDING)


def calendar_of(
    request: DrawsRequest,
    lang: Language,
    *,
    report: Tell | None = None,
    cancelled: Ask | None = None,
    kept: KeptDraws | None = None,
) -> CalendarAnswer:
    """The budget of a calendar by fiscal year, and the latest dates of its commitments.

    Arguments and errors are those of `risk_of`.
    """
    basis, out, workers = _asked(request, CALENDAR_FILES)
    with _own_options():
        question = question_of(basis.problem, basis.uncertainty, basis.conduct, basis.money)
    with opened_executor(workers, request.cluster) as executor:
        swept = _swept(question, basis, executor, report, cancelled, kept)
    answer = CalendarAnswer(basis, question, calendar_budget(question, swept))
    if out is not None:
        from api.reports.budgets import calendar_file

        write_whole(out, calendar_file(answer, out.suffix.casefold(), lang))
    return answer


def _asked(
    request: DrawsRequest, endings: tuple[str, ...], gathered: Gathered | None = None
) -> tuple[Basis, Path | None, int]:
    gathered = gathered or Gathered()
    out = gathered.attempt(lambda: None if request.out is None else out_path(request.out, endings))
    workers = gathered.attempt(lambda: read_workers(request.workers))
    basis = read_basis(request, gathered)
    assert workers is not None
    return basis, out, workers


@contextmanager
def _own_options() -> Iterator[None]:
    """Complaints of the engine placed at the options of the command line."""
    own = {"buy_on": "--buy-on", "tail_weight": "--tail-weight"}
    try:
        yield
    except BadInput as error:
        raise BadInput([replace(f, path=own.get(f.path, f.path)) for f in error.findings]) from error


# ----------------------------------------------------------------------------------------------------- making the draws


def _all_swept(
    questions: Mapping[str, Question],
    basis: Basis,
    executor: Executor | None,
    report: Tell | None,
    cancelled: Ask | None,
    kept: KeptDraws | None,
) -> dict[str, Sweep]:
    """The same draws of several questions, one after the other, told as one run."""
    found: dict[str, Sweep] = {}
    before = 0.0
    for k, (name, question) in enumerate(questions.items()):
        told = _Told(k, len(questions), before, report)
        found[name] = _swept(question, basis, executor, told, cancelled, kept, name)
        before += told.seconds
    return found


class _Told:
    """Tells a caller of many runs how far all of them are."""

    def __init__(self, place: int, runs: int, before: float, report: Tell | None) -> None:
        self._place, self._runs, self._before, self._report = place, runs, before, report
        self.seconds = 0.0

    def __call__(self, advance: Advance) -> None:
        self.seconds = advance.seconds
        if self._report is None:
            return
        done, total = self._place * advance.total + advance.done, self._runs * advance.total
        seconds = self._before + advance.seconds
        rest = seconds / done * (total - done) if done else None
        self._report(Advance(done, total, advance.failed, seconds, rest))


def _swept(
    question: Question,
    basis: Basis,
    executor: Executor | None,
    report: Tell | None,
    cancelled: Ask | None,
    saved: KeptDraws | None = None,
    name: str = "",
) -> Sweep:
    """Every draw of a question, joined; `name` tells apart questions on one basis.

    Raises EngineFault when some draws failed; those that did not are saved.
    """
    size = max(RANGE_DRAWS_MIN, min(RANGE_DRAWS_MAX, RANGE_CELLS // max(len(question.market.arcs), 1)))
    wanted = ranges(basis.seed, basis.draws, size)
    found = run(
        wanted,
        partial(sweep_range, question),
        executor,
        chunk=1,
        about="" if saved is None else about(basis) + name,
        done=saved,
        finished=None if saved is None else saved.save,
        report=report,
        cancelled=cancelled,
    )
    parts: list[Sweep] = []
    for one, result in zip(wanted, found, strict=True):
        if isinstance(result, Failure):
            raise EngineFault(f"draws {one.first} .. {one.first + one.size - 1}: {result.message.en}")
        parts.append(result)
    return joined(parts)


def about(basis: Basis) -> str:
    """Hash of all that the numbers of a draw depend on besides its own number and the seed."""
    known = basis.uncertainty
    rule = known.fall_through
    return sha256(
        [
            version("jinheng"),
            problem_part(basis.problem, with_offers=False),
            basis.conduct,
            basis.money,
            None if known.buy_on is None else known.buy_on.isoformat(),
            dict(known.spot_price_fen),
            None if rule is None else [rule.otherwise, {k: list(v) for k, v in rule.by_instrument.items()}],
            repr(known.yield_spread),
            known.yield_rho,
            known.drawn_emissions,
            _model_part(known.price_model),
        ]
    )


def _model_part(model: PriceModel | None) -> list[Any]:
    if model is None:
        return []
    if model.kind == "bootstrap":
        return [model.kind, model.block_months, [repr(s) for s in model.samples], model.returns.tolist()]
    return [model.kind, [repr(f) for f in model.fits], model.correlation.tolist()]
