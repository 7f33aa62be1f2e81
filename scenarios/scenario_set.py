"""Many scenarios from one file: those that are listed, ready ones by name, and the product of a grid."""

from itertools import product
from math import prod
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from optimizer.nouns import Noun
from optimizer.plan import Json
from scenarios.changes import Changes
from scenarios.library import READY, ready
from scenarios.scenario import NAME_LENGTH_MAX, Scenario

SCENARIOS_MAX = 2_000
"""Of one file, its grid spelled out: each is planned in a second or so; more than this is a misprint."""
LISTED = ("prices", "availability")
"""Changes that two axes may both make: one after the other."""


def _known(name: str) -> str:
    if name not in READY:
        known = ", ".join(READY)
        zh, en = f"没有这个现成的情景; 有: {known}", f"no such ready scenario; there are {known}"
        raise PydanticCustomError("library_unknown", en, {"zh": zh})
    return name


type ReadyName = Annotated[str, AfterValidator(_known)]
"""The name of a ready scenario: told beside a file's other faults where it is none."""


class ScenarioSet(Noun):
    """A scenario file's content: any of the three."""

    scenarios: tuple[Scenario, ...] = ()
    library: tuple[ReadyName, ...] = ()
    """Names of ready scenarios."""
    grid: dict[str, dict[str, Changes]] = Field(default_factory=dict)
    """Axis -> option -> changes. Every combination of one option an axis becomes a scenario."""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        count = len(self.scenarios) + len(self.library) + (prod(map(len, self.grid.values())) if self.grid else 0)
        if count == 0:
            zh, en = "应有 scenarios, library 或 grid", "should have scenarios, library or grid"
            raise PydanticCustomError("scenarios_empty", en, {"zh": zh})
        if count > SCENARIOS_MAX:
            zh = f"共 {count} 个情景, 过多: 至多 {SCENARIOS_MAX} 个"
            en = f"makes ({count}) scenarios, too many: at most {SCENARIOS_MAX}"
            raise PydanticCustomError("scenarios_many", en, {"zh": zh})
        clashes = self._clashes()
        if clashes:
            zh, en = f"两个轴都改变: {', '.join(clashes)}", f"two axes change the same: {', '.join(clashes)}"
            raise PydanticCustomError("grid_clash", en, {"zh": zh})
        longest = sum(max(map(len, options), default=0) + len(axis) + 3 for axis, options in self.grid.items())
        if longest > NAME_LENGTH_MAX:
            zh, en = "轴与选项的名称过长", "the names of axes and options are too long"
            raise PydanticCustomError("grid_names", en, {"zh": zh})
        names = [s.name for s in self.expanded()]
        doubled = sorted({n for n in names if names.count(n) > 1}) if len(set(names)) < len(names) else []
        if doubled:
            zh, en = f"情景名称重复: {', '.join(doubled)}", f"scenario names should be unique: {', '.join(doubled)}"
            raise PydanticCustomError("scenario_name", en, {"zh": zh})
        return self

    def _clashes(self) -> list[str]:
        """Keys that options of two axes change, where one would overrule the other."""
        axes = [{key for option in options.values() for key in option.dump()} for options in self.grid.values()]
        return sorted({k for i, a in enumerate(axes) for b in axes[:i] for k in a & b if k not in LISTED})

    def expanded(self) -> tuple[Scenario, ...]:
        """Every scenario: the listed, the ready, then the grid's, the last axis changing fastest."""
        return (*self.scenarios, *(ready(name) for name in self.library), *self._of_grid())

    def _of_grid(self) -> list[Scenario]:
        if not self.grid:
            return []
        axes = [
            [(f"{axis} {name}", changes) for name, changes in options.items()] for axis, options in self.grid.items()
        ]
        return [_joined(chosen) for chosen in product(*axes)]


def _joined(chosen: tuple[tuple[str, Changes], ...]) -> Scenario:
    changes: Json = {}
    for _, one in chosen:
        for key, value in one.dump().items():
            changes[key] = [*changes.get(key, []), *value] if key in LISTED else value
    return Scenario.model_validate({**changes, "name": ", ".join(label for label, _ in chosen)})
