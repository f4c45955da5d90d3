"""A version on the server for an artifact that is logged: a new one, or that which a cut upload left open."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace

import orjson

from zenml_comet_tracker.comet import errors
from zenml_comet_tracker.comet.artifacts.record import UploadRecord
from zenml_comet_tracker.comet.resources import artifacts
from zenml_comet_tracker.comet.resources.artifacts import NewVersion, Version
from zenml_comet_tracker.comet.resources.experiments import Handshake
from zenml_comet_tracker.comet.transport import Transport

# Calls until it is answered, or raises what repeating does not mend; None when it is stopped.
Persist = Callable[[Callable[[Transport], Version]], Version | None]


@dataclass(frozen=True)
class Registered:
    """A version that waits for files; `resumed` says that some of them may be there already."""

    handshake: Handshake
    version: Version
    resumed: bool


def fingerprint(root: str, experiment_key: str, new: NewVersion, paths: Iterable[str]) -> str:
    """What tells that the same artifact is logged once more: where, by which experiment, its labels and its paths.

    Not the contents: what was uploaded before is compared with them then.
    """
    said = [root, experiment_key, asdict(replace(new, aliases=sorted(new.aliases), tags=sorted(new.tags)))]
    text = orjson.dumps([*said, sorted(paths)], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(text).hexdigest()[:40]


def register(persist: Persist, handshake: Handshake, new: NewVersion, record: UploadRecord) -> Registered | None:
    """The version that the record names, if the server still has it, else a new one; None when stopped."""
    if record.made is not None:
        version_id = record.made.version_id
        try:
            found = persist(lambda transport: artifacts.version(transport, version_id=version_id))
        except errors.NotFoundError:
            # The server was set up anew, or somebody deleted the version.
            record.forget()
        else:
            return None if found is None else Registered(handshake, found, resumed=True)
    made = persist(lambda transport: _make(transport, handshake, new, record))
    return None if made is None else Registered(handshake, made, resumed=False)


def _make(transport: Transport, handshake: Handshake, new: NewVersion, record: UploadRecord) -> Version:
    if record.made is None:
        record.begin(artifacts.upsert(transport, handshake.experiment_key, new))
    made = record.made
    assert made is not None  # noqa: S101
    return artifacts.version(transport, version_id=made.version_id)
