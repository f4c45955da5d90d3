"""Children that are forked while much goes on in their parent, and that somebody wants gone at once."""

from __future__ import annotations

from pathlib import Path

from tests.comet import programs
from tests.comet.scripted import ScriptedComet


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
