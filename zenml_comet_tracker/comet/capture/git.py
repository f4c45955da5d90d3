"""Where the program's code comes from: commit, branch, origin, and what was changed and not committed."""

from __future__ import annotations

import io
import logging
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zenml_comet_tracker.comet.capture import redaction

if TYPE_CHECKING:
    from git import Repo

logger = logging.getLogger(__name__)

PATCH_NAME = "git_diff.patch"
MAX_PATCH_BYTES = 20 << 20
SECONDS = 30
# What every repository has, for one that has no commit yet.
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


@dataclass(frozen=True)
class GitState:
    """`metadata` by the names of the wire; `patch` is None for a clean tree, and for one too large to send."""

    metadata: dict[str, str | None]
    patch: bytes | None


def load() -> bool:
    """Loads the library, which takes a moment; whether it can be used here."""
    # Without the program, the library cannot even be imported.
    if shutil.which("git") is None:
        logger.debug("No git information: there is no git program.")
        return False
    import git  # noqa: F401

    return True


def state_of(folder: Path, *, patch: bool = True) -> GitState | None:
    """The state of the repository that the folder is in; None outside of one, and where there is no `git`.

    Without `patch` what is not committed is not looked at.
    Nothing is written to the repository, and no lock is taken in it.
    """
    if not load():
        return None
    import git

    try:
        with git.Repo(folder, search_parent_directories=True) as repository:
            return GitState(_metadata(repository), _patch(repository) if patch else None)
    except (git.InvalidGitRepositoryError, git.NoSuchPathError):
        logger.debug("No git information: %s is in no git repository.", folder)
    return None


def zipped(patch: bytes) -> bytes:
    """The patch as Comet wants it: a zip file that holds `git_diff.patch`."""
    import zipfile

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(PATCH_NAME, patch)
    return buffer.getvalue()


def _metadata(repository: Repo) -> dict[str, str | None]:
    return {
        "user": _quiet(repository, "config", "user.name"),
        # Comet knows a repository by its first commit, and a branch by its full name.
        "root": _last_line(_quiet(repository, "rev-list", "--max-parents=0", "HEAD")),
        "branch": _quiet(repository, "symbolic-ref", "-q", "HEAD"),
        "parent": _quiet(repository, "rev-parse", "--verify", "-q", "HEAD"),
        "origin": _origin(repository),
    }


def _origin(repository: Repo) -> str | None:
    names = [remote.name for remote in repository.remotes]
    if not names:
        return None
    address = _quiet(repository, "config", f"remote.{'origin' if 'origin' in names else names[0]}.url")
    return None if address is None else redaction.url(address)


def _quiet(repository: Repo, *command: str) -> str | None:
    """What a git command prints; None when it has nothing to say."""
    import git

    try:
        said = repository.git.execute(["git", *command], kill_after_timeout=SECONDS)
    except git.GitCommandError:
        return None
    return str(said).strip() or None


def _last_line(text: str | None) -> str | None:
    return None if text is None else text.splitlines()[-1]


def _patch(repository: Repo) -> bytes | None:
    """What differs from the last commit, staged or not, in submodules too."""
    if repository.bare:
        return None
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        copy, index = Path(folder, "index"), Path(repository.index.path)
        if index.is_file():
            # A diff writes to the index what it found out, and a commit of the user's may then find it locked. With its
            # time, by which git knows which files may have changed in the same moment.
            shutil.copy2(index, copy)
            repository.git.update_environment(GIT_INDEX_FILE=str(copy))
        patch = _diff(repository)
    if patch is None:
        logger.warning("The git patch is larger than %d MB; it is not logged.", MAX_PATCH_BYTES >> 20)
    return patch or None


def _diff(repository: Repo) -> bytes | None:
    """The difference, empty when there is none; None when it is too large."""
    base = "HEAD" if repository.head.is_valid() else EMPTY_TREE
    command = ["git", "diff", base, "--submodule=diff", "--no-ext-diff", "--no-textconv", "--no-color"]
    process: Any = repository.git.execute(command, as_process=True)
    try:
        return _read(process.stdout)
    finally:
        process.proc.kill()
        process.proc.communicate()


def _read(stream: Any) -> bytes | None:
    patch = bytearray()
    while chunk := stream.read(1 << 16):
        patch += chunk
        if len(patch) > MAX_PATCH_BYTES:
            return None
    return bytes(patch)
