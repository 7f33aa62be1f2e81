"""Faults of a form in the words that stand at its fields: no person reads `serials[3].tonnes`."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import override

from optimizer.findings import Finding
from optimizer.wording import Language, Text

_ITEM = re.compile(r"\[(\d+)\]")


@dataclass(frozen=True)
class FieldFault(Finding):
    """A fault whose place is a field by the name that people see."""

    label: Text | None = None

    @override
    def place(self, lang: Language) -> str:
        """The field's label, and the line of it where it takes several."""
        line = "" if self.row is None else (f"第 {self.row} 行" if lang == "zh" else f"line {self.row}")
        return " ".join(part for part in (self.label.say(lang) if self.label else "", line) if part)


def at_fields(findings: Iterable[Finding], labels: Mapping[str, Text], lines: str = "") -> list[FieldFault]:
    """Faults placed at the fields of a form.

    Args:
        findings: as data says them: `serials[3].tonnes`.
        labels: field -> its label; what belongs to no field is said without a place.
        lines: the field that holds a list, one item a line.
    """
    found = []
    for one in findings:
        item, last = _ITEM.search(one.path), one.path.rpartition(".")[2]
        name = next((n for n in (last, _ITEM.sub("", last), lines) if n in labels), "")
        row = int(item[1]) + 1 if item and lines and lines in labels else None
        name = lines if row is not None else name
        found.append(FieldFault(one.code, one.message, one.severity, "", name, row, "", one.value, labels.get(name)))
    return found
