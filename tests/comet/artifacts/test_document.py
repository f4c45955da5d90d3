"""The program of cometr's readme in Python: made, filled, logged, got again; read back raw."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.comet.artifacts.conftest import Make, Shelf
from zenml_comet_tracker import create_artifact

METADATA = {"foo": "bar"}


def test_the_program_of_the_readme(make: Make, shelf: Shelf, name: str, folder: Path, tmp_path: Path) -> None:
    script = tmp_path / "sample-script.py"
    script.write_text("pass")
    artifact = create_artifact(
        artifact_name=name,
        artifact_type="dataset",
        metadata=METADATA,
        aliases=["alias1", "alias2"],
        version_tags=["tag1", "tag2"],
    )
    artifact.add_remote(uri="http://localhost/dataset.dat", logical_path="dataset", metadata=METADATA)
    artifact.add(local_path=str(folder), logical_path="data-files", metadata=METADATA)
    artifact.add(local_path=str(script), logical_path="sample-code", metadata=METADATA)
    experiment = make()
    experiment.log_artifact(artifact).wait()
    got = experiment.get_artifact(artifact_name=name, workspace="ws", version_or_alias="alias2")
    report: Any = experiment.end()
    assert report.delivered

    version = shelf.version()
    assert shelf.states() == {version["artifactVersion"]: "CLOSED"}
    assert version["metadata"] == '{"foo":"bar"}'
    assert (sorted(version["alias"]), sorted(version["tags"])) == (["alias1", "alias2"], ["tag1", "tag2"])
    assert shelf.contents() == {
        "data-files/train/a.csv": b"a,1\n",
        "data-files/über.txt": "ü".encode(),
        "data-files/weights.bin": bytes(range(256)) * 2_000,
        "sample-code": b"pass",
    }
    files = shelf.files()
    assert (files["dataset"]["remote"], files["dataset"]["link"]) == (True, "http://localhost/dataset.dat")
    assert {file["metadata"] for file in files.values()} == {'{"foo":"bar"}'}
    assert (got.name, str(got.version)) == (name, version["artifactVersion"])
