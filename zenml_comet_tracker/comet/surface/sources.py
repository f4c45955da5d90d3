"""The source code of an experiment, and the repository that it comes from."""

from __future__ import annotations

import tokenize
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zenml_comet_tracker.comet.errors import InvalidValueError
from zenml_comet_tracker.comet.guard import logging_call
from zenml_comet_tracker.comet.media.files import file_contents, files_below
from zenml_comet_tracker.comet.surface.base import Surface
from zenml_comet_tracker.comet.surface.files import described
from zenml_comet_tracker.comet.texts import text_of

# What looks at the program is loaded only where somebody looks.
if TYPE_CHECKING:
    from zenml_comet_tracker.comet.capture.git import GitState

# What a source without a name is called.
DEFAULT_NAME = "Default"
_TYPE = "source_code"
_MANUAL = {"source_code_type": "manual"}
# Of a folder, those files whose endings are of sources, and none below folders that hold what was made or fetched.
_ENDINGS = frozenset(
    {".c", ".cc", ".cfg", ".cpp", ".cu", ".go", ".h", ".hpp", ".ini", ".ipynb", ".java", ".jl", ".js", ".json", ".md"}
    | {".py", ".pyi", ".pyx", ".r", ".rs", ".rst", ".scala", ".sh", ".sql", ".toml", ".ts", ".txt", ".yaml", ".yml"}
)
_LEFT_OUT = frozenset({"__pycache__", "node_modules", "site-packages", "venv"})


class Sources(Surface):
    """Code, notebooks, git."""

    @logging_call
    def log_code(
        self,
        code: Any = None,
        folder: str | PathLike[str] | None = None,
        file_name: str | PathLike[str] | None = None,
        code_name: str | None = None,
        overwrite: bool = False,
        metadata: Any = None,
    ) -> list[tuple[str, dict[str, str]]] | None:
        """Logs source code: a text, or the file when `code` or `file_name` names one, or every source below a `folder`.

        Without any of them the running program. One text or file becomes the experiment's code; each file is a
        `source_code` asset too, named as in the folder, or `code_name`. Returns name and asset of each. Of a folder,
        hidden files and folders, and those of virtual environments and caches, are left out.
        """
        if folder is not None:
            return self._log_sources(Path(folder), overwrite, metadata)
        path = _named_file(code, file_name)
        if path is not None:
            name, text = code_name or str(file_name or code), _read(path)
        elif code is not None:
            name, text = code_name or (str(file_name) if file_name else DEFAULT_NAME), text_of(code)
        else:
            from zenml_comet_tracker.comet.capture import code as programs

            program = programs.of_program()
            if program is None:
                raise InvalidValueError("The running program has no source to log; pass code, file_name or folder")
            name, text = code_name or program.file_name, program.text
        self._record.source(text)
        found = self._log_source(name, text.encode("utf-8", "replace"), overwrite, metadata)
        return None if found is None else [(Path(name).name, found)]

    @logging_call
    def set_code(
        self, code: Any = None, overwrite: bool = False, filename: str | PathLike[str] | None = None
    ) -> list[tuple[str, dict[str, str]]] | None:
        """As `log_code`, of a text or a file."""
        return self.log_code(code, file_name=filename if code is None else None, overwrite=overwrite)

    @logging_call
    def log_notebook(self, filename: str | PathLike[str], overwrite: bool = False) -> dict[str, str] | None:
        """Logs a notebook's file; returns the same as `log_asset`."""
        if Path(filename).suffix != ".ipynb":
            raise InvalidValueError(f"A notebook is expected, a file that ends with .ipynb; got {filename}")
        data, name = file_contents(filename, None)
        return self._record.file("asset", name, data, type="notebook", overwrite=overwrite)

    @logging_call
    def log_git_metadata(
        self,
        branch: str | None = None,
        origin: str | None = None,
        parent: str | None = None,
        user: str | None = None,
        root: str | None = None,
    ) -> None:
        """Says where the code comes from: `parent` is the commit. It takes the place of what was said before.

        Without any argument, the state of the repository that the program lies in.
        """
        given = {"user": user, "root": root, "branch": branch, "parent": parent, "origin": origin}
        if all(said is None for said in given.values()):
            given = _state().metadata
        self._record.git(given, by_user=True)

    @logging_call
    def log_git_patch(self, patch: str | bytes | PathLike[str] | None = None) -> dict[str, str] | None:
        """Logs what was not committed: a diff, or a file that holds one or a zip of one; the last one counts.

        Without any, the changes in the repository that the program lies in.
        """
        if patch is None:
            found = _state().patch
            if found is None:
                return None
            from zenml_comet_tracker.comet.capture.git import zipped

            data = zipped(found)
        elif isinstance(patch, PathLike) or (isinstance(patch, str) and _named_file(patch, None)):
            data = Path(patch).read_bytes()
        else:
            data = patch.encode() if isinstance(patch, str) else bytes(patch)
        return self._record.git_patch(data)

    def _log_sources(self, folder: Path, overwrite: bool, metadata: Any) -> list[tuple[str, dict[str, str]]]:
        files = [(path, name) for path, name in files_below(folder.absolute(), _may_hold_sources) if _is_source(path)]
        if not files:
            raise InvalidValueError(f"The folder {folder} holds no source code")
        found = [(path, self._log_source(name, path, overwrite, metadata)) for path, name in files]
        return [(path.name, asset) for path, asset in found if asset is not None]

    def _log_source(self, name: str, data: Path | bytes, overwrite: bool, metadata: Any) -> dict[str, str] | None:
        said = {**_MANUAL, **described(metadata, {})}
        return self._record.file("asset", name, data, type=_TYPE, overwrite=overwrite, metadata=said)


def _named_file(code: Any, file_name: str | PathLike[str] | None) -> Path | None:
    """The file that is meant; None when `code` is a text."""
    if file_name is not None and code is None:
        path = Path(file_name)
        if not path.is_file():
            raise InvalidValueError(f"There is no file {path}")
        return path
    if isinstance(code, PathLike) or (isinstance(code, str) and "\n" not in code and len(code) < 4096):
        path = Path(code)
        try:
            return path if path.is_file() else None
        except (OSError, ValueError):
            # A text that cannot be the name of a file.
            return None
    return None


def _read(path: Path) -> str:
    try:
        with tokenize.open(str(path)) as stream:
            return stream.read()
    except (SyntaxError, UnicodeDecodeError):
        # No Python, or not in the encoding that it says.
        return path.read_text("utf-8", "replace")


def _may_hold_sources(folder_name: str) -> bool:
    return not folder_name.startswith(".") and folder_name not in _LEFT_OUT


def _is_source(path: Path) -> bool:
    return not path.name.startswith(".") and path.suffix.lower() in _ENDINGS


def _state() -> GitState:
    from zenml_comet_tracker.comet.capture import code, git

    path = code.program_path()
    state = git.state_of(Path.cwd() if path is None else path.parent)
    if state is None:
        raise InvalidValueError("The program lies in no git repository; pass what is to be logged")
    return state
