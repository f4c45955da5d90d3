"""`make compat-zenml`: the part of the suite that touches ZenML, with several of its versions and several Pythons.

Each cell has an environment of its own below `.venv-compat`, made once. Prints a table, and writes it to
docs/compatibility.md when every cell was played. Exit code 1 when a cell fails or runs out of time.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from tests.compat.cells import CELLS, ROOT, Cell, interpreter

PAGE = ROOT / "docs" / "compatibility.md"
START, END = "<!-- results of make compat-zenml -->", "<!-- end of results -->"
# Seconds for one cell: to set it up from an empty cache, and to play it.
SET_UP_SECONDS, PLAY_SECONDS = 900.0, 2400.0


@dataclass(frozen=True)
class Result:
    """How a cell went; `told` is None when it passed."""

    cell: Cell
    passed: int = 0
    seconds: float = 0.0
    told: str | None = None

    @property
    def row(self) -> str:
        """Its line in the table."""
        found = f"{self.passed} passed" + (f", {self.told}" if self.told else "")
        return f"| {self.cell.python} | {self.cell.zenml} | {found} | {self.seconds:.0f} |"


def main(words: Sequence[str]) -> int:
    """Plays the cells, one after the other, and says how each went."""
    parser = argparse.ArgumentParser(prog="python -m tests.compat", description=__doc__)
    parser.add_argument("cells", nargs="*", metavar="CELL", help=f"some of {' '.join(cell.name for cell in CELLS)}")
    parser.add_argument("--at-once", type=int, default=2, help="how many processes play a cell")
    parser.add_argument("--only", help="what of the suite instead, for example tests/tracker/test_runs.py")
    options = parser.parse_args(words)
    unknown = set(options.cells) - {cell.name for cell in CELLS}
    if unknown:
        parser.error(f"no such cell: {', '.join(sorted(unknown))}")
    # A shell has its background jobs ignore it, and what they start inherits that; the tests send it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    wanted = [cell for cell in CELLS if cell.name in options.cells or not options.cells]
    results = []
    for cell in wanted:
        print(f"--- Python {cell.python}, ZenML {cell.zenml}", flush=True)
        results.append(_played(cell, [options.only] if options.only else cell.tests, options.at_once))
        print(results[-1].row, flush=True)
    table = "\n".join(_table(results))
    print(table)
    if len(results) == len(CELLS) and not options.only:
        _write(table)
    return 1 if any(result.told for result in results) else 0


def _played(cell: Cell, tests: Iterable[str], at_once: int) -> Result:
    found = interpreter(cell.python)
    if found is None:
        return Result(cell, told="not played: this machine has no such Python")
    if not _set_up(cell, found):
        return Result(cell, told="could not be set up")
    report = cell.place / "report.xml"
    report.unlink(missing_ok=True)
    started = time.monotonic()
    options = [
        "-n",
        str(at_once if at_once > 1 else 0),
        "--dist",
        "loadfile",
        "-p",
        "no:cacheprovider",
        f"--junitxml={report}",
    ]
    code = _run([str(cell.place / "bin/python"), "-m", "pytest", *options, *tests], PLAY_SECONDS)
    seconds = time.monotonic() - started
    if not report.exists():
        return Result(cell, seconds=seconds, told="out of time" if code is None else f"pytest ended with {code}")
    (suite,) = ElementTree.parse(report).getroot().iter("testsuite")
    failed, skipped = (
        sum(int(suite.get(name, 0)) for name in names) for names in (("failures", "errors"), ("skipped",))
    )
    passed = int(suite.get("tests", 0)) - failed - skipped
    return Result(cell, passed, seconds, f"{failed} failed" if failed or code else None)


def _set_up(cell: Cell, python: Path) -> bool:
    """Whether the cell's environment has this checkout and its versions; one that was made before is kept."""
    binary = cell.place / "bin/python"
    mark = cell.place / ".ready"
    if mark.exists() and mark.stat().st_mtime >= (ROOT / "pyproject.toml").stat().st_mtime:
        return True
    install = ["-e", ".[local,examples]", "--group", "test", f"zenml[local]=={cell.zenml}"]
    if uv := shutil.which("uv"):
        steps = [
            [uv, "venv", "--quiet", "--allow-existing", "--python", str(python), str(cell.place)],
            [uv, "pip", "install", "--quiet", "--python", str(binary), *install],
        ]
    else:
        pip = [str(binary), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        # The pip that comes with a Python may be too old to know groups.
        steps = [[str(python), "-m", "venv", str(cell.place)], [*pip, "--upgrade", "pip"], [*pip, *install]]
    good = all(_run(step, SET_UP_SECONDS) == 0 for step in steps)
    if good:
        mark.touch()
    return good


def _run(command: Sequence[str], seconds: float) -> int | None:
    """The exit code of a command; None when it ran out of time and was ended with all that it started."""
    environment = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True)
    try:
        return process.wait(seconds)
    except BaseException as error:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if isinstance(error, subprocess.TimeoutExpired):
            return None
        raise


def _table(results: Iterable[Result]) -> list[str]:
    return ["| Python | ZenML | Result | Seconds |", "|---|---|---|---|", *(result.row for result in results)]


def _write(table: str) -> None:
    page = PAGE.read_text("utf-8")
    pattern = re.escape(START) + ".*?" + re.escape(END)
    PAGE.write_text(re.sub(pattern, lambda _: f"{START}\n{table}\n{END}", page, count=1, flags=re.DOTALL), "utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
