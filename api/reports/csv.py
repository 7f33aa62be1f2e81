"""The purchases of a plan as CSV: UTF-8 with BOM, and no cell that a spreadsheet would run as a formula."""

import csv
from io import StringIO

from optimizer.plan import Plan
from optimizer.wording import Language, Text

COLUMNS: tuple[tuple[str, Text], ...] = (
    ("event_id", Text("活动", "event")),
    ("offer_id", Text("报价", "offer")),
    ("tier", Text("层级", "tier")),
    ("contracted_t", Text("购买量 (吨)", "contracted (t)")),
    ("effective_t", Text("计入量 (吨)", "effective (t)")),
    ("unit_price", Text("单价 (元/吨)", "unit price (yuan/t)")),
    ("cost", Text("金额 (元)", "cost (yuan)")),
    ("purchase_date", Text("购买日", "buy on")),
    ("payments", Text("付款", "payments")),
    ("retire_by", Text("注销期限", "cancel by")),
    ("registry", Text("登记机构", "registry")),
    ("late", Text("晚于一年期限", "late")),
    ("firm", Text("确定报价", "firm")),
)
STARTS_OF_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def lines_csv(plan: Plan, lang: Language) -> bytes:
    """One row a purchase, under heads in the caller's language."""
    buffer = StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow([head.say(lang) for _, head in COLUMNS])
    for line in plan.lines:
        row = line.model_dump(mode="json")
        row["payments"] = ";".join(f"{p.date}={p.amount}" for p in line.payments)
        for key in ("late", "firm"):
            row[key] = _said(bool(row[key]), lang)
        writer.writerow([inert(str(row[key])) for key, _ in COLUMNS])
    return b"\xef\xbb\xbf" + buffer.getvalue().encode()


def _said(yes: bool, lang: Language) -> str:
    if lang == "zh":
        return "是" if yes else "否"
    return "yes" if yes else "no"


def inert(text: str) -> str:
    """Text that a spreadsheet shows and does not run: what starts like a formula gets an apostrophe before it."""
    return f"'{text}" if text.startswith(STARTS_OF_FORMULAS) else text
