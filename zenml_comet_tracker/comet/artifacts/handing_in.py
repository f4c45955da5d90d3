"""An artifact as its experiment logs it: looked at, registered while the caller waits a little, uploaded behind it."""

from __future__ import annotations

import logging
from typing import Any

from zenml_comet_tracker.comet import errors
from zenml_comet_tracker.comet.artifacts import names
from zenml_comet_tracker.comet.artifacts.artifact import Artifact, sources_of
from zenml_comet_tracker.comet.artifacts.kept import keep
from zenml_comet_tracker.comet.artifacts.record import UploadRecord, open_record
from zenml_comet_tracker.comet.artifacts.registration import fingerprint
from zenml_comet_tracker.comet.artifacts.under_way import UnderWay, Waiting
from zenml_comet_tracker.comet.artifacts.upload import Contents, Link, LocalFile, Upload
from zenml_comet_tracker.comet.connection import Connection
from zenml_comet_tracker.comet.live import Live
from zenml_comet_tracker.comet.resources.artifacts import NewVersion
from zenml_comet_tracker.comet.resources.experiments import Handshake

logger = logging.getLogger(__name__)

# A step waits no longer than this for the number of its version; it is registered behind it then.
REGISTER_SECONDS = 10.0
OPENING_SECONDS = 5.0


def hand_in(live: Live, connection: Connection, artifact: Artifact) -> Upload | None:
    """The upload of the artifact, under way; None when it is kept for `zenml-comet sync`, because the experiment is
    offline. When the server answers within some seconds its version is registered.

    Raises `InvalidValueError` for what is no artifact, or a file of it that cannot be read, and what the server refuses
    to register a version with.
    """
    contents = _contents(artifact)
    if live.ended:
        raise errors.InvalidValueError(f"Artifact {artifact.name} is not logged: the experiment has ended")
    if not contents.files and not contents.links:
        logger.warning("Artifact %s is logged without any file or link.", artifact.name)
    paths = [file.path for file in contents.files] + [link.path for link in contents.links]
    mark = fingerprint(connection.root, live.header.experiment_key, contents.new, paths)
    record = open_record(live.folder, mark)
    try:
        contents = keep(contents, live.header, record, live.has_room_for)
    except (OSError, ValueError) as error:
        # An open file that was closed meanwhile is a `ValueError`.
        record.close(finished=record.made is None)
        raise errors.InvalidValueError(f"Artifact {artifact.name} is not logged: {error}") from None
    if connection.settings.offline:
        _leave(live, record, artifact.name)
        return None
    upload = Upload(lambda: connection.transport, lambda: _handshake(live), contents, record)
    live.companions.add(UnderWay(upload))
    upload.start()
    if upload.wait_for_version(REGISTER_SECONDS) is None:
        if upload.failure is not None:
            raise upload.failure
        logger.warning(
            "Artifact %s is not registered yet, the server does not answer; it is tried again in the background.",
            artifact.name,
        )
    return upload


def _leave(live: Live, record: UploadRecord, name: str) -> None:
    on_disk = record.wanted is not None
    record.close(finished=not on_disk)
    if not on_disk:
        raise errors.JournalError(f"Artifact {name} is not logged: the experiment is offline, and no disk keeps it")
    live.companions.add(Waiting(f"Artifact {name} waits for `zenml-comet sync`; its files are to stay as they are."))


def _handshake(live: Live) -> Handshake | None:
    found = live.wait_for_handshake(OPENING_SECONDS)
    if found is None and live.opening() == "refused":
        raise errors.DeliveryError(f"the server did not open the experiment that logs it: {live.delayed_by}")
    return found


def _contents(artifact: Any) -> Contents:
    if not isinstance(artifact, Artifact):
        raise errors.InvalidValueError(
            f"an Artifact is expected, got {type(artifact).__name__}; make one with Artifact(name, type) and add files"
        )
    new = NewVersion(
        names.checked_name(artifact.name),
        artifact.artifact_type,
        names.checked_version(artifact.version),
        names.checked_labels("aliases", sorted(artifact.aliases)),
        names.checked_labels("version tags", sorted(artifact.version_tags)),
        names.metadata_text(names.checked_metadata(artifact.metadata)),
    )
    sources = sources_of(artifact)
    files, links = [], []
    for asset in artifact.assets:
        said = names.metadata_text(asset.metadata)
        if asset.link is not None:
            links.append(Link(asset.logical_path, asset.link, asset.asset_type, said))
            continue
        source = sources[asset.logical_path]
        try:
            files.append(LocalFile(asset.logical_path, source, source.size, source.stamp, said))
        except OSError as error:
            raise errors.InvalidValueError(
                f"Artifact {artifact.name} is not logged: {asset.logical_path} was added to it and cannot be read now "
                f"({error.strerror or error})"
            ) from None
    return Contents(new, files, links)
