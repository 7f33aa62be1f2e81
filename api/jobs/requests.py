"""What a job is asked to do, as it is kept: the kind, the problem, the options of that kind, the papers.

Everything is plain values. What the options mean is the business of the desks that the kinds name (`jobs/answers`).
"""

from dataclasses import dataclass, field
from typing import Any

from api.plain_data import plain_json
from api.planning import PlanTask, plain_value, task_of_inputs
from optimizer.plan import canonical
from optimizer.wording import Language

FOREVER = 1e9
"""Seconds that a job's plan may take: nobody waits for it at the other end of a connection."""

PAPERS: dict[str, tuple[str, ...]] = {
    "plan": ("xlsx", "csv", "docx", "pdf", "html"),
    "compare": ("xlsx", "csv", "docx", "pdf", "html", "svg", "png"),
    "frontier": ("xlsx", "csv", "html", "svg", "png"),
    "budget": ("xlsx", "csv", "html", "svg", "png"),
    "risk": ("xlsx", "csv", "html", "svg", "png"),
    "sweep": ("csv",),
    "calendar": ("xlsx", "csv", "html", "svg", "png"),
    "replan": ("xlsx", "csv", "docx", "pdf", "html"),
    "quotes": (),
}
"""Kinds of jobs, and what each can be written as beside JSON."""


@dataclass(frozen=True)
class JobRequest:
    """One job as it was asked for."""

    kind: str
    lang: Language
    title: str
    """What lists show: the events' ids."""
    options: dict[str, Any] = field(default_factory=dict)
    papers: tuple[str, ...] = ()
    task: PlanTask | None = None
    """The problem; None where a plan poses it."""
    inputs: bytes | None = None
    """The problem as it is kept (`planning.inputs_of`)."""

    def content(self) -> bytes:
        """All but the problem, as JSON."""
        return canonical(plain_value({"options": self.options, "papers": list(self.papers)})).encode()


def request_of(kind: str, lang: str, title: str, content: bytes, inputs: bytes | None, url: str) -> JobRequest:
    """The request that was kept; `url` is the database in which its snapshot is."""
    kept = plain_json(content)
    return JobRequest(
        kind,
        "en" if lang == "en" else "zh",
        title,
        kept["options"],
        tuple(kept["papers"]),
        None if inputs is None else task_of_inputs(inputs, url, FOREVER),
        inputs,
    )
