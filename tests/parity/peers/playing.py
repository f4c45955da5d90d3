"""Plays ZenML's other trackers and holds what they do to what the page says of them."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.parity.peers.observations import ALONE
from tests.parity.peers.places import python
from tests.parity.table import TRACKERS, expected

ROOT = Path(__file__).parents[3]
# The longest waits for a server that is away: MLflow's SDK four minutes, Neptune's three.
_SECONDS = 600


def play(wanted: list[str]) -> list[str]:
    """The trackers of these of which the page says what is not so; prints what each did.

    Those that cannot be installed are named and left out.
    """
    environments = {tracker: python(tracker) for tracker in wanted or TRACKERS}
    # Most of the time of a process is waiting: ZenML's imports, and servers that are away.
    with ThreadPoolExecutor(3) as pool:
        runs = {
            tracker: [pool.submit(_run, executable, tracker, names) for names in _processes(tracker)]
            for tracker, executable in environments.items()
            if executable is not None
        }
        wrong = [tracker for tracker in runs if not _compared(tracker, [run.result() for run in runs[tracker]])]
    left = [tracker for tracker, executable in environments.items() if executable is None]
    print(
        f"Not played, so its cells stay as they were read and seen before: {', '.join(left)}" if left else "All played."
    )
    return wrong


def _processes(tracker: str) -> Iterator[list[str]]:
    names = expected(tracker)
    yield [name for name in names if name not in ALONE]
    yield from ([name] for name in names if name in ALONE)


def _run(executable: Path, tracker: str, names: list[str]) -> dict[str, str]:
    with tempfile.TemporaryDirectory(prefix=f"parity-{tracker}-", ignore_cleanup_errors=True) as folder:
        target = Path(folder) / "found.json"
        place = Path(folder) / "here"
        place.mkdir()
        command = [executable, "-m", "tests.parity.peers", tracker, place, target, *names]
        try:
            done = subprocess.run(
                command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=_SECONDS, errors="replace"
            )
        except subprocess.TimeoutExpired:
            return dict.fromkeys(names, f"not done after {_SECONDS} s")
        if not target.exists():
            last = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
            return dict.fromkeys(names, f"not played: {last[0]}")
        told = json.loads(target.read_text("utf-8"))
    if told["refused"]:
        print(f"{tracker} was kept from {', '.join(told['refused'])}", flush=True)
    found: dict[str, str] = told["found"]
    return found


def _compared(tracker: str, parts: list[dict[str, str]]) -> bool:
    print(f"--- {tracker}", flush=True)
    found = {name: said for part in parts for name, said in part.items()}
    right = True
    for name, patterns in expected(tracker).items():
        missed = [pattern for pattern in patterns if not re.search(pattern, found[name])]
        right &= not missed
        print(f"{'ok ' if not missed else 'NOT'} {name}: {found[name]}", flush=True)
        for pattern in missed:
            print(f"    the page stands on {pattern}", flush=True)
    return right
