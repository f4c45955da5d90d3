"""Children that are forked while much goes on in their parent, and that somebody wants gone at once."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.comet import programs
from tests.comet.scripted import ScriptedComet
from tests.fixtures.local_server import LocalServer
from zenml_comet_tracker.comet import watchdog


def test_a_child_that_is_told_to_go_before_it_runs_goes(comet: ScriptedComet, journals: Path, tmp_path: Path) -> None:
    """As one that nobody tracks would; nor does it end, in place of itself, what its parent has."""
    done = programs.run(
        tmp_path,
        comet.root,
        journals,
        """
        e = experiment()
        e.log_metric("parent", 1)
        fork = multiprocessing.get_context("fork")
        # A machine that is busy elsewhere.
        os.register_at_fork(after_in_child=lambda: time.sleep(0.01))
        children = [fork.Process(target=signal.pause) for _ in range(10)]
        for child in children:
            child.start()
            child.terminate()
        for child in children:
            child.join()
        print({child.exitcode for child in children})
        assert signal.SIGTERM not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
        """,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "{-15}\n", "")
    ends = [asked for asked in comet.requests("/status-report/update") if not asked.json["is_alive"]]
    assert (len(ends), comet.requests("/update-status")) == (1, [])


def test_a_child_handles_signals_as_the_program_says(comet: ScriptedComet, journals: Path, tmp_path: Path) -> None:
    """Which may be otherwise than the parent: one that is forked from a thread, and one that blocks a signal."""
    done = programs.run(
        tmp_path,
        comet.root,
        journals,
        """
        e = experiment()
        def own(*_): os._exit(7)

        def child(handler, *, blocked=()):
            signal.pthread_sigmask(signal.SIG_BLOCK, blocked)
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGTERM, handler)
            pid = os.fork()
            if pid == 0:
                held = signal.pthread_sigmask(signal.SIG_BLOCK, ())
                if held != set(blocked):
                    os._exit(9)
                signal.pthread_sigmask(signal.SIG_SETMASK, ())
                while True:
                    time.sleep(10)
            os.kill(pid, signal.SIGTERM)
            print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), end=" ", flush=True)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, blocked)

        before = signal.getsignal(signal.SIGTERM)
        child(own)
        child(own, blocked=(signal.SIGTERM, signal.SIGUSR1))
        child(before)
        for blocked in ((), (signal.SIGTERM,)):
            thread = threading.Thread(target=child, args=(None,), kwargs={"blocked": blocked})
            thread.start()
            thread.join()
        """,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "7 7 -15 -15 -15 ", "")


def test_a_handler_that_forks_in_the_middle_of_a_fork_leaves_no_signal_blocked() -> None:
    """Nor does one that raises there. Whoever waits for a stop or for Ctrl-C would wait for ever."""
    program = """
        import os, signal

        def in_the_middle(number=signal.SIGALRM):
            if asked and asked.pop():
                os.kill(os.getpid(), number)

        def fork(*_):
            pid = os.fork()
            if pid == 0:
                os._exit(len(signal.pthread_sigmask(signal.SIG_BLOCK, ())))
            left.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))

        def no(*_):
            raise ValueError("in the middle")

        asked, left = [], []
        # What is registered before ours is called behind it.
        os.register_at_fork(before=in_the_middle)
        from zenml_comet_tracker.comet import forks

        signal.signal(signal.SIGTERM, lambda *_: None)
        signal.signal(signal.SIGALRM, fork)
        asked.append(True)
        fork()
        signal.signal(signal.SIGALRM, no)
        forks.members = lambda _: in_the_middle()
        asked.append(True)
        fork()
        fork()
        print(left, signal.pthread_sigmask(signal.SIG_BLOCK, ()))
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "[0, 0, 0, 0] set()\n"), done.stderr


def test_a_child_that_cannot_hear_of_sigterm_goes_all_the_same(
    comet: ScriptedComet, journals: Path, tmp_path: Path
) -> None:
    """Asleep, and not woken by what came a moment before; or in a call of C that no signal ends."""
    done = programs.run(
        tmp_path,
        comet.root,
        journals,
        """
        import ctypes
        from zenml_comet_tracker.comet import sigterm
        fork = multiprocessing.get_context("fork")
        e = experiment()

        def asleep():
            e.log_metric("asleep", 1)
            # To another thread than the main one: that goes on sleeping.
            signalled = lambda: signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
            threading.Timer(0.1, signalled).start()
            fork.Semaphore(0).acquire()

        def in_c():
            sigterm.GRACE_SECONDS, sigterm.SECONDS = 0.0, 0.5
            e.log_metric("in_c", 2)
            threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM)).start()
            mutex = ctypes.create_string_buffer(64)
            for _ in range(2):
                ctypes.CDLL(None).pthread_mutex_lock(mutex)

        def otherwise():
            e.log_metric("otherwise", 3)
            signal.signal(signal.SIGTERM, lambda *_: None)
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(1)
            sys.exit(5)

        def parent():
            e.log_metric("parent", 4)
            child = fork.Process(target=asleep)
            child.start()
            child.join()
            sys.exit(-child.exitcode)

        children = [fork.Process(target=task) for task in (asleep, in_c, otherwise, parent)]
        for child in children:
            child.start()
        for child in children:
            child.join()
        print([child.exitcode for child in children])
        """,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "[-15, -9, 5, 15]\n", "")
    logged = ["asleep", "asleep", "in_c", "otherwise", "parent"]
    assert sorted(value["metricName"] for value in comet.stored_metric_values()) == logged


def test_an_event_loop_goes_on_hearing_of_its_signals() -> None:
    """Python tells one of all who ask, and a program's own event loop asked first."""

    async def waits() -> None:
        heard = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, heard.set)
        watchdog.begin(signal.SIGTERM, lambda *_: None, 60.0)
        os.kill(os.getpid(), signal.SIGUSR1)
        await asyncio.wait_for(heard.wait(), 10)

    try:
        asyncio.run(waits())
    finally:
        watchdog.end()


def test_what_is_left_is_not_said_where_no_console_takes_it(
    comet: ScriptedComet, journals: Path, tmp_path: Path
) -> None:
    """A thread of the parent's was at it in the moment of the fork: a child that printed would wait for ever."""
    done = programs.run(
        tmp_path,
        comet.root,
        journals,
        """
        import logging
        reading, writing = os.pipe()
        console = open(writing, "w")
        logging.basicConfig(handlers=[logging.StreamHandler(console)])
        # To Python the first thread of a child may look like the one that was at it.
        logging.raiseExceptions = False
        e = experiment(url="offline")
        threading.Thread(target=console.buffer.write, args=(bytes(1 << 20),), daemon=True).start()
        while not os.read(reading, 1 << 10):
            pass

        def log(signalled):
            e.log_metric("m", 1)
            if signalled:
                os.kill(os.getpid(), signal.SIGTERM)

        fork = multiprocessing.get_context("fork")
        children = [fork.Process(target=log, args=(signalled,)) for signalled in (False, True)]
        for child in children:
            child.start()
        for child in children:
            child.join()
        print([child.exitcode for child in children], flush=True)
        os._exit(0)
        """,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "[0, -15]\n", "")


def test_no_child_waits_for_a_server_that_is_away_where_its_parent_can_deliver(journals: Path, tmp_path: Path) -> None:
    """Also where journals do not outlive the parent, which waits itself; the limit is longer than a test may take."""
    done = programs.run(
        tmp_path,
        "http://127.0.0.1:9",
        journals,
        """
        from zenml_comet_tracker.comet import exits

        def log(e):
            exits.FINISH_TIMEOUT = 1000.0
            e.log_metric("child", 1)

        if __name__ == "__main__":
            e = experiment(journal_persistent=False)
            for method in ("fork", "spawn"):
                child = multiprocessing.get_context(method).Process(target=log, args=(e,))
                child.start()
                child.join()
                print(child.exitcode, flush=True)
            os._exit(0)
        """,
    )
    assert (done.returncode, done.stdout) == (0, "0\n" * 2)


def test_no_lock_that_is_held_in_the_moment_of_a_fork_holds_a_child_up(
    local_server: LocalServer, tmp_path: Path
) -> None:
    """Of all that this package has, and the libraries that it sends with, whatever the child does then."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.comet.held_locks", local_server.url, local_server.api_key, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    code, last, *held = done.stdout.splitlines()
    assert (done.returncode, code, last) == (0, "0", "end"), done.stderr
    # The locks are found by looking through what there is.
    kinds = {name.rpartition(".")[0].rpartition(".")[2] for name in held}
    assert kinds >= {"Live", "Courier", "Sender", "LaneWriter", "Lock", "Output", "Adoption", "LifoQueue"}


@pytest.mark.long
def test_pools_that_are_left_while_others_log_and_print_come_to_their_end(
    comet: ScriptedComet, journals: Path, tmp_path: Path
) -> None:
    """A hundred, of workers that log, print and are told to go in the middle of it."""
    done = programs.run(
        tmp_path,
        comet.root,
        journals,
        """
        import logging
        from zenml_comet_tracker.comet.capture import CaptureOptions
        sys.stdout = open(os.devnull, "w")
        logging.basicConfig(level=logging.INFO, stream=sys.stdout)
        e = experiment(capture=CaptureOptions(log_output=True, log_system_metrics=True))
        over = threading.Event()

        def log():
            while not over.wait(0.003):
                e.log_metric("parent", 1)
                e.flush(0.01)
                logging.info("parent")

        def fit(n):
            e.log_metric("child", n)
            return n

        threads = [threading.Thread(target=log) for _ in range(2)]
        for thread in threads:
            thread.start()
        for _ in range(100):
            with multiprocessing.get_context("fork").Pool(2) as pool:
                assert pool.map(fit, range(3), chunksize=1) == [0, 1, 2]
        over.set()
        for thread in threads:
            thread.join()
        e.end(30)
        """,
    )
    assert (done.returncode, done.stderr) == (0, "")
    arrived = [value["metricValue"] for value in comet.stored_metric_values() if value["metricName"] == "child"]
    assert sorted(arrived) == sorted([0, 1, 2] * 100)
