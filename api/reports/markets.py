"""Answers about markets: what an import made of its rows, which snapshots there are, what one holds."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO
from typing import TYPE_CHECKING, Any

from api.printable import printable
from api.reports.page import Page
from api.reports.words import grouped, pick
from api.stored_markets import SHOWN_ID
from market_data.differences import KIND_WORDS, Differences
from market_data.screening import DOUBTS
from market_data.snapshot import Snapshot
from market_data.synthetic import is_synthetic
from optimizer.findings import Finding
from optimizer.offers import Offers
from optimizer.quantities import tonnes, yuan
from optimizer.wording import INSTRUMENT_NAMES, Language, counted

if TYPE_CHECKING:
    from api.market_desk import Imported
    from market_data.snapshot_store import Receipt, StoredSnapshot

AGAIN_SHOWN = 6
"""Names of changes that were told under another kind already."""
CHANGES_SHOWN = 20
"""Changes of one kind that one reads in a terminal; JSON has them all."""
FINDINGS_SHOWN = 2
"""Doubts of one kind that one reads in a terminal; JSON has those that were kept, and counts the rest."""


def import_text(done: "Imported", lang: Language) -> str:
    """What became of every row, what is doubtful, and the snapshot that was saved."""
    page, stream = _page()
    page.title(pick(lang, f"导入 {done.source}", f"Import of {done.source}"))
    lost = sum(done.left_out.values())
    zh = f"读取 {done.rows_read} 行: {len(done.offers)} 个报价, 并入其他报价 {done.folded} 行, 未采用 {lost} 行。"
    rows, offers = counted(done.rows_read, "row", "rows"), counted(len(done.offers), "offer", "offers")
    en = f"{rows} read: {offers}, {done.folded} folded into others, {lost} left out."
    page.line(pick(lang, zh, en))
    if done.split:
        zh = f"有的行含几个年份, 因此多出 {done.split} 个条目。"
        en = f"Rows that hold several vintages make {counted(done.split, 'entry', 'entries')} more."
        page.line(pick(lang, zh, en))
    new, revised = done.quote_days
    if new or revised:
        zh = f"价格历史: 新增 {new} 条日行情, 更正 {revised} 条。"
        en = f"Price history: {counted(new, 'daily quote', 'daily quotes')} added, {revised} revised."
        page.line(pick(lang, zh, en))
    if lost:
        page.section(pick(lang, "未采用的行", "Rows left out"))
        page.table(pick(lang, ">行数|原因", ">rows|reason"), _reasons(done.left_out, done.findings, lang), wide=1)
    _instruments(page, done.offers, lang)
    _findings(page, done.findings, lang)
    if done.receipt is None:
        page.section(pick(lang, "没有可保存的报价。", "There is no offer to save."))
    else:
        page.section(pick(lang, "快照", "Snapshot"))
        page.line(done.receipt.snapshot_id)
        if not done.receipt.first:
            page.line(
                pick(lang, "内容早已保存; 只记下这次导入。", "Its content was there already; this import is on record.")
            )
    page.write()
    return stream.getvalue().rstrip("\n")


def import_document(done: "Imported", lang: Language) -> dict[str, Any]:
    """The same as data."""
    return account_document(done, lang) | {
        "quotes_added": done.quote_days[0],
        "quotes_revised": done.quote_days[1],
        "snapshot": None if done.receipt is None else done.receipt.snapshot_id,
    }


def account_document(done: "Imported", lang: Language) -> dict[str, Any]:
    """What became of every row."""
    return {
        "source": done.source,
        "as_of": done.as_of.isoformat(),
        "rows_read": done.rows_read,
        "offers": len(done.offers),
        "split": done.split,
        "folded": done.folded,
        "left_out": dict(done.left_out),
        "warnings": [f.as_dict(lang) for f in done.findings],
    }


def _reasons(left_out: Mapping[str, int], findings: Iterable[Finding], lang: Language) -> Iterable[Sequence[str]]:
    said: dict[str, set[str]] = {}
    for finding in findings:
        said.setdefault(finding.code, set()).add(finding.message.say(lang))
    words = {code: next(iter(each)) for code, each in said.items() if len(each) == 1}
    words |= {code: text.say(lang) for code, text in DOUBTS.items()}
    for code, n in sorted(left_out.items(), key=lambda pair: (-pair[1], pair[0])):
        yield str(n), f"{code}: {words[code]}" if code in words else code


def _instruments(page: Page, offers: Offers, lang: Language) -> None:
    if not len(offers):
        return
    page.section(pick(lang, "报价", "Offers"))
    rows = []
    for name, n in Counter(offers.instrument[i] for i in range(len(offers))).most_common():
        mine = offers.instrument.isin((name,))
        prices = offers.price_fen[mine]
        span = f"{yuan(int(prices.min()))} - {yuan(int(prices.max()))}"
        kg = int(offers.quantity_kg[mine].sum())
        rows.append((INSTRUMENT_NAMES[name].say(lang), str(n), grouped(tonnes(kg)), span))
    page.table(pick(lang, "品种|>个数|>吨|>元/吨", "instrument|>offers|>t|>yuan/t"), rows)


def _findings(page: Page, findings: Sequence[Finding], lang: Language) -> None:
    """Doubts by kind, in the order in which their kinds first came up."""
    if not findings:
        return
    page.section(pick(lang, f"提示 ({len(findings)})", f"Warnings ({len(findings)})"))
    kinds: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        kinds.setdefault((finding.code, finding.column), []).append(finding)
    for group in kinds.values():
        for finding in group[:FINDINGS_SHOWN]:
            page.item(finding.say(lang))
        more = len(group) - FINDINGS_SHOWN
        if more > 0:
            zh, en = (
                f"{group[0].code}: 另有 {more} 处同类 (--json 可见)",
                f"{group[0].code}: {more} more like it (--json)",
            )
            page.item(pick(lang, zh, en))


# ------------------------------------------------------------------------------------------------------------ snapshots


def snapshots_text(stored: Sequence["StoredSnapshot"], lang: Language) -> str:
    """Every snapshot, the one imported last first."""
    if not stored:
        zh, en = (
            "还没有快照; 用 jinheng offers import 导入",
            "There is no snapshot yet; make one with jinheng offers import",
        )
        return pick(lang, zh, en)
    page, stream = _page()
    page.table(
        pick(lang, "编号|日期|>报价|来源|导入时间 (UTC)", "id|as of|>offers|source|imported (UTC)"),
        [
            (
                one.id[:SHOWN_ID],
                one.latest.as_of.isoformat(),
                str(one.offers),
                printable(one.latest.source),
                f"{one.latest.imported_at:%Y-%m-%d %H:%M}",
            )
            for one in stored
        ],
        wide=3,
    )
    page.write()
    return stream.getvalue().rstrip("\n")


def snapshots_document(stored: Sequence["StoredSnapshot"]) -> list[dict[str, Any]]:
    """The same as data."""
    return [
        {
            "id": one.id,
            "offers": one.offers,
            "as_of": one.latest.as_of.isoformat(),
            "source": one.latest.source,
            "imported_at": one.latest.imported_at.isoformat(),
            "imports": one.imports,
        }
        for one in stored
    ]


def snapshot_text(snapshot: Snapshot, receipts: Sequence["Receipt"], lang: Language) -> str:
    """One snapshot: what it holds, where it came from, and every doubt that was kept with it."""
    page, stream = _page()
    page.title(pick(lang, f"快照 {snapshot.id}", f"Snapshot {snapshot.id}"))
    synthetic = int(is_synthetic(snapshot.offers).sum())
    if synthetic:
        zh, en = (
            f"其中 {synthetic} 个报价是合成的, 不是市场行情。",
            f"{synthetic} of its offers are synthetic, no market's.",
        )
        page.title(pick(lang, zh, en), "bold yellow")
    _instruments(page, snapshot.offers, lang)
    page.section(pick(lang, "导入记录", "Imports"))
    page.table(
        pick(lang, "日期|来源|>行数|>未采用|导入时间 (UTC)", "as of|source|>rows|>left out|imported (UTC)"),
        [
            (
                r.as_of.isoformat(),
                printable(r.source),
                str(r.rows_read),
                str(sum(r.left_out.values())),
                f"{r.imported_at:%Y-%m-%d %H:%M}",
            )
            for r in receipts
        ],
        wide=1,
    )
    _findings(page, snapshot.findings, lang)
    page.write()
    return stream.getvalue().rstrip("\n")


def snapshot_document(snapshot: Snapshot, receipts: Sequence["Receipt"], lang: Language) -> dict[str, Any]:
    """The same as data."""
    return {
        "id": snapshot.id,
        "offers": len(snapshot.offers),
        "synthetic": int(is_synthetic(snapshot.offers).sum()),
        "instruments": dict(Counter(snapshot.offers.instrument[i] for i in range(len(snapshot.offers)))),
        "imports": [
            {
                "source": r.source,
                "as_of": r.as_of.isoformat(),
                "imported_at": r.imported_at.isoformat(),
                "rows_read": r.rows_read,
                "left_out": dict(r.left_out),
            }
            for r in receipts
        ],
        "warnings": [f.as_dict(lang) for f in snapshot.findings],
    }


# ---------------------------------------------------------------------------------------------------------- differences


def differences_text(found: Differences, lang: Language) -> str:
    """How many changed in which way, then change by change, each way in turn."""
    page, stream = _page()
    a, b = len(found.old), len(found.new)
    page.title(
        pick(lang, f"{a} 个报价 -> {b} 个报价", f"{counted(a, 'offer', 'offers')} -> {counted(b, 'offer', 'offers')}")
    )
    if found.nothing_changed:
        page.line(pick(lang, "没有变化。", "Nothing changed."))
    else:
        same = found.counts["unchanged"]
        page.line(pick(lang, f"{same} 个没有变化。", f"{same} are as they were."))
    told: set[str] = set()
    for kind in KIND_WORDS:
        n = found.counts[kind]
        if not n:
            continue
        page.section(f"{KIND_WORDS[kind].say(lang)}: {n}")
        rows = list(found.rows(kind, CHANGES_SHOWN))
        for change in rows:
            if change.offer_id not in told:
                page.item(change.text.say(lang))
        again = [change.offer_id for change in rows if change.offer_id in told]
        if again:
            names = ", ".join(again[:AGAIN_SHOWN]) + (" ..." if len(again) > AGAIN_SHOWN else "")
            page.item(pick(lang, f"{names}: 见上", f"{names}: see above"))
        told |= {change.offer_id for change in rows}
        if n > CHANGES_SHOWN:
            page.item(
                pick(lang, f"另有 {n - CHANGES_SHOWN} 个 (--json 可见)", f"{n - CHANGES_SHOWN} more (see --json)")
            )
    page.write()
    return stream.getvalue().rstrip("\n")


def differences_document(found: Differences, lang: Language) -> dict[str, Any]:
    """The same as data, every change."""
    return {
        "old": found.old.sha256,
        "new": found.new.sha256,
        "as_of": found.as_of.isoformat(),
        "counts": dict(found.counts),
        "changes": [
            {
                "offer_id": c.offer_id,
                "kinds": list(c.kinds),
                "columns": list(c.columns),
                "message": c.text.say(lang),
            }
            for c in found.rows()
        ],
    }


def _page() -> tuple[Page, StringIO]:
    stream = StringIO()
    return Page(stream), stream
