"""What the store cannot do for its caller.

StoreError
 ├── UnknownExperimentError
 ├── UnknownProjectError
 ├── UnknownWorkspaceError
 ├── UnknownAssetError
 ├── UnknownKeyError
 ├── KeyNameError             no API key can be called so
 ├── ReadOnlyError            a signed-in browser asked for a change
 ├── UnknownShareLinkError
 ├── UnknownArtifactVersionError
 ├── UnknownArtifactError
 ├── ArtifactOpenError        its files are still on their way
 ├── ArtifactFailedError      its upload failed
 ├── ArtifactClosedError      its files are not to change any more
 ├── UnknownModelError        the registry has no such model or version of it
 ├── BadVersionError          not a semantic version
 ├── ProjectInUseError        it has experiments, and they were not to be deleted
 ├── DatabaseLostError        it names no file, but files are there
 ├── DiskFullError            nothing more can be written
 ├── DiskFaultError           the disk or the database's file cannot be read or written
 ├── BusyError                another program holds the database
 └── TakenError               the name or key is in use
      └── VersionTakenError
"""

from __future__ import annotations

from collections.abc import Sequence


class StoreError(Exception):
    """Base; the text is meant for whoever sent the request."""


class UnknownExperimentError(StoreError):
    """No experiment has this key."""

    def __init__(self, key: str) -> None:
        super().__init__(f"There is no experiment with key {key!r}.")


class UnknownProjectError(StoreError):
    """No project has this id or name."""

    def __init__(self, what: str) -> None:
        super().__init__(f"There is no project {what}.")


class UnknownWorkspaceError(StoreError):
    """No project is, or was, in a workspace of this name."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        there = ", ".join(repr(workspace) for workspace in known[:20]) or "none yet"
        super().__init__(f"There is no workspace {name!r}; it begins with its first project. There is: {there}.")


class UnknownAssetError(StoreError):
    """No asset has this id."""

    def __init__(self, asset_id: str) -> None:
        super().__init__(f"There is no asset with id {asset_id!r}.")


class UnknownShareLinkError(StoreError):
    """The project has no share link of this code."""

    def __init__(self, code: str) -> None:
        super().__init__(f"The project has no share link {code!r}.")


class UnknownArtifactVersionError(StoreError):
    """No artifact version has this id."""

    def __init__(self, version_id: str) -> None:
        super().__init__(f"There is no artifact version with id {version_id!r}.")


class UnknownKeyError(StoreError):
    """No good API key is called so."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no key called {name!r}; `zenml-comet local keys list` shows them.")


class KeyNameError(StoreError):
    """An API key cannot be called so."""


class ReadOnlyError(StoreError):
    """Whoever asks may only read."""

    def __init__(self) -> None:
        super().__init__("A browser's session only reads; this call needs the API key in the Authorization header.")


class UnknownArtifactError(StoreError):
    """No artifact, or no version of it, is what was asked for."""

    def __init__(self, what: str) -> None:
        super().__init__(f"There is no artifact {what}.")


class ArtifactOpenError(StoreError):
    """The version exists, but not all of its files are there yet."""

    def __init__(self, what: str) -> None:
        super().__init__(f"Artifact {what} is not final: its files are still being uploaded.")


class ArtifactFailedError(StoreError):
    """The version exists, but its upload failed."""

    def __init__(self, what: str) -> None:
        super().__init__(f"Artifact {what} is not final: the upload of its files failed.")


class ArtifactClosedError(StoreError):
    """The version is closed, and something would have changed its files."""

    def __init__(self, version: str) -> None:
        super().__init__(
            f"Version {version} of the artifact is closed: its files stay as they are. Log another version of it."
        )


class UnknownModelError(StoreError):
    """The registry has no such model, or no such version of it."""

    def __init__(self, what: str) -> None:
        super().__init__(f"The registry has no model {what}.")


class BadVersionError(StoreError):
    """The text is no semantic version."""

    def __init__(self, text: str) -> None:
        super().__init__(f"The version is {text[:80]!r}; expected a semantic version such as '1.2.0' (semver.org).")


class ProjectInUseError(StoreError):
    """The project has experiments."""

    def __init__(self, workspace: str, name: str, experiments: int) -> None:
        super().__init__(
            f"Project {name!r} in workspace {workspace!r} has {experiments} experiments, archived ones included. Move "
            "them, or delete them with it by deleteAllExperiments."
        )


class DatabaseLostError(StoreError):
    """Files are there and nothing names any of them: more likely the database is not theirs."""

    def __init__(self, files: int) -> None:
        super().__init__(
            f"The database names no file at all, but {files:,} lie beside it: more likely it was lost than they are "
            "garbage. Nothing was freed. Put a backup in place by `zenml-comet local restore`, or delete them yourself."
        )


class DiskFullError(StoreError):
    """The disk is full, or a quota is used up."""

    def __init__(self, said: str) -> None:
        super().__init__(
            f"The disk of the local Comet's data is full ({said}). Nothing of this request was stored; all before it "
            "was. Free some space, by `zenml-comet local gc` for example, and send it again."
        )


class DiskFaultError(StoreError):
    """The disk does not do what is asked of it."""

    def __init__(self, said: str) -> None:
        super().__init__(
            f"The local Comet cannot use its disk ({said}). Nothing of this request was stored. See that its data "
            "folder can be written, then run `zenml-comet local check`."
        )


class BusyError(StoreError):
    """The turn to write did not come in time."""

    def __init__(self, said: str) -> None:
        super().__init__(
            f"The local Comet's database is in use for too long ({said}), by another program perhaps. Nothing of this "
            "request was stored. Send it again later."
        )


class TakenError(StoreError):
    """The name or key is in use already."""


class VersionTakenError(TakenError):
    """The artifact has this version already."""
