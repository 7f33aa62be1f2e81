"""Load, pure call, save: the only code that joins the packages. Commands, pages and the service call this alone."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from api import settings
from api.documents import Gathered
from api.event_files import read_day, whole_number
from api.file_text import bytes_of
from api.problem_request import ProblemRequest
from api.stored_markets import market_of
from api.whole_files import out_path, write_whole
from market_data import OffersFile, read_offers
from optimizer import BadInput, CheckReport, Plan, check, plan
from optimizer.carried_problem import read_problem_part
from optimizer.chain import Report
from optimizer.engine import Explain
from optimizer.findings import fault
from optimizer.offers import Offers
from optimizer.quantities import NotANumber, decimal_of
from optimizer.wording import Language

if TYPE_CHECKING:
    from market_data.differences import Differences

PAPERS = (".json", ".xlsx", ".csv", ".docx", ".pdf", ".html")
"""What a plan can be written as."""
DAYS_MAX = 99_999
"""Days that somebody may look ahead: two lifetimes; more is a slip."""
PLAN_BYTES_MAX = 500_000_000
"""A plan of 100,000 offers, all explained, is a tenth of this."""


@dataclass(frozen=True)
class PlanRequest(ProblemRequest):
    """What a caller asks to be planned, as written."""

    time_limit: str | None = None
    explain: str | None = None
    out: str | None = None


def make_plan(request: PlanRequest, lang: Language, report: Report, cancelled: Callable[[], bool]) -> Plan:
    """The plan of a request; written to `out` when that is asked for. Raises BadInput with all faults at once."""
    gathered = Gathered()
    seconds = gathered.attempt(lambda: _seconds(request.time_limit))
    explanations = gathered.attempt(lambda: _explanations(request.explain))
    out = gathered.attempt(lambda: paper_path(request.out))
    problem = gathered.attempt(request.problem)
    gathered.stop_if_faulty()
    assert problem is not None and explanations is not None
    made = plan(problem, explanations=explanations, lang=lang, seconds=seconds, cancelled=cancelled, report=report)
    if out is not None:
        write_paper(made, out, lang)
    return made


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        value = float(decimal_of(text))
    except NotANumber:
        value = 0.0
    if not 0 < value <= 10**7:
        zh, en = "应为大于 0 的秒数", "should be a number of seconds above 0"
        raise BadInput([fault("time_limit", zh, en, path="--time-limit", value=text)])
    return value


def _explanations(text: str | None) -> Explain:
    known: dict[str | None, Explain] = {None: "short", "short": "short", "all": "all", "none": "none"}
    if text not in known:
        zh, en = "应为 all, short 或 none", "should be all, short or none"
        raise BadInput([fault("explain", zh, en, path="--explain", value=text)])
    return known[text]


# ----------------------------------------------------------------------------------------------------------- papers


def paper_path(text: str | None) -> Path | None:
    """Where a paper is to be written, known to be possible before anything is solved. Raises BadInput."""
    return None if text is None else out_path(text, PAPERS)


def write_paper(made: Plan, path: Path, lang: Language) -> None:
    """A plan as the kind of file that its name says, whole or not at all."""
    kind = path.suffix.casefold()
    if kind == ".json":
        content = made.to_json().encode()
    else:
        from api.reports.papers import plan_paper

        content = plan_paper(made, kind.removeprefix("."), lang, settings.today())
    write_whole(path, content)


# ------------------------------------------------------------------------------------------------------------ checks


def check_plan(plan_path: str, offers: str | None, url: str = "") -> CheckReport:
    """Derives a plan file again. Raises BadInput when it is unreadable, no plan, or needs offers that are not given."""
    gathered = Gathered()
    document = gathered.attempt(lambda: read_plan_document(Path(plan_path)))
    market = gathered.attempt(lambda: market_of(offers, url)) if offers is not None else None
    gathered.stop_if_faulty()
    assert document is not None
    try:
        return check_document(document, market, "--offers", offers)
    except BadInput as error:
        raise BadInput([f.at(Path(plan_path).name) for f in error.findings]) from error


def check_document(document: dict[str, Any], market: OffersFile | None, option: str, given: str | None) -> CheckReport:
    """Derives a plan again that is here as data, on offers that were given as an option, if they were.

    Raises BadInput where it needs offers that are not given, or others than those.
    """
    own = document["problem"].get("offers") is not None
    if market is None and not own:
        zh = f"方案只带报价的哈希; 请用 {option} 给出报价文件或快照编号"
        en = f"the plan carries only the hash of its offers; give the file or the snapshot with {option}"
        raise BadInput([fault("offers_needed", zh, en, path=option)])
    if own and market is not None and market.offers.sha256 != document["problem"].get("offers_sha256"):
        zh = f"不是方案所依据的报价 (内容哈希不同); 方案自带报价, 可省略 {option}"
        en = (
            f"are not the offers that the plan was made on (another content hash); it holds its own: leave {option} out"
        )
        raise BadInput([fault("other_offers", zh, en, path=option, value=given)])
    return check(document, None if market is None else market.offers)


def read_plan_document(path: Path) -> dict[str, Any]:
    """A plan file as data, read and not believed. Raises BadInput when it is unreadable or no plan at all."""
    try:
        return plan_document_of(bytes_of(path, PLAN_BYTES_MAX))
    except BadInput as error:
        raise BadInput([f.at(path.name) for f in error.findings]) from error.__cause__


def plan_document_of(content: bytes) -> dict[str, Any]:
    """The bytes of a plan as data, read and not believed. Raises BadInput when unreadable or no plan at all."""

    def constant(name: str) -> Any:
        raise ValueError(name)

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(items)
        if len(found) < len(items):
            raise ValueError("a key stands twice")
        return found

    try:
        document = json.loads(content.decode("utf-8-sig"), parse_constant=constant, object_pairs_hook=pairs)
    except (ValueError, RecursionError) as error:
        zh, en = "不是可读的 JSON 方案文件", "is no readable plan file (JSON)"
        row = error.lineno if isinstance(error, json.JSONDecodeError) else None
        raise BadInput([fault("plan_unreadable", zh, en, row=row)]) from error
    if not isinstance(document, dict) or "plan_id" not in document or not isinstance(document.get("problem"), dict):
        zh, en = (
            "不是方案文件; 应为 jinheng plan -o 写出的 JSON",
            "is no plan; should be JSON written by jinheng plan -o",
        )
        raise BadInput([fault("no_plan", zh, en)])
    return document


def validate_offers(offers_path: str) -> OffersFile:
    """An offers file, read whole. Raises BadInput with all its faults."""
    return read_offers(offers_path)


def changed_market(old: str, new: str, as_of: date | str, days: str, url: str) -> "Differences":
    """What changed from one market to another; the old one may be a plan: what changed since it was made.

    Raises BadInput with every fault of both and of the options.
    """
    from market_data.differences import differences

    gathered = Gathered()
    day = gathered.attempt(lambda: read_day(as_of, "--as-of"))
    ahead = gathered.attempt(lambda: whole_number(days, "--days", 0, DAYS_MAX))
    before = gathered.attempt(lambda: _market_or_plan(old, url))
    after = gathered.attempt(lambda: market_of(new, url).offers)
    gathered.stop_if_faulty()
    assert day is not None and ahead is not None and before is not None and after is not None
    return differences(before, after, day, ahead)


def _market_or_plan(reference: str, url: str) -> Offers:
    path = Path(reference)
    if path.suffix.casefold() == ".json" and path.is_file():
        try:
            part = read_plan_document(path)["problem"]
        except BadInput as error:
            if error.findings[0].code != "no_plan":
                raise
        else:
            return _offers_of_plan(part, path.name, url)
    return market_of(reference, url).offers


def _offers_of_plan(part: dict[str, Any], file: str, url: str) -> Offers:
    """The offers that the plan in `file` was made on: its own, or the stored ones with its hash. Raises BadInput."""
    stored = None if part.get("offers") is not None else market_of(str(part.get("offers_sha256")), url).offers
    try:
        return read_problem_part(part, stored).offers
    except BadInput as error:
        raise BadInput([f.at(file) for f in error.findings]) from error
