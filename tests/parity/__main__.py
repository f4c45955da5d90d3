"""`make parity`: writes docs/parity.md, puts every check to both Comet trackers, and plays ZenML's other ones.

`python -m tests.parity write` writes the page alone, `python -m tests.parity mlflow wandb` plays these alone. Exit
code 1 when ours fails a check, ZenML's passes it or fails it for another reason than the table has, or one of the
others does not do what the page says of it.
"""

from __future__ import annotations

import os
import subprocess
import sys

from tests.parity import page
from tests.parity.peers import playing
from tests.parity.subjects import SUBJECTS
from tests.parity.table import TRACKERS, points


def main(words: list[str]) -> int:
    """Does all, or what the words say."""
    page.PAGE.write_text(page.written(), "utf-8")
    if words == ["write"]:
        return 0
    if unknown := set(words) - set(TRACKERS):
        print(f"no such tracker: {', '.join(sorted(unknown))}; there are {', '.join(TRACKERS)}", file=sys.stderr)
        return 2
    failed = [] if words else [flavor for flavor in SUBJECTS if _play(flavor) != 0]
    if not words:
        print(f"{len(points())} points; not as the table has them with: {', '.join(failed) or 'neither'}")
    wrong = playing.play(words)
    print(f"What ZenML's trackers do is not what the page says of: {', '.join(wrong) or 'none'}")
    return 1 if failed or wrong else 0


def _play(flavor: str) -> int:
    print(f"--- {flavor}", flush=True)
    # The official SDK warns of much, and has its own threads; half a minute for a server that is away is usual.
    quiet = ["-W", "default", "--disable-warnings"] if flavor != next(iter(SUBJECTS)) else []
    command = [sys.executable, "-m", "pytest", "-n", "0", "-v", "--tb=line", "--timeout", "600", *quiet]
    command += ["tests/parity/test_points.py", "-k", "test_the_point"]
    return subprocess.run(command, env={**os.environ, "PARITY_FLAVOR": flavor}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
