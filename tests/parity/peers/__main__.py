"""`python -m tests.parity.peers <tracker> <folder> <file> [<observation>...]`: plays it there, writes what it found.

Nothing that it plays reaches another machine. The file is a table of observations, as JSON.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from tests.parity.peers import guard


def main(flavor: str, folder: Path, target: Path, names: list[str]) -> None:
    """Plays one tracker in a folder that is empty."""
    os.environ.update(guard.variables())
    os.environ.update(
        HOME=str(folder),
        ZENML_CONFIG_PATH=str(folder / "zenml"),
        ZENML_LOGGING_VERBOSITY="ERROR",
        ZENML_DISABLE_RICH_TRACEBACK="true",
        WANDB_DIR=str(folder),
        TRACKIO_DIR=str(folder / "trackio"),
    )
    os.chdir(folder)
    guard.close()
    from zenml.utils import source_utils

    from tests.parity.peers import observations
    from tests.parity.peers.trackers import PEERS

    source_utils.set_custom_source_root(str(Path(__file__).parents[3]))
    stage = observations.Stage(PEERS[flavor](folder))
    found = observations.observed(stage, names)
    target.write_text(json.dumps({"found": found, "refused": sorted(set(guard.refused))}), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4:])
