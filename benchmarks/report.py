"""docs/performance.md and its Chinese page: the tables and pictures in them, from the results of a run.

The pages are written by hand but for their blocks: `<!-- measured: name -->` up to `<!-- /measured -->` is replaced.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from api.reports.pictures import picture
from benchmarks.figures import Figure, read_figures, read_machine
from benchmarks.pictures import PICTURES
from benchmarks.rows import ROWS
from benchmarks.wording import KINDS, MET, NOTES, YARDSTICKS, number, size_text
from optimizer.wording import Language, Text

PAGES: Mapping[Language, str] = {"en": "performance.md", "zh": "performance.zh.md"}
BLOCK = re.compile(r"(<!-- measured: ([a-z]+) -->\n).*?(<!-- /measured -->)", re.DOTALL)


def write_report(results: Path, docs: Path) -> None:
    """Brings both pages and the pictures up to the results. Raises FileNotFoundError where one is missing."""
    figures, machine = read_figures(results), read_machine(results)
    for lang, name in PAGES.items():
        page = docs / name
        page.write_text(filled(page.read_text(encoding="utf-8"), figures, machine, lang), encoding="utf-8")
        for title, draw in PICTURES.items():
            spec = draw(figures, lang)
            (docs / f"performance-{title}.{lang}.svg").write_bytes(picture(spec, ".svg"))


def filled(page: str, figures: Sequence[Figure], machine: Mapping[str, str], lang: Language) -> str:
    """A page with its blocks written anew. Raises KeyError for a block that nobody writes."""
    blocks: Mapping[str, Callable[[], str]] = {
        "marks": lambda: _table([one for one in figures if one.mark is not None], lang),
        "others": lambda: _table([one for one in figures if one.mark is None and one.row not in SHOWN_ALONE], lang),
        "peers": lambda: _table([one for one in figures if one.row == "peers"], lang),
        "calendar": lambda: _table([one for one in figures if one.row == "calendar-growth"], lang),
        "machine": lambda: _machine(machine),
    }
    return BLOCK.sub(lambda found: f"{found[1]}\n{blocks[found[2]]()}\n\n{found[3]}", page)


SHOWN_ALONE = ("peers", "calendar-growth")


def _table(figures: Iterable[Figure], lang: Language) -> str:
    head = Text(
        "| 项目 | 规模 | 对照 | 量 | 中位数 | 区间 | 轮数 | 目标 | 结果 |",
        "| row | size | beside | what | of medians | spread | turns | mark | result |",
    )
    lines = [head.say(lang), "|---|---|---|---|--:|---|--:|--:|---|"]
    return "\n".join([*lines, *(_line(one, lang) for one in figures)])


def _line(one: Figure, lang: Language) -> str:
    met = "" if one.met is None else MET[one.met].say(lang)
    result = NOTES[one.note].say(lang) if one.note else met
    value = "-" if one.note else f"{'< ' * one.cut}{number(one.value)}"
    spread = "-" if one.note or one.cut or one.low == one.high else f"{number(one.low)} .. {number(one.high)}"
    mark = "" if one.mark is None else f"{'≥' if one.more_is_better else '≤'} {one.mark:g}"
    words = ROWS[one.row].work.say(lang), size_text(one.size, lang), YARDSTICKS[one.yardstick].say(lang)
    return (
        f"| {' | '.join(words)} | {KINDS[one.kind].say(lang)} | {value} | {spread} | {one.turns} | {mark} | {result} |"
    )


def _machine(machine: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {what}" for name, what in machine.items())
