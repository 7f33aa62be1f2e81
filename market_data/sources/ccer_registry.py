"""The CCER registry's public answers: which reductions are registered, and which projects are only on their way.

The registry shows a project on several tabs, one for each stage it has reached. Only registered reductions are stock;
a project without any is left out with what it expects a year, because a plan must say why a tier is empty. What of
the registered reductions was cancelled since, the registry does not show.

Stamps are UTC without saying so ("2026-05-06 16:00:00" is 7 May in China); a compact day ("20260717") is a day.
"""

import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

from market_data.feed_reading import FeedReading, RowAccount
from market_data.quotes import Stock
from market_data.sources.feed_fields import FieldError, china_day_of_utc, json_of, number_of
from market_data.sources.fetch import Fetcher
from market_data.sources.raw_table import refuse
from market_data.sources.registry_ledger import doubt_chinese, feed_reading
from optimizer.findings import fault, warning
from optimizer.quantities import MASS_T_MAX, kg_of, plain, tonnes
from optimizer.regions import region_code

FEED = "ccer-registry"
ADDRESS = "https://ccer.cets.org.cn/api/projectmanage/open"
TABS = ("1", "2", "3", "4", "5")
"""Projects in publicity, registered projects, reductions in publicity, registered reductions, issued lines."""
TABS_WITH_DETAILS = ("1", "2", "3", "4")
"""An issued line repeats a registered reduction, so its details add nothing."""
PAGE_SIZE = 50
PAGES_MAX = 400
"""Pages of one tab: 20,000 entries, where there were some hundred; more is an answer that never ends."""

REGISTERED = "4"
STAGES = ("1", "1-1", "2", "3", "3-1", "5", REGISTERED)
"""How far a record is. An issued line (5) stands before the registered reduction (4) that it repeats."""
STAGE_NAMES = {
    "1": ("项目公示中", "project in publicity"),
    "1-1": ("项目公示结束", "publicity of the project over"),
    "2": ("项目已登记", "project registered"),
    "3": ("减排量公示中", "reductions in publicity"),
    "3-1": ("减排量公示结束", "publicity of the reductions over"),
    "5": ("减排量已签发", "issued lines"),
}
ENDED_TABS = ("6", "7")
"""Cancelled projects and cancelled reductions."""
REGISTERED_STATUS = "已登记"
ENDED_STATUS = ("终止", "注销", "撤销")
RECORD_KEYS = ("dataInfo", "data", "records", "rows", "list", "result")
"""Where an answer or a saved file holds its records."""
REGISTERED_ON = ("registrationTime", "projectRegDateTime")
PERIOD = ("regAppStartDate", "regAppEndDate")
"""The period in which registered reductions came about."""
YEAR_MIN, YEAR_MAX = 1990, 2100
"""Years outside are misprints: no crediting before 1990."""
VOLUME, YEAR = "applyVol", "regYear"
"""Fields of the entries by year that a detail may hold."""


class _Record:
    """One record: list entry and detail together."""

    def __init__(self, fields: Mapping[str, Any], row: int) -> None:
        self.fields, self.row = fields, row
        self.name = " ".join(self.text("projectName").split())
        self.stage = self.text("dataType") or self.text("_category_code")
        self.status = self.text("statusName") or self.text("applyStatusName")

    def text(self, *names: str) -> str:
        for name in names:
            value = self.fields.get(name)
            if value is not None and str(value).strip():
                return str(value).strip()
        return ""

    @property
    def project_id(self) -> str:
        return self.text("projectCode", "ccerCode", "applyId", "projectInfoId") or self.name

    @property
    def rank(self) -> int:
        return STAGES.index(self.stage)

    def order(self) -> tuple[Any, ...]:
        """Furthest last; of one stage the latest published; then by content, so that no order of rows matters."""
        published = self.text("publicStartDate").replace("-", "")[:8]
        return self.rank, published, json.dumps(self.fields, sort_keys=True, default=str)


class _Book:
    """The account of one reading, and the dates that moved."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.account = RowAccount()
        self.stock: dict[tuple[str, int], Stock] = {}
        self.moved = 0
        self.placeless = 0

    def add(self, one: Stock) -> None:
        """One entry per project and vintage: further reductions of a project add to those before."""
        key = (one.project_id, one.vintage)
        before = self.stock.get(key, one._replace(issued_kg=0))
        self.stock[key] = before._replace(issued_kg=before.issued_kg + one.issued_kg)

    def leave_out(self, record: _Record, code: str, zh: str, en: str, value: object = None) -> None:
        shown = record.name if value is None else value
        self.account.leave_out(warning(code, zh, en, row=record.row, value=shown).at(self.name))

    def doubt(self, record: _Record, code: str, zh: str, en: str, value: object = None) -> None:
        shown = record.name if value is None else value
        self.account.doubt(warning(code, zh, en, row=record.row, value=shown).at(self.name))

    def day(self, record: _Record, *names: str) -> date | None:
        """The day in China of the first of these fields that holds one; a field that holds none is a doubt."""
        for name in names:
            try:
                found = china_day_of_utc(record.fields.get(name))
            except FieldError as error:
                zh, en = f"{name} 应为日期, 如 2026-05-06 16:00:00", f"{name} should be a date: 2026-05-06 16:00:00"
                self.doubt(record, "bad_date", zh, en, error)
                continue
            if found is not None:
                self.moved += found[1]
                return found[0]
        return None


def read_ccer_registry(content: bytes, name: str) -> FeedReading:
    """The stock in an answer of the registry or in a saved list of records; rows count from 1.

    Raises:
        BadInput: HTML, no sound JSON, a refusal of the registry, or nothing that looks like its records.
    """
    document = json_of(content, name)
    book = _Book(name)
    records = [_Record(fields, row) for row, fields in enumerate(_records(document, name), 1)]
    _check_complete(document, len(records), book)
    for group in _projects(_counted(records, book)):
        _read_project(group, book)
    _say_once(book)
    stock = tuple(book.stock[key] for key in sorted(book.stock))
    return feed_reading(FEED, name, content, book.account, stock)


def _records(document: Any, name: str) -> list[Mapping[str, Any]]:
    found = document
    if isinstance(document, dict):
        if document.get("successful") is False:
            told = str(document.get("msg") or "")
            zh, en = "登记系统拒绝了请求; 请稍后再试", "the registry refused the request; try later"
            raise refuse(fault("feed_refused", zh, en, value=told).at(name))
        found = next((document[k] for k in RECORD_KEYS if k in document), None)
        found = next((found[k] for k in RECORD_KEYS if k in found), None) if isinstance(found, dict) else found
    sound = isinstance(found, list) and all(isinstance(r, dict) for r in found)
    if not sound or not isinstance(found, list) or (found and not any("projectName" in r for r in found)):
        zh = "没有登记系统的记录: 应为含 projectName 的记录列表, 或登记系统的回答"
        en = "holds no records of the registry: should be a list of records with projectName, or one of its answers"
        raise refuse(fault("feed_shape", zh, en).at(name))
    return found


def _check_complete(document: Any, n: int, book: _Book) -> None:
    total = document.get("total") if isinstance(document, dict) else None
    if isinstance(total, int) and total > n:
        zh, en = f"只含 {total} 条中的 {n} 条: 请取其余各页", f"holds {n} of {total} records: fetch the other pages"
        book.account.doubt(warning("incomplete", zh, en).at(book.name))
    if n == 0:
        book.account.doubt(warning("feed_empty", "没有记录", "holds no records").at(book.name))


def _counted(records: list[_Record], book: _Book) -> list[_Record]:
    """Those that are on their way or there: not without a name or a known stage, and not ended."""
    kept = []
    for record in records:
        if not record.name:
            book.leave_out(record, "no_name", "没有项目名称", "has no project name")
        elif record.stage in ENDED_TABS or any(word in record.status for word in ENDED_STATUS):
            zh, en = f"已终止或注销 ({record.status})", f"is ended or cancelled ({record.status})"
            book.leave_out(record, "ended", zh, en)
        elif record.stage not in STAGES:
            zh, en = "不认识的阶段 (dataType)", "is at a stage that is not known (dataType)"
            book.leave_out(record, "stage_unknown", zh, en, record.stage)
        else:
            kept.append(record)
    return kept


def _projects(records: list[_Record]) -> list[list[_Record]]:
    """Records of one project together, furthest last: those that share an applyId or a name."""
    first_name: dict[str, str] = {}
    for record in records:
        apply_id = record.text("applyId")
        first_name[apply_id] = min(first_name.get(apply_id, record.name), record.name)
    groups: dict[str, list[_Record]] = {}
    for record in records:
        apply_id = record.text("applyId")
        groups.setdefault(first_name[apply_id] if apply_id else record.name, []).append(record)
    return [sorted(groups[name], key=_Record.order) for name in sorted(groups)]


def _read_project(group: list[_Record], book: _Book) -> None:
    furthest = group[-1]
    if furthest.stage != REGISTERED:
        for record in group[:-1]:
            _leave_out_earlier(record, book)
        _leave_out_unissued(furthest, book)
        return
    seen: set[tuple[str, ...]] = set()
    for record in group:
        key = (record.text("certificationId"), record.text("certifiedNum"), *(record.text(p) for p in PERIOD))
        if record.stage != REGISTERED:
            _leave_out_earlier(record, book)
        elif key in seen or (record.text("certificationId") and (record.text("certificationId"),) in seen):
            book.leave_out(record, "duplicate_record", "与另一条记录相同", "repeats another record")
        else:
            seen |= {key, (record.text("certificationId"),)}
            _read_reductions(record, book)


def _leave_out_earlier(record: _Record, book: _Book) -> None:
    zh, en = "同一项目在更后的阶段已有记录, 只计一次", "is counted once, at the furthest stage of its project"
    book.leave_out(record, "other_stage", zh, en)


def _leave_out_unissued(record: _Record, book: _Book) -> None:
    expected = _tonnes_of(record, "expectYearNum")
    place = record.text("provinceName")
    stage_zh, stage_en = STAGE_NAMES[record.stage]
    published = book.day(record, "publicStartDate")
    since_zh, since_en = (f", {published} 起公示", f", published {published}") if published else ("", "")
    yearly_zh = "预计年减排量未知" if expected is None else f"预计每年 {plain(expected)} 吨"
    yearly_en = "yearly tonnes unknown" if expected is None else f"{plain(expected)} t a year expected"
    region = region_code(place) or "?"
    zh = f"尚无登记的减排量 ({stage_zh}{since_zh}; {place or '省份未注明'}; {yearly_zh}): 现在买不到"
    en = f"has no registered reductions ({stage_en}{since_en}; region {region}; {yearly_en}): nothing to buy yet"
    book.leave_out(record, "not_issued", zh, en)


def _tonnes_of(record: _Record, field: str) -> Decimal | None:
    """A number of tonnes; None where there is none that could be one."""
    try:
        number = number_of(record.fields.get(field))
    except FieldError:
        return None
    return number if number is not None and 0 <= number <= MASS_T_MAX else None


def _read_reductions(record: _Record, book: _Book) -> None:
    certified = _tonnes_of(record, "certifiedNum")
    if record.status and REGISTERED_STATUS not in record.status:
        zh, en = f"状态不是 {REGISTERED_STATUS}", f"has another status than {REGISTERED_STATUS}"
        book.leave_out(record, "not_registered", zh, en, record.status)
    elif certified is None or certified == 0 or certified != round(certified, 3):
        zh = "certifiedNum 应为登记的减排量 (吨); 没有详情的列表不含它, 请一并获取详情"
        en = "certifiedNum should be the registered tonnes; a list without details lacks it: fetch the details too"
        book.leave_out(record, "bad_number", zh, en, record.text("certifiedNum"))
    else:
        region = _region(record, book)
        registered_on = book.day(record, *REGISTERED_ON)
        for vintage, kg in _by_year(record, kg_of(certified), book).items():
            book.add(_stock(record, region, registered_on, vintage, kg))
        book.account.use()


def _stock(record: _Record, region: str, registered_on: date | None, vintage: int, kg: int) -> Stock:
    method = record.text("methodologyNum", "methodologyName", "projectTypeName")
    about = (
        record.project_id,
        record.name,
        method,
        region,
        vintage,
        kg,
        0,
        registered_on,
        record.text("orgCustomerName"),
    )
    return Stock("ccer", "CCER", *about, registry="全国温室气体自愿减排注册登记系统")


def _region(record: _Record, book: _Book) -> str:
    place = record.text("provinceName")
    code = region_code(place) if place else None
    if code is not None:
        return code
    book.placeless += 1
    return "CN"


def _by_year(record: _Record, certified_kg: int, book: _Book) -> dict[int, int]:
    """Registered kg by year: as the detail splits them, else all in the year of the period; 0 where none is told."""
    split = _split(record)
    if split and sum(split.values()) == certified_kg:
        return split
    if split:
        zh = f"分年份的减排量合计 {tonnes(sum(split.values()))} 吨, 与登记的不符: 不分年份"
        en = f"entries by year add up to {tonnes(sum(split.values()))} t, not to what is registered: kept without years"
        book.doubt(record, "years_disagree", zh, en, tonnes(certified_kg))
    days = [book.day(record, field) for field in PERIOD]
    years = {d.year for d in days if d is not None}
    if len(years) == 1 and None not in days and not split:
        return {years.pop(): certified_kg}
    zh = "减排量的年份未知: 不合任何年份要求"
    en = "reductions of unknown year: no vintage window can admit them"
    book.doubt(record, "vintage_unknown", zh, en)
    return {0: certified_kg}


def _split(record: _Record) -> dict[int, int]:
    """Kg by year from the entries that a detail may hold in a list; {} where there are none that can be read."""
    lists = [v for v in record.fields.values() if isinstance(v, list)]
    entries = [e for one in lists for e in one if isinstance(e, dict) and VOLUME in e and YEAR in e]
    years: dict[int, int] = {}
    for entry in entries:
        try:
            year, volume = number_of(entry[YEAR]), number_of(entry[VOLUME])
            if year is None or volume is None or not YEAR_MIN <= year <= YEAR_MAX or volume < 0:
                return {}
            years[int(year)] = years.get(int(year), 0) + kg_of(volume)
        except (FieldError, ValueError):
            return {}
    return dict(sorted(years.items()))


def _say_once(book: _Book) -> None:
    doubt_chinese(book.account, book.name, book.placeless)
    if book.moved:
        zh = f"{book.moved} 个日期由 UTC 换算为北京时间, 晚了一天"
        en = f"{book.moved} dates were moved from UTC to China's day, one later"
        book.account.doubt(warning("dates_moved", zh, en).at(book.name))
    if book.stock:
        zh = "登记系统不公布登记之后的注销: 结余按未注销计, 是上限"
        en = "the registry does not show what was cancelled since: what is left is counted as all of it, an upper bound"
        book.account.doubt(warning("retired_unknown", zh, en).at(book.name))


def fetch_ccer_registry(fetcher: Fetcher, *, tabs: tuple[str, ...] = TABS, address: str = ADDRESS) -> FeedReading:
    """The stock in the registry's answers: every page of the tabs, with the details of all but issued lines.

    An entry whose details are refused keeps what its list says. The content that is hashed is the list of records.

    Raises:
        BadInput: what `Fetcher.post` raises, or answers of another shape.
    """
    records = [_with_details(fetcher, address, tab, item) for tab in tabs for item in _tab(fetcher, address, tab)]
    records.sort(key=lambda r: json.dumps(r, sort_keys=True, default=str))
    content = json.dumps(records, ensure_ascii=False, sort_keys=True, default=str).encode()
    return read_ccer_registry(content, FEED)


def _tab(fetcher: Fetcher, address: str, tab: str) -> list[Mapping[str, Any]]:
    items: list[Mapping[str, Any]] = []
    for page in range(1, PAGES_MAX + 1):
        name = f"getOpeningApply {tab} {page}"
        body = {"pageNumber": page, "pageSize": PAGE_SIZE, "dataType": tab}
        answer = fetcher.post(f"{address}/getOpeningApply", body, accept=partial(_page, name=name))
        batch, total = answer.result
        items += batch
        if not batch or len(items) >= total or (total < 0 and len(batch) < PAGE_SIZE):
            return [{**item, "dataType": item.get("dataType") or tab} for item in items]
    zh, en = f"超过 {PAGES_MAX} 页", f"has more than {PAGES_MAX} pages"
    raise refuse(fault("feed_endless", zh, en).at(f"getOpeningApply {tab}"))


def _page(content: bytes, name: str) -> tuple[list[Mapping[str, Any]], int]:
    document = json_of(content, name)
    if isinstance(document, dict) and document.get("dataInfo") is None and document.get("successful") is not False:
        document = {**document, "dataInfo": []}
    total = document.get("total") if isinstance(document, dict) else None
    return _records(document, name), total if isinstance(total, int) else -1


def _with_details(fetcher: Fetcher, address: str, tab: str, item: Mapping[str, Any]) -> Mapping[str, Any]:
    if tab not in TABS_WITH_DETAILS or not item.get("applyId"):
        return item
    keys = ("applyId", "projectInfoId", "certificationId", "ccerId", "applyStatus")
    body = {**{k: item.get(k) for k in keys}, "dataType": tab}
    answer = fetcher.post(f"{address}/getOpeningApplyDetail", body, accept=_detail)
    return {**item, **{k: v for k, v in answer.result.items() if v is not None}}


def _detail(content: bytes) -> Mapping[str, Any]:
    document = json_of(content, "getOpeningApplyDetail")
    detail = document.get("dataInfo") if isinstance(document, dict) else None
    return detail if isinstance(detail, dict) else {}
