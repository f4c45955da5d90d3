"""Measures the local Comet and prints a table with targets and verdicts: `python -m benchmarks.server`."""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path

from benchmarks.page import write
from benchmarks.server.ingest import ingest, writers
from benchmarks.server.reading import reading
from benchmarks.server.rows import HEADINGS, Case
from benchmarks.server.search import search
from benchmarks.server.starting import starting

CASES: dict[str, Case] = {
    "ingest": ingest,
    "writers": writers,
    "reading": reading,
    "search": search,
    "starting": starting,
}
MARK = "measured: server"


def table(wanted: Sequence[str], rounds: int) -> Iterator[str]:
    """The lines of the table, as they come."""
    yield f"| {' | '.join(HEADINGS)} |"
    yield f"|{'---|' * len(HEADINGS)}"
    for name in wanted:
        folder = Path(tempfile.mkdtemp(prefix="zenml-comet-bench-"))
        try:
            for row in CASES[name](folder, rounds):
                yield f"| {' | '.join(row.cells())} |"
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def circumstances(rounds: int) -> str:
    """When and on what the figures were measured."""
    facts = [
        f"{datetime.now(timezone.utc):%Y-%m-%d}",
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end",
    ]
    facts += [f"Python {platform.python_version()}", f"SQLite {sqlite3.sqlite_version}", f"medians of {rounds} rounds"]
    return f"{', '.join(facts)}:"


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks server", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured")
    parser.add_argument("--case", choices=list(CASES), action="append", help="only these cases")
    parser.add_argument("--write", action="store_true", help="also put the table into the page on performance")
    options = parser.parse_args(arguments)
    lines = []
    for line in table(options.case or list(CASES), options.rounds):
        print(line, flush=True)
        lines.append(line)
    if options.write:
        write(MARK, "\n".join([circumstances(options.rounds), "", *lines]))


if __name__ == "__main__":
    main(sys.argv[1:])
