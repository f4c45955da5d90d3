"""What artifacts, their versions and their files may be called, and how a full name is read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from zenml_comet_tracker.comet.errors import InvalidValueError
from zenml_comet_tracker.comet.structures import json_text

if TYPE_CHECKING:
    from semver import Version

NAME_LIMIT = 100
_DRIVE = re.compile("[A-Za-z]:")
_SEPARATORS = re.compile(r"[/\\]")


@dataclass(frozen=True)
class FullName:
    """An artifact as callers name it; what they left out is None."""

    name: str
    workspace: str | None = None
    version_or_alias: str | None = None

    def __str__(self) -> str:
        workspace = f"{self.workspace}/" if self.workspace else ""
        return f"{workspace}{self.name}" + (f":{self.version_or_alias}" if self.version_or_alias else "")


def full_name(artifact_name: str, workspace: str | None = None, version_or_alias: str | None = None) -> FullName:
    """What `artifact_name` and the arguments beside it say together.

    >>> full_name("team/images:1.2.0")
    FullName(name='images', workspace='team', version_or_alias='1.2.0')

    Raises `InvalidValueError` where they contradict each other, or the name has another form.
    """
    text = _text("artifact_name", artifact_name)
    front, _, name = text.rpartition("/")
    name, colon, asked = name.partition(":")
    if not name or "/" in front or (colon and not asked) or ("/" in text and not front):
        raise InvalidValueError(
            f"{artifact_name!r} does not name an artifact; expected 'name', 'workspace/name', 'name:version_or_alias' "
            "or 'workspace/name:version_or_alias'"
        )
    return FullName(
        name,
        _agreed("workspace", front, workspace, artifact_name),
        _agreed("version_or_alias", asked, version_or_alias, artifact_name),
    )


def _agreed(argument: str, in_name: str, given: str | None, artifact_name: str) -> str | None:
    if in_name and given and in_name != given:
        raise InvalidValueError(
            f"artifact_name={artifact_name!r} says {in_name!r}, {argument}={given!r} something else; give one of them"
        )
    return in_name or given or None


def checked_name(name: Any) -> str:
    """The name of an artifact. Raises `InvalidValueError` for one that a full name could not hold."""
    text = _text("the name of an artifact", name)
    if len(text) > NAME_LIMIT:
        raise InvalidValueError(f"the name of an artifact has at most {NAME_LIMIT} characters, got {len(text)}")
    if "/" in text or ":" in text:
        raise InvalidValueError(
            f"{text!r} cannot be the name of an artifact: '/' and ':' set workspace and version apart from it. The "
            "workspace is that of the experiment, the version an argument of its own"
        )
    return text


def checked_version(version: Any) -> str | None:
    """A semantic version as text; None for none. Raises `InvalidValueError` for what is none."""
    if version is None:
        return None
    parse_version(str(version))
    return str(version)


def parse_version(text: str) -> Version:
    """The semantic version that is spelled. Raises `InvalidValueError`."""
    # Importing it costs what an experiment that logs no artifact should not pay.
    from semver import Version

    if len(text) > NAME_LIMIT or not Version.is_valid(text):
        raise InvalidValueError(f"{text!r} is not a semantic version; expected three numbers, for example '1.0.0'")
    return Version.parse(text)


def checked_labels(what: str, labels: Any) -> list[str]:
    """Aliases or tags, each once, in their order; a single text is one of them. Raises `InvalidValueError`."""
    if labels is None:
        return []
    if isinstance(labels, str):
        labels = [labels]
    if not isinstance(labels, Iterable):
        raise InvalidValueError(f"{what} are a list of texts, got {type(labels).__name__}")
    return list(dict.fromkeys(_text(f"each of the {what}", label) for label in labels))


def checked_metadata(metadata: Any) -> dict[str, Any]:
    """Metadata as a dictionary; empty for none. Raises `InvalidValueError` for what is no mapping."""
    if metadata is None:
        return {}
    if not isinstance(metadata, Mapping):
        raise InvalidValueError(f"metadata is a dictionary, got {type(metadata).__name__}: {metadata!r}")
    return dict(metadata)


def metadata_text(metadata: Mapping[str, Any] | None) -> str | None:
    """Metadata as it travels: JSON text, None when there is none."""
    return json_text(metadata) if metadata else None


def checked_path(logical_path: Any) -> str:
    """A logical path: relative, with '/', without '.'. Raises `InvalidValueError` for one that leads out of a folder.

    >>> checked_path("train/./a.csv")
    'train/a.csv'
    """
    stripped = _text("the logical path of a file", logical_path)
    # Blanks at its ends are part of a file's name.
    text = str(logical_path)
    parts = [part.strip() for part in _SEPARATORS.split(text)]
    if stripped[0] in "/\\" or _DRIVE.match(stripped) or ".." in parts or not PurePosixPath(text).parts:
        raise InvalidValueError(
            f"{text!r} cannot be the logical path of a file: expected a relative path without '..', like 'train/a.csv'"
        )
    return str(PurePosixPath(text))


def _text(what: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise InvalidValueError(f"{what} is a text that is not empty, got {value!r}")
    # NUL ends a path for the system, and a lone surrogate is in no text that travels.
    if "\0" in value or not _travels(value):
        raise InvalidValueError(f"{what} holds a character that no name has: {value!r}")
    return value.strip()


def _travels(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
