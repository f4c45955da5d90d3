"""The versions of ZenML and Python that the suite is played with, and what of the suite."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
# The newest ZenML and the three minor versions before it, each at its last patch.
NEWEST, *OLDER = ("0.98.0", "0.97.0", "0.96.4", "0.95.1")
PYTHON, *OTHER_PYTHONS = ("3.11", "3.10", "3.12", "3.13")

# What touches ZenML.
OF_ZENML = (
    "tests/tracker",
    "tests/test_flavor.py",
    "tests/test_docs_zenml.py",
    "tests/cli/test_zenml_cli.py",
    "tests/cli/test_sync.py",
    "tests/cli/test_setup.py",
    "tests/cli/test_from_builtin.py",
    "tests/cli/test_setup.py",
    "tests/cli/test_from_builtin.py",
    "tests/cli/test_doctor.py",
)
# What leans on Python itself: values and their text, processes and their ends, files, sockets, SQL.
OF_PYTHON = (
    "tests/test_layers.py",
    "tests/comet/capture",
    "tests/comet/test_errors.py",
    "tests/comet/test_exits.py",
    "tests/comet/test_experiment.py",
    "tests/comet/test_handles.py",
    "tests/comet/test_journal.py",
    "tests/comet/test_query.py",
    "tests/comet/test_query_text.py",
    "tests/comet/test_settings.py",
    "tests/comet/test_transport.py",
    "tests/comet/test_values.py",
    "tests/local/store",
    "tests/local/test_launch.py",
    "tests/local/test_wire.py",
)


@dataclass(frozen=True)
class Cell:
    """One Python with one ZenML."""

    python: str
    zenml: str

    @property
    def name(self) -> str:
        """`<python>-<zenml>`, as the command takes it."""
        return f"{self.python}-{self.zenml}"

    @property
    def place(self) -> Path:
        """Where its environment is."""
        return ROOT / ".venv-compat" / self.name

    @property
    def tests(self) -> tuple[str, ...]:
        """What of the suite is played."""
        chosen = OF_ZENML if self.python == PYTHON else OF_ZENML + OF_PYTHON
        return tuple(path for path in chosen if (ROOT / path).exists())


CELLS = tuple([Cell(PYTHON, zenml) for zenml in (NEWEST, *OLDER)] + [Cell(python, NEWEST) for python in OTHER_PYTHONS])


def interpreter(python: str) -> Path | None:
    """The newest Python of this minor version that pyenv has, else that of the path; None when there is none."""
    versions = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    found = sorted(versions.glob(f"{python}.*/bin/python"), key=_patch)
    if found:
        return found[-1]
    on_path = shutil.which(f"python{python}")
    return Path(on_path) if on_path else None


def _patch(path: Path) -> int:
    patch = path.parents[1].name.split(".")[2]
    return int(patch) if patch.isdecimal() else -1
