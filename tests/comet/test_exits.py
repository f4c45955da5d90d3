"""How processes end, and what becomes of their experiments."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.comet import programs
from tests.comet.scripted import ScriptedComet
from zenml_comet_tracker.comet.journal.discard import sweep

Run = Callable[..., CompletedProcess[str]]


@pytest.fixture
def run(comet: ScriptedComet, journals: Path, tmp_path: Path) -> Run:
    """Runs a program against the scripted server."""
    return lambda script, **environment: programs.run(tmp_path, comet.root, journals, script, **environment)


def _values(comet: ScriptedComet) -> list[float]:
    return [value["metricValue"] for value in comet.metric_values()]


def _ends(comet: ScriptedComet) -> int:
    return len([a for a in comet.requests("/status-report/update") if not a.json["is_alive"]])


def _failures(comet: ScriptedComet) -> list[str]:
    return [asked.json["error"] for asked in comet.requests("/update-status")]


def _left(journals: Path) -> list[Path]:
    return list(journals.iterdir())


def test_a_forked_child_of_multiprocessing_delivers_before_it_is_gone(
    run: Run, comet: ScriptedComet, journals: Path
) -> None:
    """It never gets to `atexit`; the results of its own come first, and its threads may log until they are through."""
    done = run("""
        from multiprocessing import util
        mp = multiprocessing.get_context("fork")

        def target(e, results):
            e.log_metric("m", 1)
            util.Finalize(None, e.log_metric, args=("m", 2), exitpriority=0)
            late = threading.Event()
            def log_late():
                late.wait()
                e.log_metric("m", 3)
            threading.Thread(target=log_late).start()
            if sys.version_info < (3, 13):
                # Behind our own: multiprocessing waits for threads after all finalizers, later versions before.
                util.Finalize(None, late.set, exitpriority=-1000)
            else:
                late.set()
            results.put("x" * 1_000_000)

        e = experiment()
        results = mp.Queue()
        child = mp.Process(target=target, args=(e, results))
        child.start()
        assert len(results.get()) == 1_000_000
        child.join()
        assert child.exitcode == 0
        print(len(list(Path(sys.argv[0]).parent.joinpath("journals").iterdir())))
        e.log_metric("m", 4)
    """)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "1\n", "the child's journal is gone before the parent looks"
    assert sorted(_values(comet)) == [1, 2, 3, 4]
    assert (_ends(comet), _failures(comet), _left(journals)) == (1, [], [])


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_child_that_fails_ends_its_own_experiment_as_failed(run: Run, comet: ScriptedComet, method: str) -> None:
    done = run(f"""
        def target(last_words):
            e = experiment()
            if last_words:
                raise ValueError(last_words)
            sys.exit(3)

        if __name__ == "__main__":
            mp = multiprocessing.get_context({method!r})
            children = [mp.Process(target=target, args=(words,)) for words in ("boom", "")]
            for child in children:
                child.start()
            for child in children:
                child.join()
            print([child.exitcode for child in children])
    """)
    assert done.stdout == "[1, 3]\n"
    # From Python 3.13 on only the exit code is left when multiprocessing calls.
    words = ("ValueError: boom", "SystemExit: 3") if sys.version_info < (3, 13) else ("exit code 1", "exit code 3")
    failures = _failures(comet)
    assert [any(word in failure for failure in failures) for word in words] == [True, True]
    assert (len(failures), _ends(comet)) == (2, 2)


def test_threads_may_log_until_the_program_is_through(run: Run, comet: ScriptedComet, journals: Path) -> None:
    """Those of a pool that nobody shuts down are waited for; a daemon's last values are dropped in silence."""
    done = run("""
        import concurrent.futures
        e = experiment()
        def log_for_ever():
            while True:
                e.log_metric("daemon", 1)
        threading.Thread(target=log_for_ever, daemon=True).start()
        pool = concurrent.futures.ThreadPoolExecutor(2)
        for i in range(50):
            pool.submit(e.log_metric, "pool", i)
    """)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert "Fatal" not in done.stderr
    pool = [value["metricValue"] for value in comet.metric_values() if value["metricName"] == "pool"]
    assert sorted(pool) == list(range(50))
    assert (_ends(comet), _left(journals)) == (1, [])


def test_sigterm_ends_as_failed_delivers_and_kills_as_before(run: Run, comet: ScriptedComet, journals: Path) -> None:
    done = run("""
        e = experiment()
        e.log_metric("m", 1)
        os.kill(os.getpid(), signal.SIGTERM)
    """)
    assert (done.returncode, done.stderr) == (-15, "")
    assert _values(comet) == [1]
    assert _failures(comet) == ["The process was stopped by SIGTERM."]
    assert (_ends(comet), _left(journals)) == (1, [])


def test_a_second_sigterm_kills_at_once(run: Run, comet: ScriptedComet, journals: Path) -> None:
    """The limit is raised for the test, to longer than a program may take."""
    release = threading.Event()
    comet.rules.append(lambda asked: release.wait(60) and None)
    try:
        done = run("""
            from zenml_comet_tracker.comet import sigterm
            sigterm.SECONDS = 1000.0
            e = experiment()
            def again():
                while signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
                    time.sleep(0.001)
                # Until the end is written, so that the wait for the server is what is cut short.
                while not list(Path(sys.argv[0]).parent.glob("journals/*/end.json")):
                    time.sleep(0.001)
                os.kill(os.getpid(), signal.SIGTERM)
            threading.Thread(target=again, daemon=True).start()
            os.kill(os.getpid(), signal.SIGTERM)
        """)
    finally:
        release.set()
    assert done.returncode == -15
    (journal,) = _left(journals)
    assert "SIGTERM" in (journal / "end.json").read_text()


def test_sigterm_is_left_alone_where_somebody_handles_it(run: Run, comet: ScriptedComet) -> None:
    done = run("""
        def mine(number, frame):
            print("mine", flush=True)

        def chained(number, frame):
            if callable(before):
                before(number, frame)
            print("chained", flush=True)

        signal.signal(signal.SIGTERM, mine)
        first = experiment()
        assert signal.getsignal(signal.SIGTERM) is mine
        os.kill(os.getpid(), signal.SIGTERM)

        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        second = experiment()
        before = signal.signal(signal.SIGTERM, chained)
        os.kill(os.getpid(), signal.SIGTERM)
        second.log_metric("m", 1)
        first.end()
        second.end()
        assert signal.getsignal(signal.SIGTERM) is chained
    """)
    assert (done.returncode, done.stdout, done.stderr) == (0, "mine\nchained\n", "")
    assert (_values(comet), _ends(comet), _failures(comet)) == ([1], 2, [])


def test_sigterm_is_handled_only_while_an_experiment_lives(run: Run, comet: ScriptedComet) -> None:
    done = run("""
        def handler(): return signal.getsignal(signal.SIGTERM)
        first, second = experiment(), experiment()
        assert callable(handler())
        first.end()
        assert callable(handler())
        second.end()
        assert handler() is signal.SIG_DFL

        thread = threading.Thread(target=experiment)
        thread.start()
        thread.join()
        assert handler() is signal.SIG_DFL, "only the main thread may ask for signals"

        child = os.fork()
        if child == 0:
            os.kill(os.getpid(), signal.SIGTERM)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -15

        os.environ["ZENML_COMET_SIGTERM"] = "0"
        experiment()
        assert handler() is signal.SIG_DFL
    """)
    assert (done.returncode, done.stderr) == (0, "")
    assert (_ends(comet), _failures(comet)) == (4, [])


def test_a_forked_child_dies_of_sigterm_without_ending_what_the_parent_has(run: Run, comet: ScriptedComet) -> None:
    """One that logged delivers that first; one that did not simply dies."""
    done = run("""
        e = experiment()
        assert e.flush()
        children = []
        for value in (None, 1):
            child = os.fork()
            if child == 0:
                if value is not None:
                    e.log_metric("child", value)
                os.kill(os.getpid(), signal.SIGTERM)
                os._exit(0)
            children.append(child)
        assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [-15, -15]
        e.log_metric("parent", 2)
    """)
    assert (done.returncode, done.stderr) == (0, "")
    assert (_values(comet), _ends(comet), _failures(comet)) == ([1, 2], 1, [])


def test_ctrl_c_in_the_block_ends_as_failed(run: Run, comet: ScriptedComet) -> None:
    done = run("""
        with experiment() as e:
            e.log_metric("m", 1)
            os.kill(os.getpid(), signal.SIGINT)
    """)
    assert done.returncode == -2
    assert "KeyboardInterrupt" in _failures(comet)[0]
    assert _values(comet) == [1]


def test_ctrl_c_while_the_end_waits_stops_the_waiting(run: Run, comet: ScriptedComet, journals: Path) -> None:
    """At exit as well, where one line says what is kept; the limits are longer than a program may take."""
    release = threading.Event()
    comet.rules.append(lambda asked: release.wait(100) and None)
    try:
        done = run("""
            from zenml_comet_tracker.comet import exits
            exits.FINISH_TIMEOUT = 1000.0
            e, forgotten = experiment(), experiment()
            waiting = threading.Event()
            real = threading.Condition.wait
            def wait(self, timeout=None):
                if threading.current_thread() is threading.main_thread():
                    waiting.set()
                return real(self, timeout)
            caught = threading.Event()
            def press():
                waiting.wait()
                os.kill(os.getpid(), signal.SIGINT)
                caught.wait()
                waiting.wait()
                os.kill(os.getpid(), signal.SIGINT)
            threading.Thread(target=press, daemon=True).start()
            threading.Condition.wait = wait
            try:
                e.end(1000)
            except KeyboardInterrupt:
                print("mine")
            waiting.clear()
            caught.set()
        """)
    finally:
        release.set()
    assert (done.returncode, done.stdout) == (0, "mine\n")
    assert "Traceback" not in done.stderr
    assert done.stderr.count("zenml-comet sync") == 1
    assert len(_left(journals)) == 2


def test_an_interrupt_in_the_middle_of_a_call_leaves_everything_whole(
    run: Run, comet: ScriptedComet, tmp_path: Path
) -> None:
    """What returned, in a tight loop under a timer, is delivered once and in order, and no lock stays held."""
    done = run("""
        class Interrupt(BaseException):
            pass

        armed = False
        def interrupt(number, frame):
            global armed
            if armed:
                armed = False
                raise Interrupt

        e = experiment()
        returned, interrupts, i = [], 0, 0
        signal.signal(signal.SIGPROF, interrupt)
        signal.setitimer(signal.ITIMER_PROF, 0.001, 0.001)
        while interrupts < 200:
            try:
                armed = True
                while True:
                    i += 1
                    e.log_metric("m", i)
                    returned.append(i)
            except Interrupt:
                interrupts += 1
        signal.setitimer(signal.ITIMER_PROF, 0)
        assert e.flush(30)
        assert e.end(30).delivered
        Path(sys.argv[0]).with_name("returned").write_text(" ".join(map(str, returned)))
    """)
    assert (done.returncode, done.stderr) == (0, "")
    arrived = _values(comet)
    assert arrived == sorted(set(arrived)), "in order, each once"
    returned = set(map(float, (tmp_path / "returned").read_text().split()))
    assert returned <= set(arrived)


def test_forks_in_the_middle_of_everything_lose_nothing(
    run: Run, comet: ScriptedComet, journals: Path, tmp_path: Path
) -> None:
    """80 children of a process whose threads log: some end, some only die, some fork again, some log nothing."""
    done = run("""
        e = experiment()
        stop, logged = threading.Event(), {}
        def log(name):
            logged[name] = 0
            while not stop.wait(0.002):
                e.log_metric(name, logged[name] + 1)
                logged[name] += 1

        threads = [threading.Thread(target=log, args=(f"thread{i}",)) for i in range(3)]
        for thread in threads:
            thread.start()
        codes = []
        for n in range(80):
            child = os.fork()
            if child == 0:
                signal.alarm(30)
                if n % 10 > 4:
                    os._exit(0 if e.flush(1) and e.stats().accepted == 0 else 9)
                e.log_metric("child", n)
                if n % 10 == 0:
                    os._exit(0 if e.end(20).delivered else 9)
                if n % 10 == 1:
                    grandchild = os.fork()
                    if grandchild == 0:
                        e.log_metric("grandchild", n)
                        os._exit(0)
                    os.waitpid(grandchild, 0)
                os._exit(0)
            codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        stop.set()
        for thread in threads:
            thread.join()
        assert set(codes) == {0}, codes
        report = e.end(50)
        assert report.delivered, report
        Path(sys.argv[0]).with_name("logged").write_text(json.dumps(logged))
    """)
    assert (done.returncode, done.stderr) == (0, "")
    arrived: dict[str, list[float]] = {}
    for value in comet.stored_metric_values():
        arrived.setdefault(value["metricName"], []).append(value["metricValue"])
    logged = json.loads((tmp_path / "logged").read_text())
    assert sorted(arrived.pop("child")) == [n for n in range(80) if n % 10 <= 4]
    assert sorted(arrived.pop("grandchild")) == list(range(1, 80, 10))
    assert arrived == {name: list(range(1, last + 1)) for name, last in logged.items()}
    # A child that dies while it deletes a delivered journal leaves the rest of it to whoever adopts next.
    sweep(journals)
    assert (_ends(comet), _failures(comet), _left(journals)) == (1, [], [])
