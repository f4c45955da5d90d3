"""The state of a repository, held against what `git` itself says and applies; nothing where there is none."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from zenml_comet_tracker.comet.capture import git

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")

IDENTITY = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "protocol.file.allow=always")


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *IDENTITY, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Two commits, a user, an origin with credentials."""
    folder = tmp_path / "code"
    folder.mkdir()
    _git(folder, "init", "-q", "-b", "main")
    (folder / "train.py").write_text("one\n")
    _git(folder, "add", ".")
    _git(folder, "commit", "-q", "-m", "first")
    (folder / "train.py").write_text("two\n")
    _git(folder, "commit", "-q", "-a", "-m", "second")
    _git(folder, "config", "user.name", "Ada")
    _git(folder, "remote", "add", "origin", "https://ada:secret@example.com/code.git")
    return folder


def _state(folder: Path) -> git.GitState:
    state = git.state_of(folder)
    assert state is not None
    return state


def test_a_clean_tree(repository: Path) -> None:
    (repository / "deep").mkdir()
    state = _state(repository / "deep")
    assert state == git.GitState(
        {
            "user": "Ada",
            "root": _git(repository, "rev-list", "--max-parents=0", "HEAD"),
            "branch": "refs/heads/main",
            "parent": _git(repository, "rev-parse", "HEAD"),
            "origin": "https://example.com/code.git",
        },
        None,
    )


def test_the_patch_makes_a_checkout_what_the_tree_is(repository: Path, tmp_path: Path) -> None:
    (repository / "train.py").write_text("three\n")
    (repository / "staged ü.py").write_bytes("neu ü\n".encode("latin-1"))
    _git(repository, "add", "staged ü.py")
    patch = _state(repository).patch
    assert patch is not None
    with zipfile.ZipFile(io.BytesIO(git.zipped(patch))) as archive:
        assert archive.namelist() == ["git_diff.patch"]
        archive.extractall(tmp_path)
    _git(tmp_path, "clone", "-q", str(repository), "copy")
    _git(tmp_path / "copy", "apply", str(tmp_path / "git_diff.patch"))
    for name in ("train.py", "staged ü.py"):
        assert (tmp_path / "copy" / name).read_bytes() == (repository / name).read_bytes()


def test_looking_writes_nothing(repository: Path) -> None:
    # A tree that looks changed, so that git would rewrite its index.
    os.utime(repository / "train.py", (1, 1))
    before = {path: path.stat().st_mtime_ns for path in (repository / ".git").rglob("*")}
    assert _state(repository).patch is None
    assert {path: path.stat().st_mtime_ns for path in (repository / ".git").rglob("*")} == before


def test_a_change_in_the_same_moment_as_the_commit_is_seen(repository: Path) -> None:
    # Of the same size and time as what is committed: git looks inside only because the index is as old.
    script = repository / "train.py"
    _git(repository, "config", "core.trustctime", "false")
    moment = (repository / ".git" / "index").stat().st_mtime_ns
    os.utime(script, ns=(moment, moment))
    _git(repository, "update-index", "--refresh")
    os.utime(repository / ".git" / "index", ns=(moment, moment))
    script.write_text("six\n")
    os.utime(script, ns=(moment, moment))
    patch = _state(repository).patch
    assert patch is not None
    assert b"+six" in patch


def test_a_detached_head(repository: Path) -> None:
    first = _git(repository, "rev-list", "--max-parents=0", "HEAD")
    _git(repository, "checkout", "-q", first)
    metadata = _state(repository).metadata
    assert (metadata["branch"], metadata["parent"]) == (None, first)


def test_a_repository_without_a_commit(tmp_path: Path) -> None:
    _git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "a.py").write_text("new\n")
    _git(tmp_path, "add", ".")
    state = _state(tmp_path)
    assert (state.metadata["branch"], state.metadata["parent"], state.metadata["origin"]) == (
        "refs/heads/main",
        None,
        None,
    )
    assert state.patch is not None
    assert b"+new" in state.patch


def test_changes_in_a_submodule(repository: Path, tmp_path: Path) -> None:
    outer = tmp_path / "outer"
    outer.mkdir()
    _git(outer, "init", "-q")
    _git(outer, "submodule", "--quiet", "add", str(repository), "part")
    _git(outer, "commit", "-q", "-m", "with a part")
    (outer / "part" / "train.py").write_text("changed inside\n")
    patch = _state(outer).patch
    assert patch is not None
    assert b"+changed inside" in patch


def test_a_huge_patch_is_left_out(
    repository: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(git, "MAX_PATCH_BYTES", 1 << 20)
    (repository / "train.py").write_text("line\n" * 400_000)
    state = _state(repository)
    assert (state.patch, state.metadata["user"]) == (None, "Ada")
    assert "larger than 1 MB" in caplog.text


def test_programs_that_the_repository_names_are_not_asked_for_a_diff(repository: Path) -> None:
    ran = repository.parent / "ran"
    _git(repository, "config", "diff.external", f"touch {ran};")
    (repository / "train.py").write_text("three\n")
    assert _state(repository).patch
    assert not ran.exists()


def test_no_repository_and_no_git(tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "plain").mkdir()
    assert git.state_of(tmp_path / "plain") is None
    assert git.state_of(tmp_path / "gone") is None
    monkeypatch.setenv("PATH", "")
    assert git.state_of(repository) is None
