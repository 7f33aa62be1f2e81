"""Serials that prove a retirement, each used once whoever uses it; new forestry used once.

This is the one place that looks across organisations: whether a serial is taken. It says that it is, and never by whom.

    a serial         no two standing ranges of one register and prefix share a number
    new forestry     tonnes of one project over overlapping accrual periods stay within what was certified; where one
                     claim does not say how much that is, it has taken the whole of its period
    a forest and     of one project id and overlapping years only one is used: what was certified as new forestry is
    its credits      not used again as CCER or as credits, nor the other way round

One transaction at a time adds serials: SQLite has one writer, PostgreSQL takes a lock. The database checks again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import Connection, RowMapping, and_, select, text

from api.access.scope import Scope
from api.database.retirement_tables import serials
from api.ledger.serial_numbers import SerialRange, canonical_name, read_serials
from api.refusals import Refused
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault
from optimizer.quantities import KG_PER_T, NotANumber, kg_of, tonnes

SERIAL_LOCK = 0x6A68_0003
"""Of PostgreSQL's advisory locks: one transaction at a time adds serials."""
BY_THE_TONNE = frozenset({"ccer", "credit", "allowance"})
"""Instruments of which one serial is one tonne; of the others a certificate says how much it stands for."""
FIRST_DAY, LAST_DAY = "1990-01-01", "2200-12-31"
"""The period of a project whose vintage is not known."""


@dataclass(frozen=True)
class Entry:
    """What somebody says of one serial, one range, or one certificate."""

    first: str
    last: str | None = None
    tonnes: Any = None
    """What a certificate stands for; of serials by the tonne it may be left out."""
    project_id: str | None = None
    """Of new forestry, where the offer named none."""
    period_from: date | None = None
    """Of new forestry: the accrual that is claimed."""
    period_until: date | None = None
    certified: Any = None
    """Of new forestry: the tonnes that the project was certified for in that period."""


@dataclass(frozen=True)
class Claim:
    """Serials read and weighed, ready to be held against all others."""

    path: str
    serials: SerialRange
    kg: int
    project: str
    forestry: bool
    period_from: str
    period_until: str
    certified_kg: int | None


def needed_kg(retirement: RowMapping) -> int:
    """What has to be cancelled for an instruction: its mass, in whole tonnes where serials go by the tonne."""
    kg = int(retirement["kg"])
    return -(-kg // KG_PER_T) * KG_PER_T if retirement["instrument"] in BY_THE_TONNE else kg


def read_claims(retirement: RowMapping, entries: Sequence[Entry]) -> list[Claim]:
    """What is said of serials, read for the instruction that they prove.

    Raises:
        BadInput: every fault of every entry; serials that stand twice among them.
    """
    claims: list[Claim] = []
    found: list[Finding] = []
    for k, entry in enumerate(entries):
        path = f"serials[{k}]"
        try:
            claim = _claim(retirement, entry, path)
        except BadInput as error:
            found += [_placed(f, path) for f in error.findings]
            continue
        twice = next((c for c in claims if c.serials.overlaps(claim.serials)), None)
        if twice is not None:
            zh, en = f"与 {twice.path} 重复", f"shares serials with {twice.path}"
            found.append(fault("serial_twice", zh, en, path=path, value=entry.first))
        claims.append(claim)
    if found:
        raise BadInput(found)
    return claims


def _placed(finding: Finding, path: str) -> Finding:
    return replace(finding, path=f"{path}.{finding.path}" if finding.path else path)


def _claim(retirement: RowMapping, entry: Entry, path: str) -> Claim:
    by_the_tonne = retirement["instrument"] in BY_THE_TONNE
    read = read_serials(retirement["register"], entry.first, entry.last, numbered=by_the_tonne)
    found: list[Finding] = []
    kg = _mass(entry, read, by_the_tonne, found)
    forestry = retirement["instrument"] == "forestry"
    if forestry:
        project, period, certified = _forestry(retirement, entry, kg, found)
    else:
        project, certified = canonical_name(retirement["project_id"]), None
        vintage = int(retirement["vintage"])
        period = (f"{vintage}-01-01", f"{vintage}-12-31") if vintage else (FIRST_DAY, LAST_DAY)
        if any(v is not None for v in (entry.project_id, entry.period_from, entry.period_until, entry.certified)):
            zh, en = (
                "项目, 时段与认证量只用于新建林业",
                "project, period and certified tonnes belong to new forestry only",
            )
            found.append(fault("forestry_only", zh, en))
    if found:
        raise BadInput(found)
    return Claim(path, read, kg, project, forestry, *period, certified)


def _mass(entry: Entry, read: SerialRange, by_the_tonne: bool, found: list[Finding]) -> int:
    said = _kg(entry.tonnes, "tonnes", found)
    if by_the_tonne:
        counted = read.units * KG_PER_T
        if said is not None and said != counted:
            zh, en = f"此段共 {read.units} 个编号, 即 {read.units} t", f"holds {read.units} serials, so {read.units} t"
            found.append(fault("serial_mass", zh, en, path="tonnes", value=entry.tonnes))
        return counted
    if entry.tonnes is None:
        zh, en = "应给出证书所载的吨数", "should say the tonnes that the certificate stands for"
        found.append(fault("missing", zh, en, path="tonnes"))
    return said or 0


def _kg(value: Any, path: str, found: list[Finding]) -> int | None:
    if value is None:
        return None
    try:
        kg = kg_of(value)
    except (NotANumber, ValueError):
        kg = 0
    if not 0 < kg <= 10**12:
        zh, en = "应为大于 0 的吨数, 至多 3 位小数", "should be tonnes above 0 with at most 3 decimals"
        found.append(fault("tonnes", zh, en, path=path, value=value))
    return kg


def _forestry(
    retirement: RowMapping, entry: Entry, kg: int, found: list[Finding]
) -> tuple[str, tuple[str, str], int | None]:
    named, given = canonical_name(retirement["project_id"]), canonical_name(entry.project_id or "")
    if not named and not given:
        zh, en = "报价没有项目编号, 此处应给出", "the offer named no project: say it here"
        found.append(fault("missing", zh, en, path="project_id"))
    if named and given and named != given:
        zh, en = "与方案中的项目编号不同", "is not the project of the plan"
        found.append(fault("project_differs", zh, en, path="project_id", value=entry.project_id))
    if entry.period_from is None or entry.period_until is None or entry.period_from > entry.period_until:
        zh, en = "应给出碳汇计入期的起止日期, 起不晚于止", "should give the accrual period, from not after until"
        found.append(fault("period", zh, en, path="period_from"))
    certified = _kg(entry.certified, "certified", found)
    if certified is not None and 0 < certified < kg:
        zh, en = "认证量小于本次使用量", "is less than what is used here"
        found.append(fault("certified", zh, en, path="certified", value=entry.certified))
    period = (str(entry.period_from), str(entry.period_until))
    return named or given, period, certified


def standing(scope: Scope, retirement_id: str) -> Sequence[RowMapping]:
    """The serials of an instruction, in the order in which they came."""
    mine = scope.select(serials, serials.c.retirement_id == retirement_id, serials.c.released_at.is_(None))
    return scope.rows(mine.order_by(serials.c.number))


def add_serials(scope: Scope, retirement: RowMapping, claims: Sequence[Claim]) -> int:
    """Adds serials to an instruction that the caller has locked; those that it has already stay as they are.

    Returns:
        How many were new.

    Raises:
        Refused: `double_use`, with the place of every entry that is used already, by whomever.
        BadInput: more than the instruction's mass.
    """
    held = standing(scope, retirement["id"])
    known = {(r["register"], r["prefix"], r["first"], r["last"], r["kg"]) for r in held}
    new = [c for c in claims if _key(c) not in known]
    total, limit = sum(r["kg"] for r in held) + sum(c.kg for c in new), needed_kg(retirement)
    if total > limit:
        zh = f"编号合计 {tonnes(total)} t, 多于应注销的 {tonnes(limit)} t"
        en = f"come to {tonnes(total)} t, more than the {tonnes(limit)} t to be cancelled"
        raise BadInput([fault("serials_exceed", zh, en, path="serials", value=tonnes(total))])
    if scope.c.dialect.name == "postgresql":
        scope.c.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": SERIAL_LOCK})
    taken: list[Finding] = []
    for claim in new:
        if is_taken(scope.c, claim.serials) or (claim.project and _project_is_taken(scope.c, claim)):
            zh, en = "已被使用", "is used already"
            taken.append(fault("double_use", zh, en, path=claim.path, value=claim.serials.first_shown))
        elif not taken:
            _add(scope, retirement["id"], claim)
    if taken:
        raise Refused("double_use", taken)
    return len(new)


def _key(claim: Claim) -> tuple[str, str, int, int, int]:
    s = claim.serials
    return s.register, s.prefix, s.first, s.last, claim.kg


def is_taken(c: Connection, wanted: SerialRange) -> bool:
    """Whether a standing range of any organisation shares a serial with it.

    Standing ranges never overlap, so only the one that begins last before the end of this one can.
    """
    lane = and_(serials.c.register == wanted.register, serials.c.prefix == wanted.prefix)
    before = and_(lane, serials.c.released_at.is_(None), serials.c.first <= wanted.last)
    last = c.execute(
        select(serials.c.last).where(before).order_by(serials.c.first.desc()).limit(1)
    ).scalar_one_or_none()
    return last is not None and int(last) >= wanted.first


def _project_is_taken(c: Connection, claim: Claim) -> bool:
    """Whether the same forest, over the same time, is used up or was used in another guise."""
    overlapping = and_(
        serials.c.project == claim.project,
        serials.c.released_at.is_(None),
        serials.c.period_from <= claim.period_until,
        serials.c.period_until >= claim.period_from,
    )
    found = c.execute(select(serials.c.forestry, serials.c.kg, serials.c.certified_kg).where(overlapping)).all()
    if any(bool(row.forestry) != claim.forestry for row in found):
        return True
    if not claim.forestry or not found:
        return False
    certified = [claim.certified_kg, *(row.certified_kg for row in found)]
    known = [kg for kg in certified if kg is not None]
    return len(known) < len(certified) or claim.kg + sum(row.kg for row in found) > min(known)


def _add(scope: Scope, retirement_id: str, claim: Claim) -> None:
    s = claim.serials
    scope.add(
        serials,
        retirement_id=retirement_id,
        register=s.register,
        prefix=s.prefix,
        first=s.first,
        last=s.last,
        first_shown=s.first_shown,
        last_shown=s.last_shown,
        kg=claim.kg,
        project=claim.project,
        forestry=claim.forestry,
        period_from=claim.period_from,
        period_until=claim.period_until,
        certified_kg=claim.certified_kg,
        made_by=scope.actor.user_id,
        made_at=scope.now_text,
    )


def release(scope: Scope, retirement_id: str, serial_id: str | None = None) -> Sequence[Any]:
    """Gives one serial of an instruction free, or all of them; gives the rows that were."""
    one = [] if serial_id is None else [serials.c.id == serial_id]
    wanted = (serials.c.retirement_id == retirement_id, serials.c.released_at.is_(None), *one)
    return scope.change(serials, *wanted, released_at=scope.now_text)


def as_dict(row: RowMapping) -> dict[str, Any]:
    """Serials as programs read them."""
    forestry = bool(row["forestry"])
    return {
        "id": row["id"],
        "first": row["first_shown"],
        "last": row["last_shown"],
        "series": row["register"],
        "tonnes": tonnes(row["kg"]),
        "period_from": row["period_from"] if forestry else None,
        "period_until": row["period_until"] if forestry else None,
        "made_by": row["made_by"],
        "made_at": row["made_at"],
    }
