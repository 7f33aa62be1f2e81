"""The words of the trade in Chinese and English, always both: a `Text` cannot be made with one language missing.

Here live the type and the words that several rooms share; a sentence used in one room stands in that room.
"""

from datetime import date
from typing import Literal, NamedTuple

type Language = Literal["zh", "en"]


class Text(NamedTuple):
    """One sentence or term in both languages."""

    zh: str
    en: str

    def say(self, lang: Language) -> str:
        """The sentence in the caller's language."""
        return self.zh if lang == "zh" else self.en


def counted(n: int, one: str, many: str) -> str:
    """A count with the English words that agree with it: `1 row holds`, `2 rows hold`; Chinese has one form."""
    return f"{n} {one if n == 1 else many}"


INSTRUMENT_NAMES: dict[str, Text] = {
    "carbon_inclusion": Text("碳普惠减排量", "carbon-inclusion reduction"),
    "ccer": Text("核证自愿减排量 (CCER)", "CCER"),
    "credit": Text("碳信用", "credit of another mechanism"),
    "forestry": Text("新建林业项目碳汇", "new forestry"),
    "allowance": Text("碳配额", "allowance"),
}

CHANNEL_NAMES: dict[str, Text] = {
    "holder": Text("持有账户", "own account"),
    "agent": Text("代理", "agent"),
    "donation": Text("捐赠", "donation"),
}

MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)


def day_text(day: date | str, lang: Language) -> str:
    """A day as people write it: 2026年11月22日, 22 November 2026; text is YYYY-MM-DD."""
    on = date.fromisoformat(day) if isinstance(day, str) else day
    if lang == "zh":
        return f"{on.year}年{on.month}月{on.day}日"
    return f"{on.day} {MONTHS[on.month - 1]} {on.year}"
