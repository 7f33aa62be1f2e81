"""How pages are written: templates with both languages side by side, numbers and days as people write them.

In a template `say("方案", "Plans")` gives the words of the page's language; whatever a user typed is escaped.
"""

import functools
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from optimizer.wording import Language, Text, day_text

FOLDER = Path(__file__).parent
CHINA = ZoneInfo("Asia/Shanghai")
NONE_SHOWN = "–"
"""Where there is no value."""

type Value = str | int | Decimal | None


@functools.cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["query"] = query
    made.globals["money"] = money
    made.globals["tonnes"] = tonnes
    made.globals["number"] = number
    made.globals["percent"] = percent
    return made


def template_text(name: str, lang: Language, values: Mapping[str, Any]) -> str:
    """A template filled in: `say`, `day`, `moment` speak the language."""
    spoken: dict[str, Callable[..., Any]] = {
        "say": lambda zh, en: zh if lang == "zh" else en,
        "words": lambda text: text.say(lang) if isinstance(text, Text) else text,
        "day": lambda value: day(value, lang),
        "moment": lambda value: moment(value, lang),
        "yuan": lambda value: with_unit(money(value), "元" if lang == "zh" else "yuan"),
        "tonnes_of": lambda value: with_unit(tonnes(value), "吨" if lang == "zh" else "t"),
    }
    return _environment().get_template(name).render({"lang": lang, **spoken, **values})


def number(value: Value, places: int | None = None) -> str:
    """A number with thousands separators; `places` decimals, or as many as it has."""
    if value is None or value == "":
        return NONE_SHOWN
    try:
        exact = Decimal(str(value))
    except InvalidOperation:
        return str(value)
    return f"{exact:,.{places}f}" if places is not None else f"{exact:,f}"


def money(value: Value) -> str:
    """Yuan with two decimals."""
    return number(value, 2)


def tonnes(value: Value) -> str:
    """Tonnes with as many decimals as they need."""
    shown = number(value)
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def percent(value: Value, places: int = 1) -> str:
    """A share of 1 as per cent."""
    if value is None or value == "":
        return NONE_SHOWN
    return f"{Decimal(str(value)) * 100:,.{places}f} %"


def with_unit(shown: str, unit: str) -> Markup:
    """A number that does not part from its unit at the end of a line."""
    return Markup('<span class="nowrap">{}\u202f<span class="unit">{}</span></span>').format(shown, unit)


def day(value: str | date | None, lang: Language) -> Markup:
    """A day as people write it: 2026年10月11日, 11 October 2026."""
    if value is None or value == "":
        return Markup(NONE_SHOWN)
    known = value if isinstance(value, date) else date.fromisoformat(value[:10])
    shown = day_text(known, lang)
    return Markup('<time class="nowrap" datetime="{}">{}</time>').format(known.isoformat(), shown)


def moment(value: str | None, lang: Language) -> Markup:
    """A moment in China, to the minute; in a narrow column its time stands under its day."""
    if value is None or value == "":
        return Markup(NONE_SHOWN)
    known = datetime.fromisoformat(value.replace("Z", "+00:00"))
    local = (known if known.tzinfo else known.replace(tzinfo=UTC)).astimezone(CHINA)
    shown = day_text(local.date(), lang)
    return Markup('<time datetime="{}"><span class="nowrap">{}</span> {:%H:%M}</time>').format(value, shown, local)


def query(base: str, known: Mapping[str, Any], **changes: Any) -> str:
    """An address with the query it has and some changes to it; None takes a key away."""
    merged = {k: v for k, v in {**known, **changes}.items() if v not in (None, "")}
    return f"{base}?{urlencode(merged, doseq=True)}" if merged else base
