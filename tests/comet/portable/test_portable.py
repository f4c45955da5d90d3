"""Acceptance: a project exported, wiped, imported and exported again is the same, byte for byte."""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.comet.portable.data import PROJECT, START, WORKSPACE, fill
from tests.fixtures.local_server import LocalServer, serving
from zenml_comet_tracker.comet.connection import Connection, connect
from zenml_comet_tracker.comet.errors import ConnectionFailedError, ExportError, NotFoundError
from zenml_comet_tracker.comet.portable import export_project, import_project, manifest
from zenml_comet_tracker.comet.resources import assets
from zenml_comet_tracker.comet.transport import Transport


@dataclass
class Exported:
    """A server with the project, its experiments' keys, and its export."""

    server: LocalServer
    keys: list[str]
    folder: Path


def connected(server: LocalServer) -> Connection:
    return connect(server.api_key, url=server.url)


def contents(folder: Path) -> dict[str, bytes]:
    """All files below the folder by path, but those that the documentation names as a server's own."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not (path.name == "server.jsonl" and "assets" not in path.parts)
    }


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exported]:
    with serving(tmp_path_factory.mktemp("full")) as server:
        keys = fill(server)
        folder = tmp_path_factory.mktemp("exports") / "one"
        with connected(server) as connection:
            report = export_project(connection, WORKSPACE, PROJECT, folder)
        assert (report.experiments, report.notes) == (3, [])
        yield Exported(server, keys, folder)


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[LocalServer]:
    with serving(tmp_path / "empty") as server:
        yield server


@pytest.mark.long
def test_exported_wiped_imported_and_exported_again_is_identical(
    exported: Exported, empty: LocalServer, tmp_path: Path
) -> None:
    guests = tmp_path / "guests"
    with connected(exported.server) as connection:
        export_project(connection, WORKSPACE, "guests", guests)
    with connected(empty) as connection:
        # Who is listed here and lives elsewhere has to be there first.
        assert import_project(connection, guests).experiments == 1
        assert import_project(connection, exported.folder).keys == {}
        export_project(connection, WORKSPACE, PROJECT, tmp_path / "two")
        assert contents(tmp_path / "two") == contents(exported.folder)
        assert told(empty, exported.keys) == told(exported.server, exported.keys)

        # On a server that had it versions of artifacts and of registered models outlive it.
        empty.post("write/project/delete", **PLACE, deleteAllExperiments=True)
        assert empty.call("GET", "api/rest/v2/project", params=PLACE).status_code == 404
        assert import_project(connection, exported.folder).notes == []
        export_project(connection, WORKSPACE, PROJECT, tmp_path / "three")
        assert contents(tmp_path / "three") == contents(exported.folder)


def test_the_files_say_what_was_logged(exported: Exported) -> None:
    folder = exported.folder / "experiments" / exported.keys[0]
    points = rows(folder / "metrics.jsonl")
    loss = [point for point in points if point["name"] == "loss"]
    assert loss == [
        {"name": "loss", "context": None, "value": 1 / (n + 3), "step": n, "epoch": None, "timestamp": START + n}
        for n in range(1_300)
    ]
    others = {
        (point["name"], point["context"], point["value"], point["step"], point["epoch"]) for point in points[1_300:]
    }
    assert others == {
        ("train_loss", "train", 0.25, 7, 2.0),
        ("odd", None, "NaN", None, None),
        ("odd", None, "-Infinity", None, 0.5),
        ("odd", None, 1e-320, -4, None),
        ("a/b", None, 1.0, None, None),
        ("a b", None, 2.0, None, None),
        ("sys.cpu.percent.01", None, 12.5, None, None),
    }
    facts = {row["name"]: row["value"] for row in rows(folder / "others.jsonl")}
    assert facts == {"Name": "the rich one", "count": "3", "empty": ""}
    assert json.loads((folder / "tags.json").read_text("utf-8")) == ["zebra", "ant", "🦋"]
    assert (folder / "output.txt").read_bytes() == b"10%\r20%\r\n\n" + b"x" * 70_000 + b"no end"
    assert (folder / "page.html").read_bytes() == b"<b>bold</b>\r\n<i>"
    assets = rows(folder / "assets.jsonl")
    assert len(assets) == 12
    by_name = {row["fileName"]: row for row in assets}
    assert (folder / by_name["../../escape.bin"]["path"]).read_bytes() == b"\x00\xff" * 99
    assert sorted((folder / row["path"]).read_bytes() for row in assets if row["fileName"] == "same.txt") == [
        b"one",
        b"two",
    ]
    assert by_name["data.parquet"]["link"] == "s3://bucket/data.parquet"
    failed = json.loads((exported.folder / "experiments" / exported.keys[1] / "experiment.json").read_text("utf-8"))
    assert (failed["archived"], failed["hasCrashed"], failed["error"]) == (True, True, "Boom\n at 3")


def test_the_manifest_is_what_other_programs_find(exported: Exported) -> None:
    head, *files, _ = rows(exported.folder / "manifest.jsonl")
    assert (head["format"], head["version"], head["files"]) == ("zenml-comet-export", 1, len(files))
    found = contents(exported.folder)
    del found["manifest.jsonl"]
    assert {entry["path"]: (entry["bytes"], entry["sha256"]) for entry in files} == {
        path: (len(data), hashlib.sha256(data).hexdigest()) for path, data in found.items()
    }


@pytest.mark.long
def test_an_import_that_dies_is_finished_by_repeating_it_and_nothing_is_there_twice(
    exported: Exported, empty: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connected(empty) as connection:
        for dies_at in (31, 60):
            with pytest.raises(ConnectionFailedError, match="pulled"):
                dying(monkeypatch, dies_at, lambda: import_project(connection, exported.folder))
        (guest,) = import_project(connection, exported.folder).notes
        assert "is not listed in project" in guest
        export_project(connection, WORKSPACE, PROJECT, tmp_path / "two")
        assert without_guests(contents(tmp_path / "two")) == without_guests(contents(exported.folder))

        # What the server has otherwise is left, and said; the rest is not sent again.
        key = exported.keys[0]
        point = {"metricName": "odd", "metricValue": 9, "timestamp": START + 99}
        empty.sdk("batch/logger/experiment/metric", experimentKey=key, values=[point])
        project = {"projectId": empty.get("project", **PLACE)["projectId"]}
        empty.post("write/project/notes", **project, notes="mine")
        before = told(empty, exported.keys)
        notes = " ".join(import_project(connection, exported.folder).notes)
    assert f"Metric odd of {key} has more points on the server" in notes
    assert "keeps its own: notes" in notes
    assert told(empty, exported.keys) == before


def test_an_export_that_dies_is_seen_to_be_half_and_finished_by_repeating_it(
    exported: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "half"
    with connected(exported.server) as connection:

        def export() -> Any:
            return export_project(connection, WORKSPACE, PROJECT, folder)

        for dies_at in (7, 40, 58):
            with pytest.raises(ConnectionFailedError, match="pulled"):
                dying(monkeypatch, dies_at, export)
        with pytest.raises(ExportError, match=r"no whole export: manifest\.jsonl is missing"):
            import_project(connection, folder)
        with pytest.raises(ExportError, match="holds no half of this export"):
            export_project(connection, WORKSPACE, "guests", folder)
        with (folder / ".export.json").open("rb") as begun:
            fcntl.flock(begun, fcntl.LOCK_SH)
            with pytest.raises(ExportError, match="Another process is exporting"):
                export()
        # What was whole before the interruption is not read again.
        assert export().reused > 0
        assert contents(folder) == contents(exported.folder)
        with pytest.raises(ExportError, match="holds an export already"):
            export()


@pytest.mark.parametrize("checksum", [None, "0" * 64])
def test_what_comes_otherwise_than_listed_is_told_and_kept_unless_its_checksum_says_no(
    checksum: str | None, exported: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = assets.of_experiment

    def of_experiment(*asked: Any) -> list[dict[str, Any]]:
        return [{**row, "fileSize": 1, "sha256": checksum} for row in listed(*asked) if row["fileSize"]]

    monkeypatch.setattr(assets, "of_experiment", of_experiment)
    with connected(exported.server) as connection:
        report = export_project(connection, WORKSPACE, PROJECT, tmp_path / "out")
    (note,) = [note for note in report.notes if "(server.jsonl)" in note]
    assert ("left out" if checksum else "it came with 300,000 bytes in place of 1, and is kept so") in note
    assert bool(list(tmp_path.rglob("assets/*/server.jsonl"))) is not bool(checksum)


@pytest.mark.parametrize(
    ("path", "damage"),
    [
        ("manifest.jsonl", "flipped"),
        ("manifest.jsonl", "cut"),
        ("experiments/{0}/metrics.jsonl", "flipped"),
        ("project.json", "cut"),
        ("registry.jsonl", "gone"),
    ],
)
def test_a_damaged_export_is_refused_by_the_file_s_name_and_nothing_is_sent(
    exported: Exported, tmp_path: Path, path: str, damage: str
) -> None:
    folder = tmp_path / "damaged"
    shutil.copytree(exported.folder, folder)
    file = folder / path.format(exported.keys[0])
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes(data if damage == "flipped" else data[:-1])
    with connected(exported.server) as connection:
        with pytest.raises(ExportError, match=file.name.replace(".", r"\.")):
            import_project(connection, folder, project_name="never")
        assert connection.requests == 0


def test_a_copy_beside_the_original_gets_keys_of_its_own_which_stay_the_same(
    exported: Exported, tmp_path: Path
) -> None:
    with connected(exported.server) as connection:
        first = import_project(connection, exported.folder, workspace="mine", project_name="copy")
        export_project(connection, "mine", "copy", tmp_path / "copy")
    assert set(first.keys) == set(exported.keys)
    assert (first.workspace, first.project) == ("mine", "copy")
    listed = exported.server.get("experiments", workspaceName="mine", projectName="copy")["experiments"]
    assert {one["experimentKey"] for one in listed} == {first.keys[exported.keys[0]], first.keys[exported.keys[2]]}
    ours, copy = exported.keys[0], first.keys[exported.keys[0]]
    for name in ("metrics.jsonl", "parameters.jsonl", "others.jsonl", "output.txt", "assets.jsonl", "system.json"):
        original = exported.folder / "experiments" / ours / name
        assert (tmp_path / "copy" / "experiments" / copy / name).read_bytes() == original.read_bytes()


def test_two_imports_of_one_folder_do_not_both_send_what_neither_has_found(exported: Exported) -> None:
    refused: list[str] = []
    with connected(exported.server) as connection:

        def meanwhile(*_: object) -> None:
            with pytest.raises(ExportError, match="Another process is importing") as error:
                import_project(connection, exported.folder, workspace="mine", project_name="twice")
            refused.append(str(error.value))

        import_project(connection, exported.folder, workspace="mine", project_name="twice", progress=meanwhile)
        import_project(connection, exported.folder, workspace="mine", project_name="twice")
    assert len(refused) == 4


def test_an_export_that_would_send_other_files_is_refused(exported: Exported, tmp_path: Path) -> None:
    folder, secret = tmp_path / "tampered", tmp_path / "secret"
    secret.write_text("mine")
    shutil.copytree(exported.folder, folder)
    lines = folder / "experiments" / exported.keys[0] / "assets.jsonl"
    first = rows(lines)[0]
    lines.write_text(json.dumps({**first, "assetId": "a" * 32, "path": "../../../secret"}) + "\n")
    manifest.write(folder)
    with connected(exported.server) as connection, pytest.raises(ExportError, match="tampered"):
        import_project(connection, folder, workspace="mine", project_name="tampered")
    (key,) = [
        one["experimentKey"]
        for one in exported.server.get("experiments", workspaceName="mine", projectName="tampered")["experiments"]
    ]
    assert exported.server.get("experiment/asset/list", experimentKey=key)["assets"] == []


def test_an_export_whose_content_was_changed_with_its_manifest_is_refused_in_words(
    exported: Exported, tmp_path: Path
) -> None:
    changed = tmp_path / "changed"
    shutil.copytree(exported.folder, changed)
    project = json.loads((changed / "project.json").read_text())
    del project["workspaceName"]
    (changed / "project.json").write_text(json.dumps(project))
    manifest.write(changed)
    with connected(exported.server) as connection, pytest.raises(ExportError, match="workspaceName") as raised:
        import_project(connection, changed)
    assert str(changed) in str(raised.value)


def test_a_project_that_is_not_there_leaves_no_folder(exported: Exported, tmp_path: Path) -> None:
    with connected(exported.server) as connection, pytest.raises(NotFoundError):
        export_project(connection, WORKSPACE, "nothing", tmp_path / "none")
    assert not (tmp_path / "none").exists()


PLACE = {"workspaceName": WORKSPACE, "projectName": PROJECT}


# What servers set by themselves.
OWN = {
    *("artifactId", "artifactVersionId", "createdAt", "experimentModelId", "lastUpdated", "link", "projectId"),
    *("registryModelId", "registryModelItemId", "restApiUrl", "added"),
}


def told(server: LocalServer, keys: list[str]) -> Any:
    """What the server tells of the project to plain requests, without what it sets by itself."""
    single = ("metadata", "metrics/get-all", "metrics/summary", "parameters", "log-other", "tags", "html", "output")
    single += ("code", "graph", "git/metadata", "system-details", "asset/list", "model")
    found: dict[str, Any] = {
        f"{key} {path}": server.get(f"experiment/{path}", experimentKey=key) for key in keys for path in single
    }
    for key in keys:
        made = server.get("get/artifacts", experimentKey=key)["artifacts"]
        found[f"{key} artifacts"] = sorted(made, key=lambda one: (one["artifactVersion"], one["direction"]))
        for asset in found[f"{key} asset/list"]["assets"]:
            query = {"experimentKey": key, "assetId": asset["assetId"]}
            answered = server.call("GET", "api/rest/v2/experiment/asset/get-asset", params=query)
            found[f"{key} {asset['assetId']}"] = answered.content if answered.status_code == 200 else None
    model = {"workspaceName": WORKSPACE, "modelName": "wings"}
    found["model"] = server.get("registry-model/details", **model)
    found["notes"] = server.get("registry-model/notes", **model)
    found["artifact"] = server.get("artifacts/get", workspace=WORKSPACE, artifactName="bird songs")
    found["project"] = server.get("project", **PLACE)
    found["project notes"] = server.get("project/notes", **PLACE)
    return _without_own(found)


def _without_own(value: Any) -> Any:
    if isinstance(value, dict):
        link = {"link": value["link"]} if value.get("remote") else {}
        return {name: _without_own(one) for name, one in value.items() if name not in OWN} | link
    return [_without_own(one) for one in value] if isinstance(value, list) else value


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]


def without_guests(found: dict[str, bytes]) -> dict[str, bytes]:
    """Without the line on the experiment of another project, and what counts it."""
    del found["manifest.jsonl"]
    lines = found["symlinks.jsonl"].splitlines()
    return {**found, "symlinks.jsonl": b"\n".join(line for line in lines if b'"ownProject":"guests"' not in line)}


def dying(monkeypatch: pytest.MonkeyPatch, at: int, call: Any) -> None:
    """Makes the call on a network that goes away at the request of this number: every other time with the answer to
    it, so that the server has done what was asked."""
    send, count = Transport._send, 0

    def counted(self: Transport, *args: Any, **kwargs: Any) -> Any:
        nonlocal count
        count += 1
        if count >= at:
            if at % 2:
                send(self, *args, **kwargs)
            raise ConnectionFailedError("the plug was pulled")
        return send(self, *args, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(Transport, "_send", counted)
        call()
