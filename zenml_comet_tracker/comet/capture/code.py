"""The source of the program that runs, as far as there is one."""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zenml_comet_tracker.comet.capture import cells
from zenml_comet_tracker.comet.guard import interrupts

logger = logging.getLogger(__name__)

MAX_BYTES = 10 << 20
NOTEBOOK = "notebook.py"
COMMAND = "command.py"


@dataclass(frozen=True)
class Code:
    """Source text, what it is called, and the file it stands in, if it stands in one."""

    text: str
    file_name: str
    path: str | None = None


def of_program() -> Code | None:
    """The cells of a notebook or of IPython so far, the script, or what stood behind `python -c`; None for others."""
    return _first_that_is_there(_of_cells, _of_script, _of_command)


def of_cells() -> Code | None:
    """The cells of a notebook or of IPython so far; None elsewhere."""
    return _first_that_is_there(_of_cells)


def program_path() -> Path | None:
    """The script's file, None where there is no script."""
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    path = Path(file).absolute() if isinstance(file, str) else None
    return path if path is not None and path.is_file() else None


def _first_that_is_there(*sources: Any) -> Code | None:
    for source in sources:
        try:
            found = source()
        except Exception as error:
            if interrupts(error):
                raise
            # A shell with a history of its own kind, a file that is no text: there is just nothing to show.
            logger.debug("The program's source cannot be read: %s: %s", type(error).__name__, error)
            continue
        if found is not None and found.text.strip():
            return found if len(found.text) <= MAX_BYTES else None
    return None


def _of_cells() -> Code | None:
    shell = cells.shell()
    if shell is None:
        return None
    typed = [str(cell) for cell in shell.history_manager.input_hist_raw]
    blocks = [f"# In[{number}]:\n\n{cell.rstrip()}\n" for number, cell in enumerate(typed) if cell.strip()]
    return Code("\n\n".join(blocks), NOTEBOOK)


def _of_script() -> Code | None:
    path = program_path()
    if path is not None and path.stat().st_size <= MAX_BYTES and not _is_binary(path):
        import tokenize

        # As Python reads it: in the encoding that the file says.
        with tokenize.open(str(path)) as stream:
            return Code(stream.read(), path.name, str(path))
    # A program inside a zip file, say.
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    source = getattr(getattr(spec, "loader", None), "get_source", lambda name: None)(getattr(spec, "name", ""))
    return None if source is None or spec is None else Code(source, f"{spec.name}.py")


def _is_binary(path: Path) -> bool:
    with path.open("rb") as stream:
        return b"\0" in stream.read(1024)


def _of_command() -> Code | None:
    arguments = sys.orig_argv
    return Code(arguments[arguments.index("-c") + 1], COMMAND) if "-c" in arguments[:-1] else None
