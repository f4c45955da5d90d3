"""Artifacts: versions, files, labels, lineage."""

from __future__ import annotations

import io
import uuid

from zenml_comet_tracker.comet.resources import artifacts, assets
from zenml_comet_tracker.comet.resources.artifacts import CLOSED, MadeVersion, NewVersion, RemoteFile
from zenml_comet_tracker.comet.resources.assets import AssetUpload
from zenml_comet_tracker.comet.verify.checks import Group
from zenml_comet_tracker.comet.verify.outcome import LeftOutError
from zenml_comet_tracker.comet.verify.scratch import Scratch, same

group = Group("artifacts")


@group.check("a version is made", "POST write/artifacts/upsert", "batch")
def _make(scratch: Scratch) -> None:
    new = NewVersion(scratch.artifact, "verify", aliases=["verified"], tags=["t ✓"], metadata='{"a":1}')
    made = scratch.ask(artifacts.upsert, scratch.batch, new)
    scratch.memory["artifact_made"] = made
    same(True, bool(made.version_id and made.version))


@group.check("its file and its link are listed", "GET artifacts/version/files", "batch")
def _files(scratch: Scratch) -> None:
    made, handshake = _made(scratch), scratch.handshake("batch")
    file = AssetUpload(uuid.uuid4().hex, "a/song.wav", "asset")
    scratch.ask(artifacts.upload, handshake, made.version_id, file, io.BytesIO(b"la la"))
    remote = RemoteFile(uuid.uuid4().hex, "far.bin", "s3://bucket/far.bin")
    scratch.ask(artifacts.add_remote, handshake, made.version_id, [remote])
    scratch.ask(artifacts.set_state, scratch.batch, made.version_id, CLOSED)
    expected = {("a/song.wav", None), ("far.bin", "s3://bucket/far.bin")}
    scratch.eventually(
        lambda: {
            (found.name, found.link if found.remote else None)
            for found in scratch.ask(artifacts.files, artifact_id=made.artifact_id, version=made.version)
        },
        lambda got: got == expected,
        expected,
    )
    scratch.memory["artifact_file"] = file.asset_id


@group.check("the version is found by its number and its alias", "GET artifacts/version", "batch")
def _find(scratch: Scratch) -> None:
    made = _made(scratch)
    for asked in ({"version": made.version}, {"alias": "verified"}, {"version_or_alias": made.version}):
        found = scratch.ask(artifacts.version, workspace=scratch.workspace, name=scratch.artifact, **asked)
        same((made.version_id, {"a": 1}), (found.version_id, found.metadata))


@group.check("its file comes back byte by byte", "GET experiment/asset/get-asset", "batch")
def _content(scratch: Scratch) -> None:
    made = _made(scratch)
    _, pieces = scratch.ask(assets.content, scratch.batch, scratch.memory["artifact_file"], 0, made.version_id)
    same(b"la la", b"".join(pieces))


@group.check("its labels are changed", "POST write/artifacts/version/labels")
def _label(scratch: Scratch) -> None:
    made = _made(scratch)
    scratch.ask(artifacts.label, made.version_id, aliases=["verified", "again"], tags=["u"], metadata='{"b":2}')

    def read() -> tuple[set[str], list[str], object]:
        found = scratch.ask(artifacts.version, version_id=made.version_id)
        return set(found.aliases), list(found.tags), found.metadata

    expected = ({"verified", "again"}, ["u"], {"b": 2})
    scratch.eventually(read, lambda got: got == expected, expected)


@group.check("the artifact has tags of its own", "POST write/artifacts/details")
def _tag(scratch: Scratch) -> None:
    made = _made(scratch)
    scratch.ask(artifacts.change, made.artifact_id, ["made by verify"])
    scratch.eventually(
        lambda: scratch.ask(artifacts.details, artifact_id=made.artifact_id).get("tags"),
        lambda got: got == ["made by verify"],
        ["made by verify"],
    )


@group.check("the artifact is among those of the workspace", "GET artifacts/get-all")
def _listed(scratch: Scratch) -> None:
    _made(scratch)
    scratch.eventually(
        lambda: [one["name"] for one in scratch.ask(artifacts.of_workspace, scratch.workspace).get("artifacts") or ()],
        lambda names: scratch.artifact in names,
        f"{scratch.artifact} among them",
    )


@group.check("who reads a version is remembered", "GET get/artifacts")
def _lineage(scratch: Scratch) -> None:
    made = _made(scratch)
    named = {"workspace": scratch.workspace, "name": scratch.artifact, "version": made.version}
    scratch.ask(artifacts.version, **named, consumer=scratch.rest)
    scratch.eventually(
        lambda: made.version_id in str(scratch.ask(artifacts.of_experiment, scratch.rest, "input")),
        bool,
        "the version among what the experiment read",
    )


def _made(scratch: Scratch) -> MadeVersion:
    made = scratch.memory.get("artifact_made")
    if not isinstance(made, MadeVersion):
        raise LeftOutError("no version could be made")
    return made
