"""Real programs: their console byte for byte as without us, their output whole on the server, however they end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.fixtures.local_server import LocalServer

HEAD = """
    import contextlib, io, logging, multiprocessing, os, signal, sys, threading, time
    signal.alarm(60)
"""
# The same program with and without an experiment: what it prints must be the same.
BEGIN = """
    from zenml_comet_tracker import CaptureOptions, Experiment
    experiment = Experiment(
        experiment_key=os.environ["KEY"], mode="get_or_create",
        capture=CaptureOptions(log_error=True, log_code=False, log_system_details=False, log_system_metrics=False),
    )
"""


class Program:
    """A script that is run twice: plain, and with an experiment."""

    def __init__(self, folder: Path, server: LocalServer) -> None:
        self._folder = folder
        self._server = server

    def run(self, key: str, script: str) -> tuple[bytes, bytes]:
        """stdout and stderr, the same both times."""
        # Comments in its place, so that a traceback names the same line.
        plain = self._write("plain", script, re.sub(r"\S.*", "#", BEGIN))
        captured = self._write("captured", script, BEGIN)
        results = [self._call([sys.executable, str(path)], key) for path in (plain, captured)]
        assert results[0] == results[1]
        return results[1]

    def run_captured(self, key: str, script: str) -> bytes:
        """stdout, with an experiment."""
        return self._call([sys.executable, str(self._write("captured", script, BEGIN))], key)[0]

    def exit_code(self, key: str, script: str) -> int:
        """How a program ends."""
        path = self._write("ending", script, "")
        done = subprocess.run([sys.executable, str(path)], capture_output=True, timeout=100, env=self.environment(key))
        return done.returncode

    def output(self, key: str) -> str:
        """What the server has of it."""
        return str(self._server.get("experiment/output", experimentKey=key)["output"])

    def _write(self, name: str, script: str, begin: str) -> Path:
        path = self._folder / name / "program.py"
        path.parent.mkdir(exist_ok=True)
        begin = textwrap.dedent(begin)
        text = re.sub(
            "^( *)BEGIN$", lambda place: textwrap.indent(begin, place[1]), textwrap.dedent(script), flags=re.M
        )
        path.write_text(textwrap.dedent(HEAD) + text)
        return path

    def _call(self, command: list[str], key: str) -> tuple[bytes, bytes]:
        done = subprocess.run(command, capture_output=True, timeout=100, env=self.environment(key), check=False)
        return done.stdout, done.stderr.replace(
            str(self._folder / "captured").encode(), str(self._folder / "plain").encode()
        )

    def environment(self, key: str) -> dict[str, str]:
        """Where the program finds the server."""
        return {
            **os.environ,
            "KEY": key,
            "COMET_API_KEY": self._server.api_key,
            "COMET_URL_OVERRIDE": self._server.url,
            "ZENML_COMET_JOURNAL": str(self._folder / "journals"),
            "PYTHONPATH": os.pathsep.join(sys.path),
        }


@pytest.fixture
def program(tmp_path: Path, local_server: LocalServer) -> Program:
    return Program(tmp_path, local_server)


def test_bars_loggers_threads_and_an_exception(program: Program, key: str, local_server: LocalServer) -> None:
    stdout, stderr = program.run(
        key,
        """
        logging.basicConfig(format="%(message)s")  # holds the stream from before
        import zenml_comet_tracker
        BEGIN
        print("start", sys.stdout is sys.__stdout__, sys.stdout.isatty(), sys.stdout.encoding, sys.stdout.fileno())
        for percent in range(0, 101, 10):
            sys.stderr.write(f"\\r{percent:3d}%|{'#' * (percent // 10)}")
        print(file=sys.stderr)
        logging.warning("logged")
        print("to the old name", file=sys.__stdout__)
        with contextlib.redirect_stdout(io.StringIO()):
            print("elsewhere")
        threads = [threading.Thread(target=print, args=(f"thread {n}",), kwargs={"flush": True}) for n in range(4)]
        for thread in threads:
            thread.start()
            thread.join()
        sys.stdout.buffer.write(b"")
        raise SystemError("at the end")
        """,
    )
    assert stderr.startswith(b"\r  0%|\r 10%|#")
    lines = program.output(key).splitlines()
    out = ["start True False utf-8 1", "to the old name", *(f"thread {number}" for number in range(4))]
    assert [line for line in lines if line in out] == out == stdout.decode().splitlines()
    assert lines.index("100%|##########") < lines.index("logged") < lines.index("SystemError: at the end")
    assert "elsewhere" not in lines
    assert len([line for line in lines if "%" in line]) == 1
    assert local_server.get("experiment/metadata", experimentKey=key)["hasCrashed"] is True


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_children(program: Program, key: str, method: str) -> None:
    stdout = program.run_captured(
        key,
        f"""
        def work(number):
            print("child", number, flush=True)
            print("child again", number, flush=True)

        if __name__ == "__main__":
            BEGIN
            print("before", flush=True)
            context = multiprocessing.get_context("{method}")
            for number in range(2):
                child = context.Process(target=work, args=(number,))
                child.start()
                child.join()
                assert child.exitcode == 0
            print("after", flush=True)
        """,
    )
    lines = stdout.decode().splitlines()
    assert lines == ["before", "child 0", "child again 0", "child 1", "child again 1", "after"]
    # A spawned child prints to a stream of its own, of which nobody here knows.
    expected = lines if method == "fork" else ["before", "after"]
    assert sorted(program.output(key).splitlines()) == sorted(expected)


def test_ctrl_c_kills_as_it_would_have_without_us(program: Program, key: str) -> None:
    # What is found out in the background imports modules that compile texts, by which Python forgets the signal.
    script = """
        from zenml_comet_tracker import CaptureOptions, Experiment
        experiment = Experiment(experiment_key=os.environ["KEY"], mode="get_or_create", capture=CaptureOptions())
        os.kill(os.getpid(), signal.SIGINT)
    """
    assert program.exit_code(key, script) == -signal.SIGINT


def test_a_fork_right_behind_the_start_leaves_no_module_half_imported(program: Program, key: str) -> None:
    script = """
        from zenml_comet_tracker import CaptureOptions, Experiment
        options = CaptureOptions(log_system_details=False)
        experiment = Experiment(experiment_key=os.environ["KEY"], mode="get_or_create", capture=options)
        child = os.fork()
        if child == 0:
            signal.alarm(10)
            import psutil
            os._exit(0)
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0)
    """
    assert program.exit_code(key, script) == 0
