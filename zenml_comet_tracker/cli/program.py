"""How the user can type this command here: a virtual environment's programs are often not on the PATH."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

NAME = "zenml-comet"


def typed(words: str) -> str:
    """`zenml-comet <words>`, with the path of the program in front where the PATH does not lead to it.

    The path is relative to the working directory when the program lies below it.
    """
    own = Path(sys.executable).parent / NAME
    found = shutil.which(NAME)
    if not own.exists() or (found is not None and Path(found).samefile(own)):
        return f"{NAME} {words}"
    below = os.path.relpath(own)
    return f"{own if below.startswith(os.pardir) else below} {words}"
