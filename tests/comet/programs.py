"""Programs that log to an experiment, run as processes of their own: how they end is what is tested."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

DEADLINE = 60


def write_program(folder: Path, root: str, journals: Path, script: str) -> Path:
    """A file that processes started by `spawn` can import; its `experiment()` makes one, with the arguments given."""
    head = f"""
        import json, multiprocessing, os, signal, sys, threading, time
        from pathlib import Path
        from zenml_comet_tracker import Experiment

        def experiment(**more):
            return Experiment(**{{"api_key": "k", "url": {root!r}, "journal_folder": {str(journals)!r}, **more}})

        # A deadlock kills the process, and so fails the test.
        signal.alarm({DEADLINE})
    """
    path = folder / "program.py"
    path.write_text(textwrap.dedent(head) + textwrap.dedent(script))
    return path


def run(folder: Path, root: str, journals: Path, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs the program to its end, whatever that is."""
    import os

    return subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", str(write_program(folder, root, journals, script))],
        capture_output=True,
        text=True,
        timeout=2 * DEADLINE,
        check=False,
        env={**os.environ, **environment},
    )
