"""Jobs in fresh processes of their own, so that memory and imports are theirs alone; each answers as JSON.

python -m benchmarks.own_process benchmarks.plans:memory_job 1000000
"""

import ctypes
import gc
import json
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from typing import cast

STATUS, PEAK_RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def in_own_process(job: str, *arguments: str) -> dict[str, float]:
    """What `module:function` gives in a process of its own. Raises CalledProcessError where it fails."""
    command = [sys.executable, "-m", "benchmarks.own_process", job, *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    told: dict[str, float] = json.loads(done.stdout)
    return told


def within[T](work: Callable[[], T], seconds: float) -> T | None:
    """What a work gives in a copy of this process; None where it has not ended after so many seconds, and is killed.

    Solvers overrun their own limits. Raises RuntimeError where the copy fails.
    """
    made_in = get_context("fork")
    here, there = made_in.Pipe(duplex=False)
    copy = made_in.Process(target=lambda: there.send(work()), daemon=True)
    copy.start()
    there.close()
    try:
        return cast(T, here.recv()) if here.poll(seconds) else None
    except EOFError as error:
        raise RuntimeError("the copy of this process ended without an answer") from error
    finally:
        copy.kill()
        copy.join()
        here.close()


def measured(work: Callable[[], object]) -> dict[str, float]:
    """Wall and processor time of a work, s, and the most memory that this process ever held, MB."""
    wall, cpu = time.perf_counter(), time.process_time()
    kept = work()
    taken = {"seconds": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    del kept
    return taken | {"peak_mb": peak_mb()}


def beyond_mb(work: Callable[[], object]) -> float:
    """The most memory that a work took beyond what the process held before, MB; 0 where the system tells no peak anew.

    What was freed before is given back first, so that the work cannot live in it unseen.
    """
    if not PEAK_RESET.exists():
        return 0.0
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    PEAK_RESET.write_text("5", encoding="ascii")
    before = _status_mb("VmRSS")
    kept = work()
    after = peak_mb()
    del kept
    return after - before


def peak_mb() -> float:
    """Where the system tells it, of this program alone: getrusage counts what the parent held when it started us."""
    return _status_mb("VmHWM") if STATUS.exists() else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _status_mb(name: str) -> float:
    return int(re.findall(rf"{name}:\s+([0-9]+) kB", STATUS.read_text(encoding="ascii"))[0]) / 1024


def main() -> None:
    """Arguments: `module:function`, and what it takes, as text."""
    module, _, name = sys.argv[1].partition(":")
    print(json.dumps(getattr(import_module(module), name)(*sys.argv[2:])))


if __name__ == "__main__":
    main()
