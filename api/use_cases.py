"""Load, pure call, save: the only code that joins the packages. Commands, pages and the service call this alone."""

import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from api.documents import Gathered, read_problem
from market_data import OffersFile, read_offers
from optimizer import BadInput, CheckReport, Plan, check, plan
from optimizer.chain import Report
from optimizer.engine import Explain
from optimizer.findings import fault
from optimizer.offers import Offers
from optimizer.quantities import NotANumber, decimal_of
from optimizer.wording import Language

PAPERS = (".json", ".xlsx", ".csv")
"""What a plan can be written as."""
PLAN_BYTES_MAX = 500_000_000
"""A plan of 100,000 offers, all explained, is a tenth of this."""


@dataclass(frozen=True)
class PlanRequest:
    """What a caller asks to be planned, as written: nothing is read or tested yet."""

    event: str
    offers: str
    as_of: date | str
    policy: str | None = None
    objective: str | None = None
    epsilon: str | None = None
    outlook: str | None = None
    budget: str | None = None
    time_limit: str | None = None
    explain: str | None = None
    out: str | None = None


def make_plan(request: PlanRequest, lang: Language, report: Report, cancelled: Callable[[], bool]) -> Plan:
    """The plan of a request; written to `out` when that is asked for. Raises BadInput with all faults at once."""
    gathered = Gathered()
    seconds = gathered.attempt(lambda: _seconds(request.time_limit))
    explanations = gathered.attempt(lambda: _explanations(request.explain))
    out = gathered.attempt(lambda: paper_path(request.out))
    problem = gathered.attempt(
        lambda: read_problem(
            request.event,
            request.offers,
            as_of=request.as_of,
            policy=request.policy,
            objective=request.objective,
            epsilon=request.epsilon,
            outlook=request.outlook,
            budget=request.budget,
        )
    )
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
    if text is None:
        return None
    path = Path(text)
    found = []
    if path.suffix.casefold() not in PAPERS:
        known = " ".join(PAPERS)
        zh, en = f"不能写成这种文件; 扩展名应为 {known} 之一", f"cannot be written; should end in one of {known}"
        found.append(fault("out_format", zh, en, path="-o", value=text))
    if not path.parent.is_dir():
        zh, en = "文件夹不存在; 请先建立", "the folder does not exist; make it first"
        found.append(fault("out_folder", zh, en, path="-o", value=text))
    elif path.is_dir() or not os.access(path.parent, os.W_OK):
        zh, en = "无法写入; 请检查路径和权限", "cannot be written; check the path and the permissions"
        found.append(fault("out_unwritable", zh, en, path="-o", value=text))
    if found:
        raise BadInput(found)
    return path


def write_paper(made: Plan, path: Path, lang: Language) -> None:
    """A plan as the kind of file that its name says, whole or not at all."""
    kind = path.suffix.casefold()
    if kind == ".json":
        content = made.to_json().encode()
    elif kind == ".csv":
        from api.reports.csv import lines_csv

        content = lines_csv(made, lang)
    else:
        from api.reports.xlsx import workbook

        content = workbook(made, lang)
    write_whole(path, content)


def write_whole(path: Path, content: bytes) -> None:
    """A file that is there whole or not at all: written beside, then renamed."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o666 & ~_umask())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


# ------------------------------------------------------------------------------------------------------------ checks


def check_plan(plan_path: str, offers_path: str | None) -> CheckReport:
    """Derives a plan file again. Raises BadInput when it is unreadable, no plan, or needs offers that are not given."""
    gathered = Gathered()
    document = gathered.attempt(lambda: read_plan_document(Path(plan_path)))
    market = gathered.attempt(lambda: read_offers(offers_path)) if offers_path is not None else None
    gathered.stop_if_faulty()
    assert document is not None
    offers: Offers | None = None if market is None else market.offers
    if offers is None and document["problem"].get("offers") is None:
        zh, en = (
            "方案只带报价的哈希; 请用 --offers 给出报价文件",
            "the plan carries only the hash of its offers; give the file with --offers",
        )
        raise BadInput([fault("offers_needed", zh, en, path="--offers").at(Path(plan_path).name)])
    return check(document, offers)


def read_plan_document(path: Path) -> dict[str, Any]:
    """A plan file as data, read and not believed. Raises BadInput when it is unreadable or no plan at all."""
    from api.plain_data import bytes_of

    def constant(name: str) -> Any:
        raise ValueError(name)

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(items)
        if len(found) < len(items):
            raise ValueError("a key stands twice")
        return found

    try:
        content = bytes_of(path, PLAN_BYTES_MAX)
        document = json.loads(content.decode("utf-8-sig"), parse_constant=constant, object_pairs_hook=pairs)
    except BadInput as error:
        raise BadInput([f.at(path.name) for f in error.findings]) from error.__cause__
    except (ValueError, RecursionError) as error:
        zh, en = "不是可读的 JSON 方案文件", "is no readable plan file (JSON)"
        row = error.lineno if isinstance(error, json.JSONDecodeError) else None
        raise BadInput([fault("plan_unreadable", zh, en, row=row).at(path.name)]) from error
    if not isinstance(document, dict) or "plan_id" not in document or not isinstance(document.get("problem"), dict):
        zh, en = (
            "不是方案文件; 应为 jinheng plan -o 写出的 JSON",
            "is no plan; should be JSON written by jinheng plan -o",
        )
        raise BadInput([fault("no_plan", zh, en).at(path.name)])
    return document


def validate_offers(offers_path: str) -> OffersFile:
    """An offers file, read whole. Raises BadInput with all its faults."""
    return read_offers(offers_path)
