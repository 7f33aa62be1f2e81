"""What every question about a problem begins with, as a caller writes it: event, offers, day, and what replaces what.

Nothing is read or tested until `problem` is called.
"""

from dataclasses import dataclass
from datetime import date

from api.documents import read_problem
from api.stored_markets import market_of
from optimizer import Problem


@dataclass(frozen=True)
class ProblemRequest:
    """The part of a request that names the problem; what else is asked of it stands in the requests built on this."""

    event: str
    offers: str
    """An offers file, or a snapshot's id or the beginning of it."""
    as_of: date | str
    policy: str | None = None
    objective: str | None = None
    epsilon: str | None = None
    outlook: str | None = None
    budget: str | None = None
    url: str = ""
    """The database in which snapshots are looked for."""

    def problem(self) -> Problem:
        """The problem that the files pose. Raises BadInput with every fault of all of them at once."""
        return read_problem(
            self.event,
            lambda: market_of(self.offers, self.url),
            as_of=self.as_of,
            policy=self.policy,
            objective=self.objective,
            epsilon=self.epsilon,
            outlook=self.outlook,
            budget=self.budget,
        )
