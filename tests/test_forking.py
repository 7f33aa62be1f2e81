"""A fork is what Python would be that was started so: the tests that use it would not see where it were not."""

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.forking import FORKS, Process, process, run, started

WAYS: list[Callable[..., Process]] = [process, started]
TOLD = """
import os, signal, sys, threading
print(sys.argv[1:], __name__, sorted(os.environ), os.getcwd(), sys.stdin.readline(), threading.active_count())
print([signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)])
print(sorted({"pytest", "hypothesis", "tests.forking"} & set(sys.modules)), "无" * 3)
print("wrong", file=sys.stderr)
sys.exit(3)
"""


@pytest.mark.skipif(not FORKS, reason="where nothing is forked there is nothing to compare")
def test_a_fork_says_what_python_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    said = []
    for way in WAYS:
        pipes: Any = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        with way("-c", TOLD, "a", "b c", env={"A": "1", "LC_CTYPE": "C.UTF-8"}, **pipes) as one:
            assert one.stdin and one.stdout and one.stderr and one.poll() is None
            one.stdin.write("go\n")
            one.stdin.flush()
            said.append((one.stdout.read(), one.stderr.read(), one.wait(60), one.returncode))
    assert said[0] == said[1]


@pytest.mark.parametrize("way", WAYS)
def test_a_fork_is_stopped_as_any_process(way: Callable[..., Process]) -> None:
    for number, code in ((signal.SIGKILL, -9), (signal.SIGTERM, -15), (signal.SIGINT, 130)):
        waits = "import time\nprint('here', flush=True)\ntry: time.sleep(60)\nexcept KeyboardInterrupt: exit(130)"
        with way("-c", waits, stdout=subprocess.PIPE) as one:
            assert one.stdout and one.stdout.readline() == "here\n"
            with pytest.raises(subprocess.TimeoutExpired):
                one.wait(0.01)
            os.kill(one.pid, number)
            assert one.wait(60) == code
            one.kill()  # nobody is there any more


def test_what_a_command_says_is_whole_and_its_own() -> None:
    assert run("-m", "api", "--version").out.startswith("jinheng 0.")
    misuse = run("-m", "api", "no-such-command")
    assert (misuse.code, misuse.out) == (2, "") and "no-such-command" in misuse.err
