"""The examples that ship: which event goes with which market on which day; `jinheng demo` plans, lists, copies them.

The events and markets are invented and say so; the day is fixed, so that everyone sees the same plan.
"""

from dataclasses import dataclass
from datetime import date
from importlib import resources
from pathlib import Path
from shlex import quote

from optimizer.errors import BadInput
from optimizer.findings import fault
from optimizer.wording import Language, Text, counted


@dataclass(frozen=True)
class Example:
    """One event (or calendar) with the market and the day that suit it."""

    name: str
    market: str
    as_of: date
    about: Text

    @property
    def event(self) -> Path:
        """The event file."""
        return folder() / f"{self.name}.yaml"

    @property
    def offers(self) -> Path:
        """The offers file."""
        return folder() / self.market

    def command(self, event: Path, offers: Path) -> str:
        """How to plan it by hand."""
        return f"jinheng plan {quote(str(event))} --offers {quote(str(offers))} --as-of {self.as_of}"

    def next_step(self, lang: Language) -> str:
        """What to type next; the paths exist."""
        command = self.command(shown(self.event), shown(self.offers))
        return f"接下来: {command} -o plan.xlsx" if lang == "zh" else f"Next: {command} -o plan.xlsx"


DAY = date(2026, 11, 22)
"""The examples' day: after the events that are over, before the offers expire."""
EXAMPLES: tuple[Example, ...] = (
    Example(
        "taiyuan-marathon-2026",
        "market.csv",
        DAY,
        Text("马拉松赛: 两个财政年度的预算与份额限制", "a marathon: two fiscal years' money, and limits"),
    ),
    Example(
        "un-talks-2010",
        "market.csv",
        DAY,
        Text("12,000 吨, 以山西新造林中和", "12,000 t made neutral by new forest in Shanxi"),
    ),
    Example(
        "league-final",
        "market.csv",
        DAY,
        Text("1,163.59 吨, 全部用碳普惠减排量", "1,163.59 t, covered by carbon inclusion alone"),
    ),
    Example(
        "energy-expo-2026",
        "market-2026.csv",
        DAY,
        Text("预算不足: 缺口、原因与补救", "too little money: what is missing, why, and what would help"),
    ),
    Example(
        "shanxi-calendar-2026",
        "market-2026.csv",
        DAY,
        Text("十二个活动共用一个市场", "twelve events that share one market"),
    ),
    Example(
        "official-meetings-2026",
        "market-2026.csv",
        DAY,
        Text("四十个公务会议共用一笔预算", "forty official meetings on one budget"),
    ),
)
"""The first is the one that `jinheng demo` plans."""


def folder() -> Path:
    """Where the examples are."""
    return Path(str(resources.files("api"))) / "examples"


def shown(path: Path) -> Path:
    """A path as short as it can be said from the working folder."""
    try:
        return path.relative_to(Path.cwd())
    except ValueError:
        return path


def example(name: str | None) -> Example:
    """An example by name; the first one by default. Raises BadInput."""
    found = next((e for e in EXAMPLES if name in (None, e.name)), None)
    if found is None:
        known = ", ".join(e.name for e in EXAMPLES)
        zh, en = f"没有这个例子; 应为 {known} 之一", f"no such example; should be one of {known}"
        raise BadInput([fault("example", zh, en, path="demo", value=name)])
    return found


def list_examples(lang: Language) -> str:
    """Every example with what it shows and how to plan it."""
    lines = []
    for one in EXAMPLES:
        lines += [f"{one.name}", f"  {one.about.say(lang)}", f"  {one.command(shown(one.event), shown(one.offers))}"]
    return "\n".join(lines)


def copy_examples(target: Path, lang: Language) -> str:
    """Copies every example into a folder and says what to type. Raises BadInput rather than overwrite anything."""
    files = sorted({p for e in EXAMPLES for p in (e.event, e.offers)})
    taken = [p.name for p in files if (target / p.name).exists()]
    if taken:
        zh, en = (
            f"已有同名文件, 不覆盖: {', '.join(taken)}",
            f"files of that name are there already: {', '.join(taken)}",
        )
        raise BadInput([fault("copy_taken", zh, en, path="--copy", value=target)])
    try:
        target.mkdir(parents=True, exist_ok=True)
        for path in files:
            (target / path.name).write_bytes(path.read_bytes())
    except OSError as error:
        zh, en = "无法写入; 请检查路径和权限", "cannot be written; check the path and the permissions"
        raise BadInput([fault("copy_failed", zh, en, path="--copy", value=target)]) from error
    zh, en = f"已复制 {len(files)} 个文件到 {target}:", f"Copied {counted(len(files), 'file', 'files')} to {target}:"
    head = zh if lang == "zh" else en
    commands = [f"  {e.command(target / e.event.name, target / e.offers.name)}" for e in EXAMPLES]
    return "\n".join([head, *commands])
