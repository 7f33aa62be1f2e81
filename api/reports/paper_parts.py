"""What a paper is made of: a title, headings, paragraphs, tables and facts as data. Nothing is laid out here.

Whoever writes a file of it reads `printed(paper)`: headings numbered as official papers number them, and every text on
one line without characters that could steer a reader's program.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from api.printable import printable
from api.reports.words import pick
from optimizer.wording import Language

TITLE_CHARACTERS_MAX = 60
"""A title of three lines; the whole name stands in the text."""
DIGITS = "〇一二三四五六七八九"


@dataclass(frozen=True)
class Heading:
    """The head of a section; level 1 or 2."""

    level: int
    text: str


@dataclass(frozen=True)
class Paragraph:
    """Running text."""

    text: str


@dataclass(frozen=True)
class Notice:
    """What nobody may overlook: expired, a draft, not reproducible."""

    text: str


@dataclass(frozen=True)
class Column:
    """A column of a table: its head, its part of the width, and whether it holds numbers."""

    head: str
    width: int
    numeric: bool = False


@dataclass(frozen=True)
class Grid:
    """A table under its caption; a row of one cell is a head across the table, the last row may be a total."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    total: bool = False


@dataclass(frozen=True)
class Facts:
    """Names and values: ids, hashes, versions."""

    rows: tuple[tuple[str, str], ...]


type Part = Heading | Paragraph | Notice | Grid | Facts


@dataclass(frozen=True)
class Paper:
    """A paper, whole."""

    lang: Language
    title: tuple[str, ...]
    subtitle: tuple[str, ...]
    addressee: str
    """To whom it goes; blank where it goes to everybody."""
    parts: tuple[Part, ...]
    issuer: str
    """Who signs it; blank where nobody is named."""
    day: date
    """Of the signature; the paper's own date for programs too."""
    keywords: tuple[str, ...]


def printed(paper: Paper) -> Paper:
    """The paper as its writers read it: headings numbered, all text printable."""
    counts = [0, 0]
    parts: list[Part] = []
    for part in paper.parts:
        if isinstance(part, Heading):
            counts = [counts[0] + 1, 0] if part.level == 1 else [counts[0], counts[1] + 1]
            parts.append(Heading(part.level, number_of(counts, part.level, paper.lang) + printable(part.text)))
        else:
            parts.append(_printable_part(part))
    return replace(
        paper,
        title=tuple(printable(t) for t in paper.title),
        subtitle=tuple(printable(t) for t in paper.subtitle),
        addressee=printable(paper.addressee),
        parts=tuple(parts),
        issuer=printable(paper.issuer),
        keywords=tuple(printable(t) for t in paper.keywords),
    )


def _printable_part(part: Paragraph | Notice | Grid | Facts) -> Part:
    if isinstance(part, Grid):
        columns = tuple(replace(c, head=printable(c.head)) for c in part.columns)
        rows = tuple(tuple(printable(cell) for cell in row) for row in part.rows)
        return Grid(printable(part.caption), columns, rows, part.total)
    if isinstance(part, Facts):
        return Facts(tuple((printable(name), printable(value)) for name, value in part.rows))
    return replace(part, text=printable(part.text))


def number_of(counts: Sequence[int], level: int, lang: Language) -> str:
    """一、 and （一） in Chinese, 1 and 1.1 in English."""
    if lang == "en":
        return f"{counts[0]}. " if level == 1 else f"{counts[0]}.{counts[1]} "
    return f"{chinese_number(counts[0])}、" if level == 1 else f"（{chinese_number(counts[1])}）"


def chinese_number(n: int) -> str:
    """1 to 99 as headings count: 一, 十, 十二, 二十一."""
    tens, ones = divmod(n, 10)
    head = "" if tens == 0 else ("十" if tens == 1 else DIGITS[tens] + "十")
    return head + (DIGITS[ones] if ones or not tens else "")


# --------------------------------------------------------------------------------------------------- words of papers


def short_title(name: str) -> str:
    """A name that fits into a title; what is left out shows as an ellipsis."""
    text = printable(name)
    return text if len(text) <= TITLE_CHARACTERS_MAX else text[: TITLE_CHARACTERS_MAX - 1] + "…"


def listed(names: Sequence[str], most: int, lang: Language) -> str:
    """Names one after the other; how many more there are, beyond the first few."""
    shown = pick(lang, "、", ", ").join(names[:most])
    more = len(names) - most
    if more <= 0:
        return shown
    return pick(lang, f"{shown}等{len(names)}项", f"{shown} and {more} more")


def columns(lang: Language, zh: str, en: str, widths: Sequence[int]) -> tuple[Column, ...]:
    """The columns of a table from heads parted by "|"; a head that begins with ">" is over numbers."""
    heads = pick(lang, zh, en).split("|")
    return tuple(Column(h.removeprefix(">"), w, h.startswith(">")) for h, w in zip(heads, widths, strict=True))


DIGITS_OF_MONEY = "零壹贰叁肆伍陆柒捌玖"
PLACES = ("", "拾", "佰", "仟")
GROUPS = ("", "万", "亿", "兆")


def money_in_words(fen: int) -> str:
    """A sum as contracts write it: 人民币肆拾肆万叁仟玖佰捌拾叁元陆角整. Below ten quadrillion yuan, never negative."""
    yuan, rest = divmod(fen, 100)
    jiao, cents = divmod(rest, 10)
    text = _whole_in_words(yuan) + "元" if yuan or not rest else ""
    if jiao:
        text += DIGITS_OF_MONEY[jiao] + "角"
    elif yuan and cents:
        text += "零"
    text += DIGITS_OF_MONEY[cents] + "分" if cents else "整"
    return "人民币" + text


def _whole_in_words(number: int) -> str:
    if number == 0:
        return "零"
    groups: list[int] = []
    while number:
        number, group = divmod(number, 10_000)
        groups.append(group)
    text = ""
    for k in reversed(range(len(groups))):
        group = groups[k]
        if group == 0:
            continue
        gap = k + 1 < len(groups) and (group < 1000 or groups[k + 1] == 0)
        text += ("零" if gap and text else "") + _group_in_words(group) + GROUPS[k]
    return text


def _group_in_words(group: int) -> str:
    """1 to 9999."""
    text, zero = "", False
    for place in reversed(range(4)):
        digit = group // 10**place % 10
        if digit == 0:
            zero = bool(text)
            continue
        text += ("零" if zero else "") + DIGITS_OF_MONEY[digit] + PLACES[place]
        zero = False
    return text
