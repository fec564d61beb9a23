"""The child-process runner, with small real programs."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from cdss.embedded.errors import EmbeddedError
from cdss.embedded.processes import LOG_ROTATE_BYTES, ChildProcesses, child_start

SLEEP = ["sleep", "600"]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_dead_child_is_named_with_its_code_and_last_lines_of_this_run(tmp_path):
    log = tmp_path / "logs" / "worker.log"
    log.parent.mkdir()
    log.write_text("yesterday\n")
    with ChildProcesses() as children:
        children.start(name="web", argv=SLEEP, log_path=tmp_path / "web.log")
        children.start(
            name="worker", argv=["sh", "-c", "for i in $(seq 30); do echo line $i; done; exit 3"], log_path=log
        )
        death = children.wait_for_death(10)
    assert (death.name, death.returncode) == ("worker", 3)
    assert death.last_lines == tuple(f"line {i}" for i in range(11, 31))
    assert death.sentence == f"worker ended unexpectedly with exit code 3; its log is {log}."


def test_no_death_is_reported_while_all_run(tmp_path):
    with ChildProcesses() as children:
        children.start(name="web", argv=SLEEP, log_path=tmp_path / "web.log")
        assert children.wait_for_death(0.1) is None
        assert children.death() is None


def test_children_stop_in_opposite_order_and_gracefully(tmp_path, until):
    order = tmp_path / "order"
    with ChildProcesses() as children:
        for name in ("first", "second"):
            log = tmp_path / f"{name}.log"
            script = f"trap 'echo {name} >> {order}; exit 0' TERM; echo ready; while :; do sleep 0.05; done"
            children.start(name=name, argv=["sh", "-c", script], log_path=log)
            until(lambda log=log: "ready" in log.read_text())
    assert order.read_text().split() == ["second", "first"]


def test_child_that_ignores_the_request_is_killed_with_its_own_children(tmp_path, until):
    log = tmp_path / "stubborn.log"
    children = ChildProcesses(grace_seconds=0.3)
    child = children.start(
        name="stubborn", argv=["sh", "-c", "trap '' TERM; sleep 600 & echo $!; wait; wait"], log_path=log
    )
    grandchild = int(until(lambda: log.read_text().strip()))
    children.stop()
    assert child.returncode == -signal.SIGKILL
    until(lambda: not is_alive(grandchild))


def test_leftover_of_a_child_that_stopped_by_itself_is_killed(tmp_path, until):
    log = tmp_path / "leaver.log"
    with ChildProcesses() as children:
        children.start(name="leaver", argv=["sh", "-c", "sleep 600 & echo $!"], log_path=log)
        death = children.wait_for_death(10)
        assert death.returncode == 0
        until(lambda: not is_alive(int(death.last_lines[0])))


def test_environment_and_folder_are_the_childs_own(tmp_path):
    log = tmp_path / "env.log"
    with ChildProcesses() as children:
        children.start(
            name="env", argv=["/bin/sh", "-c", 'echo "$X $(pwd)"'], log_path=log, env={"X": "1"}, cwd=tmp_path
        )
        assert children.wait_for_death(10).last_lines == (f"1 {tmp_path}",)


def test_program_that_does_not_exist_is_an_error_at_once(tmp_path):
    with ChildProcesses() as children, pytest.raises(FileNotFoundError, match="no-such-program"):
        children.start(name="x", argv=["/no-such-program"], log_path=tmp_path / "x.log")


def test_start_outside_the_main_thread_is_refused(tmp_path):
    refused: list[EmbeddedError] = []

    def start() -> None:
        try:
            child_start(name="x", argv=SLEEP, log_path=tmp_path / "x.log")
        except EmbeddedError as error:
            refused.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert [error.reason_code for error in refused] == ["EMBEDDED_NOT_MAIN_THREAD"]


def test_interrupt_of_the_parents_group_does_not_reach_the_child(tmp_path):
    with ChildProcesses() as children:
        child = children.start(name="web", argv=SLEEP, log_path=tmp_path / "web.log")
        assert os.getsid(child.pid) == child.pid
        assert os.getpgid(child.pid) != os.getpgid(0)


def test_signal_died_of_is_named(tmp_path):
    with ChildProcesses() as children:
        child = children.start(name="web", argv=SLEEP, log_path=tmp_path / "web.log")
        os.kill(child.pid, signal.SIGSEGV)
        assert "signal SIGSEGV" in children.wait_for_death(10).sentence


def test_large_log_is_set_aside_before_a_start(tmp_path):
    log = tmp_path / "web.log"
    with log.open("wb") as file:
        file.truncate(LOG_ROTATE_BYTES + 1)
    child = child_start(name="web", argv=["echo", "new"], log_path=log)
    assert child.wait(10)
    child.kill()
    assert log.read_text() == "new\n"
    assert (tmp_path / "web.log.1").stat().st_size == LOG_ROTATE_BYTES + 1
    assert log.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("use_kernel_signal", [True, False])
def test_killed_parent_takes_its_child_along(tmp_path, until, use_kernel_signal):
    script = f"""
import sys, time
from pathlib import Path
from cdss.embedded.processes import child_start
child = child_start(name="c", argv=["sleep", "600"], log_path=Path({str(tmp_path / "c.log")!r}),
                    use_kernel_signal={use_kernel_signal})
print(child.pid, flush=True)
time.sleep(600)
"""
    parent = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]
    )
    with parent:
        child = int(parent.stdout.readline())
        assert is_alive(child)
        parent.kill()
    until(lambda: not is_alive(child))


def test_lifeline_of_a_stopped_child_ends_with_it(tmp_path):
    child = child_start(name="c", argv=SLEEP, log_path=tmp_path / "c.log", use_kernel_signal=False)
    lifeline = child._lifeline
    assert child.stop(grace_seconds=5) == -signal.SIGTERM
    assert lifeline.poll() is not None


def test_interrupted_stop_kills_the_rest_at_once(tmp_path, monkeypatch, until):
    children = ChildProcesses(grace_seconds=60)
    log = tmp_path / "a.log"
    script = "trap '' TERM; echo ready; while :; do sleep 0.05; done"
    pids = [children.start(name="a", argv=["sh", "-c", script], log_path=log).pid for _ in range(2)]
    until(lambda: log.read_text().count("ready") == 2)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    began = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            children.stop()
    finally:
        signal.signal(signal.SIGALRM, before)
    assert time.monotonic() - began < 10
    assert not any(is_alive(pid) for pid in pids)
