"""Runs every case for every client, interleaved, and prints the medians as a Markdown table.

`python -m benchmarks server` measures the local Comet instead, `python -m benchmarks steps` a step of ZenML.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from importlib.metadata import version

from benchmarks.cases import CASES, Figures
from benchmarks.clients import COMET_ML, MODULES, OPENERS, OURS, TRACKIO
from benchmarks.page import PAGE, write
from benchmarks.targets import TARGETS

LIMIT_SECONDS = 900
MARK = "measured"


@contextmanager
def stand_in() -> Iterator[str]:
    """The root of a running stand-in server."""
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.standin"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def measure(client: str, case: str, root: str) -> Figures:
    """One case in a fresh process with an empty home."""
    urllib.request.urlopen(f"{root}/reset", timeout=60).close()
    with tempfile.TemporaryDirectory(prefix="zenml-comet-bench-") as home:
        # PYTHONDONTWRITEBYTECODE would have some clients compiled at each import, and others not.
        foreign = ("COMET_", "ZENML_", "TRACKIO_", "PYTHON")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.cases", client, case, root],
            stdout=subprocess.PIPE,
            text=True,
            timeout=LIMIT_SECONDS,
            check=True,
            env=environment | {"HOME": home, "TMPDIR": home},
        )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def run_case(case: str, clients: list[str], rounds: int, root: str) -> list[dict[str, Figures]]:
    """Every round's figures by client; the clients take turns, so that a busy minute meets all of them."""
    taking_part = [client for client in clients if client in CASES[case].clients]
    times = min(rounds, CASES[case].most_rounds)
    return [{client: measure(client, case, root) for client in taking_part} for _ in range(times)]


def rows(case: str, clients: list[str], rounds: list[dict[str, Figures]]) -> Iterator[str]:
    """One table row for each figure of a case."""
    for figure in rounds[0][OURS]:
        medians = {
            client: statistics.median(one[client][figure] for one in rounds)
            for client in rounds[0]
            if figure in rounds[0][client]
        }
        target = TARGETS.get((case, figure))
        cells = [case, figure, *(f"{medians[c]:.4g}" if c in medians else "" for c in clients)]
        cells += [f"at most {target}", target.verdict(medians)] if target else ["", ""]
        yield f"| {' | '.join(cells)} |"


def circumstances(rounds: int) -> str:
    """When and on what the figures were measured."""
    versions = [f"{client} {version(client)}" for client in (COMET_ML, TRACKIO) if _is_installed(client)]
    load = os.getloadavg()[0]
    facts = [f"{datetime.now(timezone.utc):%Y-%m-%d}", f"{os.cpu_count()} cores, load {load:.1f} at the end"]
    facts += [f"Python {platform.python_version()}", *versions, f"medians of {rounds} rounds"]
    return f"{', '.join(facts)}:"


def table(wanted: list[str], clients: list[str], rounds: int) -> Iterator[str]:
    """The lines of the table, as they come."""
    labels = [f"{client} (lean)" if client == COMET_ML else client for client in clients]
    yield f"| case | figure | {' | '.join(labels)} | target | verdict |"
    yield f"|{'---|' * (len(labels) + 4)}"
    with stand_in() as root:
        for client in clients:
            # Compiles what was never imported here before.
            measure(client, "import", root)
        for case in wanted:
            yield from rows(case, clients, run_case(case, clients, rounds, root))


def _is_installed(client: str) -> bool:
    return importlib.util.find_spec(MODULES[client][0].partition(".")[0]) is not None


def main() -> None:
    """Prints the table; with `server` or `steps` as the first argument, that of the local Comet or of ZenML's steps."""
    if sys.argv[1:2] in (["server"], ["steps"]):
        # They need dependencies that the clients are measured without.
        importlib.import_module(f"benchmarks.{sys.argv[1]}.__main__").main(sys.argv[2:])
        return
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often each case runs; the long ones run less often")
    parser.add_argument("--case", choices=list(CASES), action="append", help="only these cases")
    parser.add_argument("--client", choices=[c for c in OPENERS if c != OURS], action="append", help="only these peers")
    parser.add_argument("--write", action="store_true", help=f"also put the table into {PAGE.name}")
    arguments = parser.parse_args()
    wanted = [OURS, *(arguments.client or [client for client in OPENERS if client != OURS])]
    clients = [client for client in wanted if _is_installed(client)]
    for client in set(wanted) - set(clients):
        print(f"{client} is not installed here and is left out; `make bench` brings it.", file=sys.stderr)
    lines = []
    for line in table(arguments.case or list(CASES), clients, arguments.rounds):
        print(line, flush=True)
        lines.append(line)
    if arguments.write:
        write(MARK, "\n".join([circumstances(arguments.rounds), "", *lines]))


if __name__ == "__main__":
    main()
