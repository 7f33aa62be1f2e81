"""Serial numbers as registries write them, read as ranges of whole numbers: what can be compared.

    a register       whose numbers are unique within it: told by instrument and mechanism, or by the number's own form
    a prefix         what stands before the number, however its parts are set off
    first .. last    the numbers, both included

    VCS     19385-941467007-941467431-VCS-VCU-1507-...   a block, first and last; numbers run through the registry
    GS      GS1-1-UG-GS11236-16-2024-30307-1-19149       an issuance, first and last
    CDM     RW-5-1463953-2-2-0-7014 - RW-5-1467609-...   country and kind, the number, then periods and project
    others  anything that ends in a number: one serial, or the first and the last of a range

Spaces, dashes, brackets, full-width forms, capitals and leading zeros make no difference.
Nothing is looked up here.
"""

import re
import unicodedata
from dataclasses import dataclass, replace

from optimizer.errors import BadInput
from optimizer.findings import Finding, fault

SERIAL_LENGTH_MAX = 200
UNITS_MAX = 1_000_000_000
"""Of one range, as of every mass in tonnes: more is a misprint."""
DIGITS_MAX = 18
"""Of the number that counts: what 64 bits hold. Digits before them belong to the prefix."""
UNNUMBERED = -1
"""The place of a certificate whose name ends in no number."""

_SEPARATORS = re.compile(r"[\s\-‐‑‒–—―−_/\\.:()\[\]<>〔〕【】〈〉《》·]+")
_KNOWN = re.compile(r"[A-Z0-9\u3400-\u9fff-]+")
_VCS = re.compile(r"\d+-(\d{1,18})-(\d{1,18})-?(?:VCS-?)?VCU.*")
_GS = re.compile(r"(GS\d+-\d+-?[A-Z]{2}-?GS\d+-\d+-\d{4}-\d+)-(\d{1,18})-(\d{1,18})")
_CDM = re.compile(r"([A-Z]{2}\d+)-(\d{1,18})-(\d+-\d+-\d+-\d+)(?:\1-(\d{1,18})-\3)?")
_JOINED = re.compile(r"[~至]")
_NATIONAL = ("", "CEA", "全国碳市场", "全国碳排放权交易市场")
_MECHANISMS = {
    **dict.fromkeys(("VCS", "VERRA", "VCU", "VCSVERRA"), "vcs"),
    **dict.fromkeys(("GS", "GOLDSTANDARD", "GSVER", "黄金标准"), "gs"),
    **dict.fromkeys(("CDM", "CER", "清洁发展机制"), "cdm"),
    **dict.fromkeys(("CCER", "核证自愿减排量", "温室气体自愿减排"), "ccer"),
}


@dataclass(frozen=True)
class SerialRange:
    """Serials of one register that follow one another, both ends included."""

    register: str
    prefix: str
    first: int
    last: int
    first_shown: str
    last_shown: str

    @property
    def units(self) -> int:
        """How many serials it holds."""
        return self.last - self.first + 1

    def overlaps(self, other: "SerialRange") -> bool:
        """Whether some serial is in both."""
        same = (self.register, self.prefix) == (other.register, other.prefix)
        return same and self.first <= other.last and other.first <= self.last


def register_of(instrument: str, mechanism: str, registry: str) -> str:
    """The register in which serials are unique, whatever language its name is written in."""
    name = canonical_name(mechanism)
    if instrument in ("ccer", "forestry"):
        return instrument
    if instrument == "allowance":
        return "cea" if name in _NATIONAL else f"allowance {name}"
    if instrument == "carbon_inclusion" and "三晋" in name:
        return "sanjin"
    if instrument == "credit" and name in _MECHANISMS:
        return _MECHANISMS[name]
    return f"{instrument} {name or canonical_name(registry)}"


def canonical_name(text: str) -> str:
    """A name without what makes no difference: full-width forms, capitals, spaces, dashes."""
    return _set_off(unicodedata.normalize("NFKC", text).upper())


def read_serials(register: str, first: str, last: str | None, *, numbered: bool) -> SerialRange:
    """One serial, or those from the first to the last.

    Args:
        register: as `register_of` gives it; a form that names its own register outranks it.
        first: the first serial, a whole range in a form known to be one, or "first~last".
        last: the last one; its number alone will do; None where `first` says it all.
        numbered: every serial ends in a number; else a certificate without one is a range of one.

    Raises:
        BadInput: every fault of the texts.
    """
    if last is None and len(parts := _JOINED.split(unicodedata.normalize("NFKC", first))) == 2:
        first, last = parts
    found = [f for text in (first, last) if text is not None for f in _text_faults(text)]
    if found:
        raise BadInput(found)
    own = _own_form(canonical_name(first), first)
    if own is not None:
        return _measured(own if last is None else _joined(own, last))
    prefix, number = _tail(canonical_name(first))
    last_shown = first if last is None else last
    last_prefix, last_number = (prefix, number) if last is None else _last_tail(first, last)
    if UNNUMBERED in (number, last_number) and (numbered or last is not None):
        zh, en = "编号应以数字结尾", "a serial should end in a number"
        raise BadInput([fault("serial_number", zh, en, value=first if number == UNNUMBERED else last)])
    if last_prefix != prefix:
        zh, en = "首尾编号的前缀不同, 不是同一段", "its first and last serials differ before the number: no one range"
        raise BadInput([fault("serial_range", zh, en, value=f"{first} ~ {last}")])
    return _measured(SerialRange(register, prefix, number, last_number, first.strip(), last_shown.strip()))


def _measured(found: SerialRange) -> SerialRange:
    if found.first > found.last:
        zh, en = "末号小于首号", "the last serial is below the first"
        raise BadInput([fault("serial_range", zh, en, value=f"{found.first_shown} ~ {found.last_shown}")])
    if found.units > UNITS_MAX:
        zh, en = f"一段超过 {UNITS_MAX} 个, 应是笔误", f"holds more than {UNITS_MAX} serials: a misprint"
        raise BadInput([fault("serial_range", zh, en, value=f"{found.first_shown} ~ {found.last_shown}")])
    return found


def _text_faults(text: str) -> list[Finding]:
    name = canonical_name(text)
    if len(text) > SERIAL_LENGTH_MAX or not name:
        zh, en = f"应为 1 至 {SERIAL_LENGTH_MAX} 个字符", f"should be 1 to {SERIAL_LENGTH_MAX} characters"
        return [fault("serial_length", zh, en, value=text)]
    if not _KNOWN.fullmatch(name):
        zh = "只应有拉丁字母, 数字, 汉字和分隔符"
        en = "should have only Latin letters, digits, Chinese characters and separators"
        return [fault("serial_characters", zh, en, value=text)]
    return []


def _own_form(name: str, shown: str) -> SerialRange | None:
    """A range in a form that tells its own register; None for any other serial."""
    shown = shown.strip()
    if found := _VCS.fullmatch(name):
        # Not the block nor what follows: those change when a block is split or labelled; the numbers never do.
        return SerialRange("vcs", "VCU", int(found[1]), int(found[2]), shown, shown)
    if found := _GS.fullmatch(name):
        return SerialRange("gs", found[1], int(found[2]), int(found[3]), shown, shown)
    if found := _CDM.fullmatch(name):
        last = int(found[4] or found[2])
        return SerialRange("cdm", f"{found[1]}+{found[3]}", int(found[2]), last, shown, shown)
    return None


def _joined(first: SerialRange, last: str) -> SerialRange:
    """From a single serial to another of the same form and prefix."""
    end = _own_form(canonical_name(last), last)
    if end is None or {first.units, end.units} != {1} or end.prefix != first.prefix:
        zh, en = (
            "首尾应各为同一前缀的一个编号; 本身已是一段的编号应单独给出",
            "should be two single serials of one prefix",
        )
        raise BadInput([fault("serial_range", zh, en, value=f"{first.first_shown} ~ {last}")])
    return replace(first, last=end.last, last_shown=end.last_shown)


def _set_off(text: str) -> str:
    """Separators as one dash, and only between digits: between letters and digits none is needed to tell them apart."""
    return re.sub(r"(?<!\d)-|-(?!\d)", "", _SEPARATORS.sub("-", text))


def _tail(name: str) -> tuple[str, int]:
    """What stands before the number, and the number; digits beyond DIGITS_MAX go to the prefix behind a plus."""
    found = re.search(r"\d+$", name)
    if found is None:
        return name, UNNUMBERED
    digits = found[0].lstrip("0") or "0"
    prefix, high = name[: found.start()].rstrip("-"), digits[:-DIGITS_MAX]
    return (f"{prefix}+{high}" if high else prefix), int(digits[-DIGITS_MAX:])


def _last_tail(first: str, last: str) -> tuple[str, int]:
    """The last serial of a range; the number alone, with as many digits as the first's, takes the first's prefix."""
    name, first_name = canonical_name(last), canonical_name(first)
    digits = re.search(r"\d+$", first_name)
    if name.isdigit() and digits is not None and len(name) == len(digits[0]):
        return _tail(first_name[: digits.start()] + name)
    return _tail(name)
