"""`make parity`: writes docs/parity.md and puts every check to this tracker and to ZenML's own.

`python -m tests.parity write` writes the page alone. Exit code 1 when ours fails a check, or the other one passes it or
fails it for another reason than the table has.
"""

from __future__ import annotations

import os
import subprocess
import sys

from tests.parity import page
from tests.parity.subjects import SUBJECTS
from tests.parity.table import points


def main(words: list[str]) -> int:
    """Does both, or with `write` the first."""
    page.PAGE.write_text(page.written(), "utf-8")
    if words == ["write"]:
        return 0
    failed = [flavor for flavor in SUBJECTS if _play(flavor) != 0]
    print(f"{len(points())} points; not as the table has them with: {', '.join(failed) or 'neither'}")
    return 1 if failed else 0


def _play(flavor: str) -> int:
    print(f"--- {flavor}", flush=True)
    # The official SDK warns of much, and has its own threads; half a minute for a server that is away is usual.
    quiet = ["-W", "default", "--disable-warnings"] if flavor != next(iter(SUBJECTS)) else []
    command = [sys.executable, "-m", "pytest", "-n", "0", "-v", "--tb=line", "--timeout", "600", *quiet]
    command += ["tests/parity/test_points.py", "-k", "test_the_point"]
    return subprocess.run(command, env={**os.environ, "PARITY_FLAVOR": flavor}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
