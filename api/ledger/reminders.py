"""Reminders before deadlines: what is due soon, and a digest of it in words for people who do not look every day.

`digests` reads every organisation's rows for whoever sends them (a job of the operator's); each digest holds one
organisation's rows alone, and nothing here sends anything.
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import groupby

from sqlalchemy import Connection, RowMapping, select

from api.access.scope import Scope
from api.database.retirement_tables import retirements
from optimizer.quantities import tonnes
from optimizer.wording import Text

DAYS_BEFORE = 30
"""How many days before a deadline the first reminder comes."""
LINES_SHOWN = 50
"""Of a digest; the rest is counted."""


def due_within(scope: Scope, today: date, days: int, limit: int) -> Sequence[RowMapping]:
    """The organisation's instructions that are overdue or due within so many days, the nearest deadline first."""
    soon = (today + timedelta(days)).isoformat()
    t = retirements.c
    wanted = scope.select(retirements, t.state == "due", t.retire_by <= soon)
    return scope.rows(wanted.order_by(t.retire_by, t.number).limit(limit))


def digests(c: Connection, today: date, days: int = DAYS_BEFORE) -> Iterator[tuple[str, Text]]:
    """Organisation -> its digest, for each that has something due within so many days."""
    t, soon = retirements.c, (today + timedelta(days)).isoformat()
    wanted = select(retirements).where(t.state == "due", t.retire_by <= soon)
    rows = c.execute(wanted.order_by(t.organisation_id, t.retire_by, t.number)).mappings().all()
    for organisation_id, own in groupby(rows, lambda r: str(r["organisation_id"])):
        yield organisation_id, digest(list(own), today)


def digest(rows: Sequence[RowMapping], today: date) -> Text:
    """What is to be cancelled, line by line with the days left, in both languages; empty where there is nothing."""
    if not rows:
        return Text("", "")
    total = tonnes(sum(r["kg"] for r in rows))
    late = sum(r["retire_by"] < today.isoformat() for r in rows)
    zh = [f"截至 {today}, 有 {len(rows)} 项待注销, 共 {total} t, 其中 {late} 项已逾期。"]
    en = [f"On {today}, {len(rows)} cancellations are to be done, {total} t in all; {late} are overdue."]
    for row in rows[:LINES_SHOWN]:
        left = (date.fromisoformat(row["retire_by"]) - today).days
        what = f"{row['event_id']}: {row['offer_id']}, {tonnes(row['kg'])} t, {row['registry']}, {row['retire_by']}"
        zh.append(f"- {what} ({f'还有 {left} 天' if left >= 0 else f'已逾期 {-left} 天'})")
        en.append(f"- {what} ({f'{left} days left' if left >= 0 else f'{-left} days overdue'})")
    if len(rows) > LINES_SHOWN:
        zh.append(f"另有 {len(rows) - LINES_SHOWN} 项。")
        en.append(f"And {len(rows) - LINES_SHOWN} more.")
    return Text("\n".join(zh), "\n".join(en))
