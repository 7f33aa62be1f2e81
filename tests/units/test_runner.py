"""Many tasks over any executor: order, failures, estimates, stopping, and going on where an earlier run was killed."""

import json
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from optimizer import BadInput, Calendar, Cancelled, Offer, Offers, Problem, plan, read_rule_pack
from optimizer.findings import fault
from scenarios.failures import Failure
from scenarios.library import ready
from scenarios.outcomes import Planner
from scenarios.runner import Advance, processes, run
from tests.worked.market import event, offer

ROOT = Path(__file__).resolve().parents[2]


def square(n: int) -> int:
    """Fails on multiples of seven, in words of its own."""
    if n % 7 == 0:
        raise ZeroDivisionError(f"seven divides {n}")
    return n * n


def die_on_three(n: int) -> int:
    """Takes its whole process along, as running out of memory does."""
    if n == 3:
        os._exit(9)
    return n


@pytest.fixture(scope="module")
def pool():
    with processes(2) as executor:
        yield executor


def same_everywhere(tasks: list[Any], work: Any, pool: Executor, **options: Any) -> list[Any]:
    """The results here, after threads and processes have given the same ones."""
    here = run(tasks, work, **options)
    with ThreadPoolExecutor(3) as threads:
        assert run(tasks, work, threads, **options) == here
    assert run(tasks, work, pool, **options) == here
    return here


@pytest.mark.parametrize("chunk", [1, 4, 100])
def test_results_stand_in_the_order_of_the_tasks_on_any_executor(pool, chunk):
    found = same_everywhere(list(range(1, 40)), square, pool, chunk=chunk)
    assert found[:6] == [1, 4, 9, 16, 25, 36]
    assert found[6] == Failure("ZeroDivisionError", ("seven divides 7", "seven divides 7"))  # type: ignore[arg-type]
    assert [n for n, r in enumerate(found, 1) if isinstance(r, Failure)] == [7, 14, 21, 28, 35]


def test_no_tasks_give_no_results(pool):
    assert same_everywhere([], square, pool) == []


def test_a_failure_speaks_both_languages_where_its_error_does():
    def refuse(n: int) -> int:
        raise BadInput([fault("odd", "奇怪", "is odd", value=n)])

    (found,) = run([1], refuse)
    assert isinstance(found, Failure)
    assert found.as_dict("zh") == {"type": "BadInput", "message": "'1'：奇怪"}
    assert found.as_dict("en") == {"type": "BadInput", "message": "'1': is odd"}


def test_a_chunk_below_one_is_refused():
    with pytest.raises(ValueError, match="chunk"):
        run([1], square, chunk=0)


# ---------------------------------------------------------------------------------------------------------- progress


def test_the_rest_is_estimated_at_the_pace_so_far():
    # Ten tasks in chunks of two, each chunk taking 3 s by the clock that is given: after 4 tasks 6 s have passed, so
    # the other 6 take 9 s.
    ticks = iter([0.0, 0.0, *(3.0 * k for k in range(1, 6))])
    told: list[Advance] = []
    run(list(range(1, 11)), square, chunk=2, report=told.append, clock=lambda: next(ticks))
    assert told[0] == Advance(0, 10, 0, 0.0, None)
    assert told[2] == Advance(4, 10, 0, 6.0, 9.0)
    assert told[-1] == Advance(10, 10, 1, 15.0, 0.0)


def test_chunks_that_were_done_before_do_not_count_for_the_pace():
    saved: dict[str, list[int | Failure]] = {}
    run([1, 2, 3, 4], square, chunk=2, finished=saved.__setitem__)
    first = next(iter(saved))
    ticks, told = iter([0.0, 0.0, 5.0]), list[Advance]()
    run([1, 2, 3, 4], square, chunk=2, done={first: saved[first]}, report=told.append, clock=lambda: next(ticks))
    assert told == [Advance(2, 4, 0, 0.0, None), Advance(4, 4, 0, 5.0, 0.0)]


# ---------------------------------------------------------------------------------------------------------- stopping


@pytest.mark.parametrize("threaded", [False, True])
def test_asked_to_stop_it_stops_and_what_was_handed_over_stays(threaded):
    saved: dict[str, list[int | Failure]] = {}
    executor = ThreadPoolExecutor(1) if threaded else None
    with pytest.raises(Cancelled):
        run(
            list(range(1, 1000)),
            square,
            executor,
            chunk=1,
            finished=saved.__setitem__,
            cancelled=lambda: len(saved) >= 5,
        )
    if executor is not None:
        executor.shutdown()
    assert 5 <= len(saved) < 100
    assert next(iter(saved.values())) == [1]


def test_work_that_is_asked_to_stop_stops_the_run():
    def stopped(n: int) -> int:
        raise Cancelled("asked to stop")

    with pytest.raises(Cancelled):
        run([1, 2], stopped)
    with ThreadPoolExecutor(1) as threads, pytest.raises(Cancelled):
        run([1, 2], stopped, threads)


def test_only_so_much_is_out_at_once():
    begun, gate = [], threading.Event()

    def slow(n: int) -> int:
        begun.append(n)
        gate.wait(5)
        return n

    saved: dict[str, Any] = {}

    def stop() -> bool:
        gate.set()
        return bool(saved)

    with ThreadPoolExecutor(2) as threads, pytest.raises(Cancelled):
        run(list(range(10_000)), slow, threads, chunk=1, finished=saved.__setitem__, cancelled=stop)
    assert len(begun) < 200


# ---------------------------------------------------------------------------------------------------- going on again


def test_finished_chunks_are_not_done_again_and_others_are(pool):
    saved: dict[str, list[int | Failure]] = {}
    whole = run(list(range(1, 20)), square, chunk=4, about="squares", finished=saved.__setitem__)
    assert len(saved) == 5
    kept = dict(list(saved.items())[1:4])
    seen: list[int] = []

    def watched(n: int) -> int:
        seen.append(n)
        return square(n)

    assert run(list(range(1, 20)), watched, chunk=4, about="squares", done=kept) == whole
    assert seen == [1, 2, 3, 4, 17, 18, 19]
    assert run(list(range(1, 20)), square, pool, chunk=4, about="squares", done=kept) == whole


@pytest.mark.parametrize("other", [{"about": "cubes"}, {"chunk": 3}])
def test_chunks_of_another_run_are_no_use(other):
    saved: dict[str, list[int | Failure]] = {}
    run([1, 2, 3, 4], square, chunk=2, about="squares", finished=saved.__setitem__)
    lies: dict[str, list[int | Failure]] = {key: [0] * len(found) for key, found in saved.items()}
    assert run([1, 2, 3, 4], square, **{"chunk": 2, "about": "squares", **other}, done=lies) == [1, 4, 9, 16]
    assert run([1, 2, 3, 5], square, chunk=2, about="squares", done=lies) == [0, 0, 9, 25]


def test_tasks_that_are_no_plain_data_need_an_identity():
    with pytest.raises(TypeError):
        run([1j], abs, done={})
    assert run([1j], abs, done={}, identity=str) == [1.0]


def test_a_lost_worker_is_rows_and_a_later_run_does_them_again():
    saved: dict[str, list[int | Failure]] = {}
    with processes(1) as broken:
        found = run(list(range(6)), die_on_three, broken, chunk=2, finished=saved.__setitem__)
    lost = [r for r in found if isinstance(r, Failure)]
    assert {r.type for r in lost} == {"BrokenProcessPool"}
    assert isinstance(found[3], Failure)
    assert not any(isinstance(r, Failure) for results in saved.values() for r in results)
    assert run(list(range(6)), abs, chunk=2, done=saved) == [0, 1, 2, 3, 4, 5]


def test_a_pool_that_is_closed_in_between_is_rows_too():
    pool = ThreadPoolExecutor(1)
    saved: dict[str, list[int | Failure]] = {}

    def close(key: str, found: list[int | Failure]) -> None:
        saved[key] = found
        pool.shutdown(wait=False, cancel_futures=True)

    found = run(list(range(1, 200)), abs, pool, chunk=1, finished=close)
    assert len(found) == 199
    assert {r.type for r in found if isinstance(r, Failure)} <= {"CancelledError", "RuntimeError"}
    assert [r for r in found if not isinstance(r, Failure)] == [r for results in saved.values() for r in results]
    assert len(saved) < 199


KILLED = """
    import json, os, signal, sys
    from pathlib import Path
    from scenarios.runner import processes, run
    from tests.units.test_runner import square

    def save(key, found):
        with Path(sys.argv[1]).open("a") as file:
            file.write(json.dumps([key, [None if hasattr(r, "type") else r for r in found]]) + "\\n")
            file.flush()
            os.fsync(file.fileno())
            if sum(1 for _ in Path(sys.argv[1]).open()) == 3:
                os.kill(os.getpid(), signal.SIGKILL)

    if __name__ == "__main__":
        run([n for n in range(1, 60) if n % 7], square, chunk=5, about="killed", finished=save)
"""


def test_a_sweep_that_is_killed_in_the_middle_and_resumed_equals_one_that_was_not(tmp_path, pool):
    script, journal = tmp_path / "sweep.py", tmp_path / "done.jsonl"
    script.write_text(textwrap.dedent(KILLED))
    killed = subprocess.run(
        [sys.executable, script, journal], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    saved = dict(json.loads(line) for line in journal.read_text().splitlines())
    assert len(saved) == 3
    tasks = [n for n in range(1, 60) if n % 7]
    undisturbed = run(tasks, square, chunk=5, about="killed")
    redone: list[str] = []
    resumed = run(tasks, square, pool, chunk=5, about="killed", done=saved, finished=lambda key, _: redone.append(key))
    assert resumed == undisturbed == [n * n for n in tasks]
    assert len(redone) == 11 - 3
    assert not set(redone) & set(saved)


# ---------------------------------------------------------------------------------------------------- real problems


def small_problem() -> Problem:
    rows = [offer("4A", 4, 60, 50), offer("4B", 4, 60, 60), offer("1A", 1, 20, 90, price_breaks="10=80")]
    calendar = Calendar.model_validate({"events": [event(budget={"total": "6500"})]})
    market = Offers.of(Offer.model_validate(o) for o in rows)
    return Problem(calendar, market, read_rule_pack("shanxi-2022"), date(2026, 11, 22))


def test_a_problem_travels_and_is_planned_alike():
    problem = small_problem()
    there = pickle.loads(pickle.dumps(problem))
    assert there.offers.sha256 == problem.offers.sha256
    assert there.rule_pack == problem.rule_pack
    assert there.calendar == problem.calendar
    assert plan(there).plan_id == plan(problem).plan_id


def test_scenarios_are_planned_alike_here_in_threads_and_in_processes(pool):
    names = ("cheapest-lawful", "allowances-plus-30", "national-guide", "greedy-order")
    planner = Planner(small_problem(), "en")
    found = same_everywhere([ready(n) for n in names], planner, pool, chunk=1)
    assert isinstance(found[2], Failure)  # the guide's pack is not at hand
    # At +30 % the 6,500 yuan do not do: 20 x 80 + 60 x 65 + 20 x 78 = 7,060.
    assert [getattr(r, "status", None) for r in found] == ["covered", "short", None, "covered"]
