"""Runs every case for every client, interleaved, and prints medians and ratios as a Markdown table."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.cases import CASES, CLIENTS, DELIVERED_POINTS

OURS, PEER = CLIENTS
LIMIT_SECONDS = 300


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


def ask(root: str, path: str) -> dict[str, int]:
    """What the stand-in says."""
    with urllib.request.urlopen(f"{root}/{path}", timeout=30) as answer:
        return dict(json.load(answer))


def measure(client: str, case: str, root: str) -> dict[str, float]:
    """One case in a fresh process with an empty home; what the server counted is part of the figures."""
    ask(root, "reset")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COMET_")} | {"HOME": tempfile.mkdtemp()}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.cases", client, case, root],
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=True,
        env=environment,
    )
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    counted = ask(root, "points")
    if case.startswith("deliver"):
        figures["lost"] = DELIVERED_POINTS - counted["points"]
    if case != "import":
        figures["requests"] = counted["requests"]
    return figures


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--case", choices=list(CASES), action="append", help="only these cases")
    arguments = parser.parse_args()
    print(f"| case | figure | {OURS} | {PEER} (lean) | ratio |\n|---|---|---|---|---|")
    with stand_in() as root:
        for case in arguments.case or CASES:
            rounds = [{c: measure(c, case, root) for c in CLIENTS} for _ in range(arguments.rounds)]
            for figure in rounds[0][OURS]:
                ours, peer = (statistics.median(r[c][figure] for r in rounds) for c in (OURS, PEER))
                ratio = f"{ours / peer:.3f}" if peer else "-"
                print(f"| {case} | {figure} | {ours:.4g} | {peer:.4g} | {ratio} |", flush=True)


if __name__ == "__main__":
    main()
