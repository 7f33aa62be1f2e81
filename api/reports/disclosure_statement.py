"""The disclosure of an event (公示) as a paper: the whole process, from verified emissions to cancelled serials.

Content only; the figures and words are those of the record (`ledger/disclosures`), which a published version never
changes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from api.ledger.disclosure_words import CONCLUSION_EN, CONCLUSION_ZH
from api.reports.paper_parts import (
    Facts,
    Grid,
    Heading,
    Notice,
    Paper,
    Paragraph,
    Part,
    columns,
    short_title,
)
from api.reports.words import grouped, pick
from optimizer.wording import Language, day_text

type Record = Mapping[str, Any]

SERIALS_SHOWN = 200
"""Ranges of one cancellation; a program reads the record, which has them all."""


@dataclass(frozen=True)
class DisclosedVersion:
    """A version of a disclosure as it leaves the house."""

    version: int
    draft: bool
    sha256: str
    """Of the record."""
    record: Record
    made_on: date
    published_on: date | None
    place: str
    """Where it was made public; blank where it was not."""
    hashes: Mapping[str, str]
    """Of the plan's inputs: `events_sha256`, `offers_sha256`, `rule_pack_sha256`."""


def disclosure_statement(told: DisclosedVersion, lang: Language) -> Paper:
    """The statement of one version."""
    record = told.record
    name = short_title(_or_missing(record["event"]["name"], lang))
    kind = pick(lang, "（草稿）", " (draft)") if told.draft or record["missing"] else ""
    parts = (
        *_notices(told, lang),
        *_event(record, lang),
        *_measures(record, lang),
        *_tiers(record, lang),
        *_cancellations(record, lang),
        *_conclusion(record, lang),
        *_identity(told, lang),
    )
    return Paper(
        lang=lang,
        title=(pick(lang, f"{name}碳中和公示{kind}", f"{name}: disclosure of carbon neutrality{kind}"),),
        subtitle=(pick(lang, f"第{told.version}版", f"Version {told.version}"),),
        addressee="",
        parts=parts,
        issuer=str(record["event"]["organiser"]),
        day=told.made_on if told.published_on is None else told.published_on,
        keywords=(told.sha256, str(record["plan"]["plan_id"])),
    )


def _or_missing(text: Any, lang: Language) -> str:
    return str(text or "").strip() or pick(lang, "（缺）", "(missing)")


def _notices(told: DisclosedVersion, lang: Language) -> Iterator[Part]:
    missing, corrects = told.record["missing"], told.record["corrects"]
    if missing:
        zh, en = f"本稿尚缺{len(missing)}项，不能公示。", f"{len(missing)} things are missing: not to be published."
        yield Notice(pick(lang, zh, en))
    elif told.draft:
        yield Notice(pick(lang, "本稿为草稿，不能公示。", "This is a draft, not to be published."))
    if corrects is not None:
        version, why = corrects["version"], corrects["reason"]
        yield Notice(pick(lang, f"本版更正第{version}版：{why}", f"This corrects version {version}: {why}"))


def _event(record: Record, lang: Language) -> Iterator[Part]:
    event, e = record["event"], record["emissions"]
    yield Heading(1, pick(lang, "活动概况", "The event"))
    name, organiser = _or_missing(event["name"], lang), _or_missing(event["organiser"], lang)
    end = day_text(event["end_date"], lang)
    zh, en = f"{name}由{organiser}组织，于{end}结束。", f"{name}, organised by {organiser}, ended on {end}."
    yield Paragraph(pick(lang, zh, en))
    yield Heading(1, pick(lang, "温室气体排放量", "Emissions"))
    t = grouped(str(e["tonnes"]))
    if e["status"] != "verified":
        zh, en = f"预估排放量为{t}吨二氧化碳当量，尚未核查。", f"Estimated at {t} tCO2e; not verified yet."
        yield Paragraph(pick(lang, zh, en))
        return
    verifier = _or_missing(e["verifier"], lang)
    day = day_text(e["verified_on"], lang) if e["verified_on"] else _or_missing("", lang)
    zh = f"活动实际产生温室气体{t}吨二氧化碳当量，由{verifier}于{day}核查"
    en = f"The event emitted {t} tCO2e, verified by {verifier} on {day}"
    if e["statement"]:
        zh, en = zh + f"（核查声明：{e['statement']}）", en + f" (statement: {e['statement']})"
    yield Paragraph(pick(lang, zh + "。", en + "."))


def _measures(record: Record, lang: Language) -> Iterator[Part]:
    yield Heading(1, pick(lang, "减排措施", "Measures that cut emissions"))
    measures = [str(m).strip() for m in record["measures"] if str(m).strip()]
    if not measures:
        yield Paragraph(_or_missing("", lang))
    for n, measure in enumerate(measures, 1):
        yield Paragraph(pick(lang, f"{n}．{measure}", f"{n}. {measure}"))


def _tiers(record: Record, lang: Language) -> Iterator[Part]:
    policy = record["policy"]
    recommended = policy["order"] == "recommended"
    yield Heading(1, pick(lang, "抵销情况", "Offsets"))
    title, number = policy["title"][lang], policy["document_number"]
    zh = f"按《{title}》（{number}）{'推荐' if recommended else '规定'}的优先顺序抵销，各层级情况如下。"
    en = f"Offsets follow the {'recommended' if recommended else 'required'} order of {title} ({number}):"
    yield Paragraph(pick(lang, zh, en))
    rows = tuple(
        (
            str(t["tier"]),
            t["name"][lang],
            t["clause"],
            *(grouped(t[key]) for key in ("planned_t", "bought_t", "retired_t")),
        )
        for t in record["tiers"]
    )
    totals = record["totals"]
    total = ("", pick(lang, "合计", "in all"), "", "", grouped(totals["bought_t"]), grouped(totals["retired_t"]))
    zh = ">层级|名称|条款|>计划（吨）|>采购（吨）|>已注销（吨）"
    en = ">tier|name|clause|>planned (t)|>bought (t)|>cancelled (t)"
    caption = pick(lang, "各层级的采购与注销", "Bought and cancelled, by place in the order")
    yield Grid(caption, columns(lang, zh, en, (8, 37, 13, 14, 14, 14)), (*rows, total), total=True)


def _cancellations(record: Record, lang: Language) -> Iterator[Part]:
    yield Heading(1, pick(lang, "注销明细", "Cancellations"))
    rows = record["retirements"]
    if not rows:
        yield Paragraph(pick(lang, "尚无注销。", "None yet."))
        return
    due = pick(lang, "应于{day}前注销", "due by {day}")
    cells = tuple(
        (
            str(n),
            str(r["project_name"] or r["project_id"] or r["mechanism"] or r["offer_id"]),
            grouped(r["tonnes"]),
            r["registry"][lang],
            r["retired_on"] if r["state"] == "retired" else due.format(day=r["retire_by"]),
            str(r["reference"] or "-"),
        )
        for n, r in enumerate(rows, 1)
    )
    zh, en = "序号|项目|>数量（吨）|登记机构|注销日期|凭证", "no.|project|>t|registry|cancelled on|reference"
    yield Grid(
        pick(lang, "注销明细", "What was cancelled where"),
        columns(lang, zh, en, (7, 25, 13, 25, 15, 15)),
        cells,
    )
    proven = tuple(
        (str(n), _serials(r, lang), _evidence(r)) for n, r in enumerate(rows, 1) if r["serials"] or r["evidence"]
    )
    if proven:
        zh, en = "序号|编号|证明文件与哈希", "no.|serials|evidence, with its hash"
        caption = pick(lang, "编号与证明", "Serials and evidence")
        yield Grid(caption, columns(lang, zh, en, (7, 46, 47)), proven)


def _serials(row: Record, lang: Language) -> str:
    shown = []
    for s in row["serials"][:SERIALS_SHOWN]:
        text = s["first"] if s["first"] == s["last"] else f"{s['first']} ~ {s['last']}"
        period = f", {s['period_from']} ~ {s['period_until']}" if s.get("period_from") else ""
        shown.append(f"{text} ({grouped(s['tonnes'])} t{period})")
    more = len(row["serials"]) - SERIALS_SHOWN
    tail = pick(lang, f"；另有{more}段", f"; {more} more ranges") if more > 0 else ""
    return "; ".join(shown) + tail if shown else "-"


def _evidence(row: Record) -> str:
    return "; ".join(f"{f['name']} {f['sha256']}" for f in row["evidence"]) or "-"


def _conclusion(record: Record, lang: Language) -> Iterator[Part]:
    totals, done = record["totals"], record["completed_on"]
    word = record["policy"]["order"] == "recommended"
    offset, emitted = grouped(totals["offset_t"]), grouped(totals["emitted_t"])
    yield Heading(1, pick(lang, "结论", "Conclusion"))
    if done:
        day = day_text(done, lang)
        zh = f"截至{day}，已抵销{offset}吨，不少于核查的排放量{emitted}吨二氧化碳当量。"
        en = f"By {day}, {offset} t were offset: no less than the verified {emitted} tCO2e."
    else:
        zh = f"已抵销{offset}吨，排放量为{emitted}吨二氧化碳当量，抵销尚未完成。"
        en = f"{offset} t were offset of {emitted} tCO2e; offsetting is not finished."
    yield Paragraph(pick(lang, zh, en))
    zh, en = CONCLUSION_ZH.replace(", ", "，").replace("; ", "；"), CONCLUSION_EN
    order = pick(lang, "推荐" if word else "规定", "recommends" if word else "requires")
    yield Paragraph(pick(lang, zh, en).format(order=order))
    missing = record["missing"]
    if missing:
        yield Heading(1, pick(lang, "尚缺内容", "What is missing"))
        rows = tuple((str(n), m[lang], m["path"]) for n, m in enumerate(missing, 1))
        heads = columns(lang, "序号|内容|位置", "no.|what|where", (8, 57, 35))
        yield Grid(pick(lang, "公示前须补齐", "To be added before it is published"), heads, rows)


def _identity(told: DisclosedVersion, lang: Language) -> Iterator[Part]:
    record = told.record
    yield Heading(1, pick(lang, "版本与校验", "Version and verification"))
    if told.published_on is not None:
        on = day_text(told.published_on, lang)
        standing = pick(lang, f"已于{on}公示：{told.place}", f"published on {on}: {told.place}")
    else:
        standing = pick(lang, "未公示", "not published")
    policy = record["policy"]
    yield Facts(
        (
            (pick(lang, "版本", "version"), str(told.version)),
            (pick(lang, "状态", "standing"), standing),
            (pick(lang, "有效性", "validity"), pick(lang, "至更正版公示为止", "until a correction is published")),
            (pick(lang, "公示记录哈希", "record hash"), told.sha256),
            (pick(lang, "方案编号", "plan id"), str(record["plan"]["plan_id"])),
            (pick(lang, "活动文件哈希", "event hash"), told.hashes["events_sha256"]),
            (pick(lang, "行情快照哈希", "snapshot hash"), told.hashes["offers_sha256"]),
            (pick(lang, "规则包哈希", "rule-pack hash"), str(policy["sha256"])),
            (pick(lang, "规则包", "rule pack"), f"{policy['id']} v{policy['version']}, {policy['document_number']}"),
        )
    )
