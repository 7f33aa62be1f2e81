"""`jinheng plan` as a process, beside a Python that imports pandas and highspy and does nothing."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.figures import Figure, beside, in_turns
from benchmarks.markets import AS_OF, one_event
from benchmarks.plans import offers_text
from market_data import write_offers

OFFERS, QUICK_OFFERS = 200, 50


def start(quick: bool) -> Iterator[Figure]:
    """From the command line to the plan on it, files read; explanations as a user gets them, and none."""
    n = QUICK_OFFERS if quick else OFFERS
    with tempfile.TemporaryDirectory() as folder:
        command = _question(Path(folder), n)
        environment = os.environ | {"JINHENG_HOME": folder}
        works = {
            "plan": partial(_run, [*command, "--explain", "none"], environment),
            "explained": partial(_run, command, environment),
            "imports": partial(_run, [sys.executable, "-c", "import pandas, highspy"], environment),
        }
        seconds, _ = in_turns(works, 3 if quick else 11)
    yield beside("start", offers_text(n), "imports", seconds["plan"], seconds["imports"], 1.5)
    yield beside("start", f"{offers_text(n)}, explained", "imports", seconds["explained"], seconds["imports"])


def _question(folder: Path, n: int) -> list[str]:
    """Writes event and offers; gives the command that plans them in divisible quantities."""
    problem = one_event(n, whole_lots=False)
    given = problem.calendar.events[0]
    event, offers = folder / "event.yaml", folder / "offers.csv"
    event.write_text(
        f"id: {given.id}\nend_date: {given.end_date}\n"
        f"emissions: {{tonnes: {given.need_kg / 1000}, status: verified}}\n"
        "limits: [{group: seller, max_share: 0.3}]\nsettings: {whole_lots: false}\n",
        encoding="utf-8",
    )
    write_offers(problem.offers, offers)
    jinheng = str(Path(sys.executable).with_name("jinheng"))
    return [jinheng, "plan", str(event), "--offers", str(offers), "--as-of", AS_OF.isoformat(), "--json"]


def _run(command: list[str], environment: dict[str, str]) -> None:
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
