"""A page of text: sections, sentences and tables at 80 columns, Chinese counted as two; colours only in a terminal."""

import shutil
from collections.abc import Iterable, Sequence
from io import StringIO
from typing import TextIO

from rich.box import Box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from api.printable import printable, say
from api.reports.words import pick
from optimizer.findings import Finding
from optimizer.wording import Language

WIDTH = 80
WIDTH_MAX = 100
"""Wider lines are harder to read, however wide the window."""
_HEAD_RULE = Box("    \n    \n -- \n    \n    \n    \n    \n    \n")
BAR_CELLS = 20
NOTES_SHOWN = 12
"""Kinds of warnings, half a screen; the document has all."""
_MARK = "\ue000"
"""A character of no meaning, which no table has otherwise: where a row across stands."""


class Page:
    """Text that is laid out as it is added, and written at once."""

    def __init__(self, stream: TextIO) -> None:
        live = stream.isatty()
        columns = shutil.get_terminal_size((WIDTH, 24)).columns if live else WIDTH
        self._stream = stream
        self._buffer = StringIO()
        self._console = Console(
            file=self._buffer,
            width=max(WIDTH, min(columns, WIDTH_MAX)) if live else WIDTH,
            force_terminal=live,
            no_color=None if live else True,
            color_system="standard" if live else None,
            markup=False,
            highlight=False,
            emoji=False,
            legacy_windows=False,
        )

    def title(self, text: str, style: str = "bold") -> None:
        """The first line, or one as important."""
        self._console.print(Text(printable(text), style=style))

    def section(self, text: str) -> None:
        """A heading with room above."""
        self._console.print()
        self._console.print(Text(printable(text), style="bold cyan"))

    def line(self, text: str, style: str = "") -> None:
        """A sentence, wrapped."""
        self._console.print(Text(printable(text), style=style, overflow="fold"))

    def item(self, text: str) -> None:
        """A sentence with a dash, wrapped under its own start."""
        grid = Table.grid(padding=(0, 1))
        grid.add_column(width=1)
        grid.add_column(overflow="fold", ratio=1)
        grid.add_row("-", Text(printable(text), overflow="fold"))
        self._console.print(grid)

    def table(self, heads: str, rows: Iterable[Sequence[str] | str], wide: int = 0) -> None:
        """A table. Heads are parted by "|", those of numbers begin with ">"; column `wide` takes what room is left.

        A row that is one text stands across the table.
        """
        table = Table(box=_HEAD_RULE, show_edge=False, pad_edge=False, padding=0, header_style="", expand=False)
        for k, head in enumerate(heads.split("|")):
            number = head.startswith(">")
            table.add_column(
                Text(head.removeprefix(">")),
                justify="right" if number else "left",
                no_wrap=k != wide,
                overflow="fold",
            )
        across: dict[str, str] = {}
        for row in rows:
            if isinstance(row, str):
                mark = f"{_MARK}{len(across)}{_MARK}"
                across[mark] = printable(row)
                table.add_row(mark)
            else:
                table.add_row(*(Text(printable(cell)) for cell in row))
        with self._console.capture() as captured:
            self._console.print(table)
        for line in captured.get().splitlines():
            if line.strip() in across:
                self.line(across[line.strip()], "bold")
            else:
                self._buffer.write(line + "\n")

    def write(self) -> None:
        """Everything to the stream, without trailing blanks."""
        say("\n".join(line.rstrip() for line in self._buffer.getvalue().splitlines()), self._stream)


def say_notes(page: Page, notes: Sequence[tuple[str, int]], lang: Language) -> None:
    """Under one heading what is to be noted, each kind once with how many there are of it."""
    if not notes:
        return
    page.section(pick(lang, "请注意", "Please note"))
    for text, n in notes[:NOTES_SHOWN]:
        page.item(text if n == 1 else text + pick(lang, f" (等 {n} 处)", f" (and {n - 1} more)"))
    rest = len(notes) - NOTES_SHOWN
    if rest > 0:
        page.item(pick(lang, f"另有 {rest} 条, 见 JSON", f"{rest} more: see the JSON"))


def say_findings(page: Page, findings: Sequence[Finding], lang: Language) -> None:
    """Warnings, those of one kind together at the place of the first."""
    kinds: dict[tuple[str, str], list[Finding]] = {}
    for one in findings:
        kinds.setdefault((one.code, one.message.say(lang)), []).append(one)
    say_notes(page, [(alike[0].say(lang), len(alike)) for alike in kinds.values()], lang)


def bar(share: float) -> str:
    """A share of 1 as a bar."""
    full = max(0, min(BAR_CELLS, round(share * BAR_CELLS)))
    return "█" * full + "░" * (BAR_CELLS - full)
