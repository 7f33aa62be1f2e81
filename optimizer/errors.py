"""The errors of the engine, drawn:

    JinhengError
    ├── BadInput        the caller's data or arguments: every fault at once, exit code 2
    └── EngineFault     ours: exit code 1
        ├── BrokenPlan      a plan that fails its own exact check; never shown as an answer
        ├── SolverFailure   the solver gave no usable answer
        └── Cancelled       the caller asked to stop

Not covering everything is an answer (`Plan.status == "short"`), not an error.
"""

from collections.abc import Sequence

from optimizer.findings import Finding
from optimizer.wording import Language


class JinhengError(Exception):
    """Anything that stops the work and is not an answer."""


class BadInput(JinhengError):
    """The input cannot be used; `findings` names every fault in it."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(f.say("en") for f in self.findings))

    def say(self, lang: Language) -> str:
        """All faults, one a line, in the caller's language."""
        return "\n".join(f.say(lang) for f in self.findings)


class EngineFault(JinhengError):
    """The engine failed; the input may be right."""


class BrokenPlan(EngineFault):
    """A plan failed its own exact check."""


class SolverFailure(EngineFault):
    """The solver gave no usable answer."""


class Cancelled(EngineFault):
    """The caller asked to stop."""
