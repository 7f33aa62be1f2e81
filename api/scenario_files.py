"""Scenario files and names become scenarios, with the rule packs that they name. Raises BadInput with all faults.

scenarios: [{name, title?, objective? epsilon? budget? prices? availability? offers? limits? policy? settings?
             emissions? dates? outlook? method?}]
library: [names of ready scenarios]
grid: {axis: {option: {changes}}}          every combination of one option an axis
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from api.documents import Gathered
from api.event_files import read_policy
from api.plain_data import PlainData, read_plain
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault, faults_of
from optimizer.rule_pack import RulePack, read_rule_pack
from scenarios.library import READY, ready
from scenarios.scenario import Scenario
from scenarios.scenario_set import ScenarioSet

ENDINGS = (".yaml", ".yml", ".json")


@dataclass(frozen=True)
class NamedScenarios:
    """Scenarios to be planned, in order, and the rule packs that they name beside the base's."""

    scenarios: tuple[Scenario, ...]
    packs: dict[str, RulePack]


def read_scenarios(reference: str) -> NamedScenarios:
    """What `--scenarios` names: a file, names of ready scenarios parted by commas, or `all` of the ready ones.

    Raises BadInput with every fault.
    """
    path = Path(reference)
    if path.suffix.casefold() in ENDINGS or _is_file(path):
        return _of_file(path)
    names = list(READY) if reference.strip() == "all" else [n.strip() for n in reference.split(",") if n.strip()]
    if not names:
        zh, en = "应给出情景文件或现成情景的名称", "should be a scenario file or names of ready scenarios"
        raise BadInput([fault("scenarios_empty", zh, en, path="--scenarios", value=reference)])
    gathered = Gathered()
    found = [gathered.attempt(lambda name=name: ready(name)) for name in dict.fromkeys(names)]  # type: ignore[misc]
    gathered.stop_if_faulty()
    scenarios = tuple(s for s in found if s is not None)
    return NamedScenarios(scenarios, _packs(scenarios, read_rule_pack))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _of_file(path: Path) -> NamedScenarios:
    return scenarios_of(read_plain(path), lambda name: read_policy(name, path.parent))


def scenarios_of(data: PlainData, pack_of: Callable[[str], RulePack]) -> NamedScenarios:
    """What a scenario file says, its rule packs by `pack_of`. Raises BadInput with every fault."""
    if not isinstance(data.value, dict):
        zh, en = (
            "应为键值表: scenarios, library 或 grid",
            "should be a mapping with scenarios, library or grid",
        )
        raise BadInput([fault("scenario_file", zh, en).at(data.file)])
    found = _policy_faults(data, pack_of)
    try:
        read = ScenarioSet.model_validate(data.value)
    except ValidationError as error:
        raise BadInput(data.place([*faults_of(error, ScenarioSet), *found])) from error
    if found:
        raise BadInput(data.place(found))
    scenarios = read.expanded()
    return NamedScenarios(scenarios, _packs(scenarios, pack_of))


def _policy_faults(data: PlainData, pack_of: Callable[[str], RulePack]) -> list[Finding]:
    """What is wrong with rule packs that the file names, told beside its other faults."""
    found: list[Finding] = []
    for path, name in _policies(data.value):
        try:
            pack_of(name)
        except BadInput as error:
            own = (f if f.file else replace(f, path=path) for f in error.findings)
            found += own
    return found


def _policies(value: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Paths and names of the rule packs in a file that need not be sound otherwise."""
    listed = value.get("scenarios")
    for k, one in enumerate(listed if isinstance(listed, list) else ()):
        yield from _policy_of(f"scenarios[{k}]", one)
    grid = value.get("grid")
    for axis, options in grid.items() if isinstance(grid, dict) else ():
        for option, one in options.items() if isinstance(options, dict) else ():
            yield from _policy_of(f"grid.{axis}.{option}", one)


def _policy_of(path: str, changes: Any) -> Iterator[tuple[str, str]]:
    if isinstance(changes, dict) and isinstance(changes.get("policy"), str):
        yield f"{path}.policy", changes["policy"]


def _packs(scenarios: tuple[Scenario, ...], pack_of: Callable[[str], RulePack]) -> dict[str, RulePack]:
    """Every rule pack that the scenarios name."""
    names = dict.fromkeys(s.policy for s in scenarios if s.policy is not None)
    return {name: pack_of(name) for name in names}
