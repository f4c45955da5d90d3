"""The model registry: what we write and the official SDK reads, the other way round, and files that come down."""

from __future__ import annotations

import hashlib
import inspect
import io
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import comet_ml
import pytest
from comet_ml.api_objects.model.status_configuration import ModelStatusConfiguration as TheirConfiguration

from tests.comet.scripted import Answer, ScriptedComet
from tests.fixtures.local_server import LocalServer, begin
from zenml_comet_tracker.comet.api import API
from zenml_comet_tracker.comet.api_experiment import APIExperiment
from zenml_comet_tracker.comet.connection import Connection
from zenml_comet_tracker.comet.delivery.spoken import LANE_HEADER
from zenml_comet_tracker.comet.errors import (
    DownloadError,
    InvalidArgumentError,
    NotFoundError,
    ReadOnlyError,
    StatusError,
)
from zenml_comet_tracker.comet.experiment import Experiment
from zenml_comet_tracker.comet.registry.model import Model
from zenml_comet_tracker.comet.registry.registration import register, registration
from zenml_comet_tracker.comet.registry.status import ModelStatusConfiguration, StatusConfigurationItem

WORKSPACE = "registered"
FILES = {"weights.bin": b"\0\1" * 300_000, "conf/net.json": b'{"layers": 3}'}
LINK = "s3://bucket/huge.bin"
CONFIGURATION = {
    "status": "Staging",
    "is_review_required": True,
    "status_configuration_items": [{"key": "region", "value": "eu"}],
    "comment": "looks good",
}


@dataclass(frozen=True)
class Shelf:
    """A server, and both libraries' way to it."""

    server: LocalServer
    api: API
    sdk: Any

    def item(self, name: str, version: str) -> dict[str, Any]:
        """A version, read past both."""
        return self.server.get("registry-model/item/details", workspaceName=WORKSPACE, modelName=name, version=version)


@pytest.fixture(scope="module")
def shelf(local_server: LocalServer) -> Iterator[Shelf]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COMET_URL_OVERRIDE", local_server.url)
        patch.setenv("COMET_API_KEY", local_server.api_key)
        yield Shelf(local_server, API(local_server.api_key, url=local_server.url), comet_ml.API(local_server.api_key))


def _log_model(server: LocalServer, name: str, files: dict[str, bytes], link: str | None = None) -> str:
    """The key of an experiment that logged a model, past both libraries."""
    key = begin(server, teamName=WORKSPACE, projectName="models")
    for file_name, content in files.items():
        params = {"experimentKey": key, "fileName": file_name, "type": "model-element", "groupingName": name}
        sent = {"file": ("f", content)}
        server.call("POST", "api/rest/v2/write/experiment/upload-asset", params=params, files=sent).raise_for_status()
    if link:
        entity = {"assetId": key, "remoteUrl": link, "fileName": "huge.bin"}
        server.sdk("asset/log-remote-model", experimentKey=key, modelName=name, remoteEntities=[entity])
    return key


@pytest.fixture(scope="module")
def experiment(shelf: Shelf) -> APIExperiment:
    """An experiment with the model `net`."""
    key = _log_model(shelf.server, "net", FILES, LINK)
    return APIExperiment(shelf.server.api_key, url=shelf.server.url, previous_experiment=key)


@pytest.fixture(scope="module")
def net(shelf: Shelf, experiment: APIExperiment) -> Model:
    """`net`, in two versions that ours registered."""
    experiment.register_model("net", description="digits", public=True)
    made = experiment.register_model(
        "net",
        version="1.2.0",
        comment="better",
        tags=["a", "b"],
        status="QA",
        metadata={"accuracy": 0.9, "data": {"rows": 3}},
        status_configuration=CONFIGURATION,
    )
    assert made["registryModelItemId"] == shelf.item("net", "1.2.0")["registryModelItemId"]
    shelf.server.post("write/registry-model/notes", workspaceName=WORKSPACE, registryModelName="net", notes="noted")
    return shelf.api.get_model(WORKSPACE, "net")


def test_what_was_registered_is_on_the_server(shelf: Shelf, net: Model, experiment: APIExperiment) -> None:
    model = shelf.server.get("registry-model/details", workspaceName=WORKSPACE, modelName="net")
    assert (model["description"], model["isPublic"]) == ("digits", True)
    assert [item["version"] for item in model["versions"]] == ["1.2.0", "1.0.0"]
    item = shelf.item("net", "1.2.0")
    assert (item["comment"], item["tags"], item["status"]) == ("better", ["a", "b"], "Staging")
    assert item["experimentModel"]["experimentKey"] == experiment.key
    path = f"registry-model/item/{item['registryModelItemId']}"
    metadata = [{"key": "accuracy", "value": 0.9}, {"key": "data", "value": {"rows": 3}}]
    assert shelf.server.get(f"{path}/metadata")["metadata"] == metadata
    kept = shelf.server.get(f"{path}/status-configuration")
    assert (kept["isReviewRequired"], kept["comment"]) == (True, "looks good")


READINGS: dict[str, tuple[Any, ...]] = {
    "get_registry_model_names": (WORKSPACE,),
    "get_registry_model_count": (WORKSPACE,),
    "get_registry_model_details": (WORKSPACE, "net"),
    "get_registry_model_versions": (WORKSPACE, "net"),
    "get_latest_registry_model_version_details": (WORKSPACE, "net", "a", 1, 2),
    "get_model_registry_version_assets": (WORKSPACE, "net", None, "a"),
    "get_registry_model_notes": (WORKSPACE, "net"),
    "model_registry_allowed_status_values": (WORKSPACE,),
}


@pytest.mark.parametrize("name", READINGS)
def test_the_workspace_reads_as_for_the_sdk(shelf: Shelf, net: Model, name: str) -> None:
    theirs = getattr(shelf.sdk, name)(*READINGS[name])
    assert getattr(shelf.api, name)(*READINGS[name]) == theirs
    assert theirs


def test_one_version_of_the_details(shelf: Shelf, net: Model) -> None:
    for version in ("1.2.0", "9.9.9"):
        theirs = shelf.sdk.get_registry_model_details(WORKSPACE, "net", version)
        assert shelf.api.get_registry_model_details(WORKSPACE, "net", version) == theirs
    assert theirs is None


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("find_versions", ()),
        ("find_versions", ("1.2",)),
        ("find_versions", ("", "Staging")),
        ("find_versions", ("", None, "b")),
        ("find_versions", ("2",)),
        ("get_details", ("1.2.0",)),
        ("get_assets", ("1.2.0",)),
        ("get_version_history", ("1.2.0",)),
        ("get_registry_model_metadata", ("1.2.0",)),
        ("tags", ("1.2.0",)),
        ("status", ("1.0.0",)),
    ],
)
def test_a_model_reads_as_for_the_sdk(shelf: Shelf, net: Model, name: str, arguments: tuple[Any, ...]) -> None:
    theirs = getattr(shelf.sdk.get_model(WORKSPACE, "net"), name)(*arguments)
    assert getattr(net, name)(*arguments) == theirs


def test_a_status_configuration_reads_as_for_the_sdk(shelf: Shelf, net: Model) -> None:
    theirs = shelf.sdk.get_model(WORKSPACE, "net").get_registry_model_status_configuration("1.2.0")
    ours = net.get_registry_model_status_configuration("1.2.0")
    assert repr(ours) == repr(theirs)
    assert net.get_registry_model_status_configuration("1.0.0") is None


def test_what_the_sdk_writes_is_read(shelf: Shelf) -> None:
    key = _log_model(shelf.server, "theirs", {"a": b"a"})
    theirs = shelf.sdk.get_experiment_by_key(key)
    theirs.register_model("theirs", version="2.0.0", tags=["x"], comment="c", metadata={"k": [1]})
    model = shelf.sdk.get_model(WORKSPACE, "theirs")
    model.add_tag("2.0.0", "y")
    model.set_status("2.0.0", "Production")
    model.update_registry_model_status_configuration(TheirConfiguration("QA", False, []), version="2.0.0")
    shelf.sdk.update_registry_model_notes(WORKSPACE, "theirs", "noted")
    ours = Model.from_registry(WORKSPACE, "theirs", api_key=shelf.server.api_key)
    assert (ours.tags("2.0.0"), ours.status("2.0.0")) == (["x", "y"], "QA")
    assert ours.get_registry_model_metadata("2.0.0") == [{"key": "k", "value": [1]}]
    assert ours.get_registry_model_status_configuration("2.0.0") == ModelStatusConfiguration(
        "QA", model_item_id=ours.get_details("2.0.0")["registryModelItemId"]
    )
    assert shelf.api.get_registry_model_notes(WORKSPACE, "theirs") == "noted"


def test_every_change_arrives(shelf: Shelf) -> None:
    key = _log_model(shelf.server, "changed", {"a": b"a"})
    APIExperiment(shelf.server.api_key, url=shelf.server.url, previous_experiment=key).register_model(
        "changed", stages=["s"]
    )
    assert shelf.item("changed", "1.0.0")["tags"] == ["s"]
    model, where = shelf.api.get_model(WORKSPACE, "changed"), (WORKSPACE, "changed", "1.0.0")
    model.add_tag("1.0.0", "t")
    model.delete_tag("1.0.0", "s")
    shelf.api.add_registry_model_version_stage(*where, "u")
    shelf.api.add_registry_model_version_stage(*where, "v")
    shelf.api.delete_registry_model_version_stage(*where, "u")
    assert shelf.item("changed", "1.0.0")["tags"] == ["t", "v"]
    model.set_status("1.0.0", "QA")
    assert shelf.item("changed", "1.0.0")["status"] == "QA"
    shelf.api.update_registry_model_version(*where, comment="said", stages=["w"])
    assert (shelf.item("changed", "1.0.0")["comment"], shelf.item("changed", "1.0.0")["tags"]) == ("said", ["w"])
    item_id = shelf.item("changed", "1.0.0")["registryModelItemId"]
    model.update_registry_model_metadata({"a": 1}, version="1.0.0")
    model.update_registry_model_metadata({"b": 2}, model_item_id=item_id)
    kept = shelf.server.get(f"registry-model/item/{item_id}/metadata")["metadata"]
    assert kept == [{"key": "a", "value": 1}, {"key": "b", "value": 2}]
    entry = StatusConfigurationItem("region", "eu")
    model.update_registry_model_status_configuration(ModelStatusConfiguration("Production", True, [entry]), "1.0.0")
    kept = shelf.server.get(f"registry-model/item/{item_id}/status-configuration")
    assert (kept["status"], kept["statusConfiguration"]) == ("Production", [{"key": "region", "value": "eu"}])
    shelf.api.update_registry_model_notes(WORKSPACE, "changed", "noted")
    named = {"workspaceName": WORKSPACE, "modelName": "renamed"}
    shelf.api.update_registry_model(WORKSPACE, "changed", new_name="renamed", description="d", public=True)
    found = shelf.server.get("registry-model/details", **named)
    assert (found["description"], found["isPublic"]) == ("d", True)
    assert shelf.server.get("registry-model/notes", **named)["notes"] == "noted"


def test_metadata_that_json_cannot_hold_is_kept_as_text(shelf: Shelf, experiment: APIExperiment) -> None:
    class Thing:
        def __str__(self) -> str:
            return "thing"

    status = {"status": "QA", "status_configuration_items": [{"key": "of", "value": Thing()}]}
    made = experiment.register_model(
        "net",
        registry_name="odd",
        version="1.0.0",
        metadata={"thing": Thing(), "nan": float("nan")},
        status_configuration=status,
    )
    model = shelf.api.get_model(WORKSPACE, "odd")
    model.update_registry_model_metadata({"inf": float("inf")}, version="1.0.0")
    kept = shelf.server.get(f"registry-model/item/{made['registryModelItemId']}/metadata")["metadata"]
    assert {row["key"]: row["value"] for row in kept} == {"thing": "thing", "nan": "NaN", "inf": "Infinity"}
    configured = model.get_registry_model_status_configuration("1.0.0")
    assert configured is not None
    assert configured.status_configuration_items[0].value == "thing"


def test_an_id_leads_nowhere_else(comet: ScriptedComet) -> None:
    comet.answer_with("compact-details", Answer(body={"registryModelId": "m"}))
    model = API("k" * 40, url=comet.root).get_model("w", "net")
    model.get_registry_model_metadata(model_item_id="../../workspaces?x=")
    assert comet.asked[-1].path.endswith("/registry-model/item/..%2F..%2Fworkspaces%3Fx%3D/metadata")


def test_versions_and_models_are_taken_away(shelf: Shelf) -> None:
    key = _log_model(shelf.server, "gone", {"a": b"a"})
    experiment = APIExperiment(shelf.server.api_key, url=shelf.server.url, previous_experiment=key)
    for version in ("1.0.0", "1.1.0"):
        experiment.register_model("gone", version)
    shelf.api.delete_registry_model_version(WORKSPACE, "gone", "1.0.0")
    left = shelf.server.get("registry-model/items", workspaceName=WORKSPACE, modelName="gone")
    assert [item["version"] for item in left["items"]] == ["1.1.0"]
    shelf.api.delete_registry_model(WORKSPACE, "gone")
    names = [
        model["modelName"] for model in shelf.server.get("registry-model", workspaceName=WORKSPACE)["registryModels"]
    ]
    assert "gone" not in names
    assert experiment.get_model_names() == ["gone"]


def test_what_is_not_there_is_said(shelf: Shelf, net: Model, experiment: APIExperiment, tmp_path: Path) -> None:
    missing: list[Callable[[], Any]] = [
        lambda: shelf.api.get_model(WORKSPACE, "never"),
        lambda: shelf.api.get_model("nowhere", "net"),
        lambda: shelf.api.get_registry_model_details(WORKSPACE, "never"),
        lambda: shelf.api.delete_registry_model_version(WORKSPACE, "net", "9.0.0"),
        lambda: shelf.api.get_latest_registry_model_version_details(WORKSPACE, "net", "never"),
        lambda: shelf.api.download_registry_model(WORKSPACE, "net", "9.0.0", tmp_path / "a"),
        lambda: net.download("9.0.0", tmp_path / "b"),
        lambda: net.set_status("9.0.0", "QA"),
        lambda: experiment.register_model("never"),
    ]
    for ask in missing:
        with pytest.raises(NotFoundError, match="The registry has no"):
            ask()
    assert list(tmp_path.iterdir()) == []


def test_a_panel_reads_and_changes_nothing(shelf: Shelf, net: Model) -> None:
    reading = API.over(Connection(shelf.api._connection.settings, read_only=True))
    model = reading.get_model(WORKSPACE, "net")
    assert model.get_version_history("1.2.0") == net.get_version_history("1.2.0")
    changes: list[Callable[[], Any]] = [
        lambda: model.add_tag("1.0.0", "t"),
        lambda: model.set_status("1.0.0", "QA"),
        lambda: reading.delete_registry_model(WORKSPACE, "net"),
    ]
    for change in changes:
        with pytest.raises(ReadOnlyError):
            change()
    assert shelf.item("net", "1.0.0")["tags"] == []


def test_what_means_nothing_is_refused(shelf: Shelf, net: Model, experiment: APIExperiment) -> None:
    with pytest.raises(InvalidArgumentError, match=r"version='one' is no semantic version"):
        experiment.register_model("net", "one")
    with pytest.raises(StatusError, match=r"has a version 1\.2\.0 already; register it as another version"):
        experiment.register_model("net", "1.2.0")
    wrong: list[tuple[Callable[[], Any], str]] = [
        (lambda: experiment.register_model("net", tags="a"), r"tags=\['a'\]"),  # type: ignore[arg-type]
        (lambda: experiment.register_model("net", metadata=[1]), "is no dictionary"),  # type: ignore[arg-type]
        (lambda: experiment.register_model("net", status_configuration={"state": "QA"}), "with 'status'"),
        (
            lambda: experiment.register_model(
                "net", status_configuration={**CONFIGURATION, "status_configuration_items": ["a"]}
            ),
            "a list of {'key'",
        ),
        (lambda: net.get_registry_model_metadata(), "Pass version="),
        (lambda: net.update_registry_model_metadata([1], "1.0.0"), "is no dictionary"),  # type: ignore[arg-type]
        (lambda: shelf.api.update_registry_model(WORKSPACE, "net"), "Nothing to update"),
        (lambda: shelf.api.update_registry_model_version(WORKSPACE, "net", "1.0.0"), "Nothing to update"),
        (lambda: shelf.api.update_registry_model_version(WORKSPACE, "net", "1.0.0", stages="a"), r"stages=\['a'\]"),
    ]
    for call, said in wrong:
        with pytest.raises(InvalidArgumentError, match=said):
            call()
    assert net.find_versions() == ["1.2.0", "1.0.0"]


def _below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_version_comes_down(shelf: Shelf, net: Model, tmp_path: Path) -> None:
    """Files in their places, over those that are there; links stay links."""
    (tmp_path / "weights.bin").write_bytes(b"old")
    assert net.download("1.2.0", tmp_path) == tmp_path
    assert _below(tmp_path) == FILES
    assert [asset["link"] for asset in net.get_assets("1.2.0") if asset["remote"]] == [LINK]
    somewhere = net.download("1.2.0")
    assert _below(somewhere) == FILES
    shelf.api.download_registry_model(WORKSPACE, "net", output_path=tmp_path / "newest", stage="b")
    assert _below(tmp_path / "newest") == FILES


def test_files_are_asked_for_as_those_of_their_experiment(
    net: Model, experiment: APIExperiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Comet finds an asset by both; the local server by its id alone."""
    asked: list[Any] = []
    transport = net._connection.transport
    real = transport.download_from
    monkeypatch.setattr(
        transport, "download_from", lambda path, params, *more: asked.append(params) or real(path, params, *more)
    )
    net.download("1.2.0", tmp_path)
    assert {params["experimentKey"] for params in asked} == {experiment.key}


def test_a_version_comes_down_as_a_zip(shelf: Shelf, net: Model, tmp_path: Path) -> None:
    shelf.api.download_registry_model(WORKSPACE, "net", "1.2.0", tmp_path, expand=False)
    ((name, content),) = _below(tmp_path).items()
    assert name == "net_1.2.0.zip"
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert {info.filename: archive.read(info) for info in archive.infolist()} == FILES


def test_a_damaged_file_never_gets_its_name(shelf: Shelf, tmp_path: Path) -> None:
    content = b"precious" * 1_000
    key = _log_model(shelf.server, "damaged", {"weights": content})
    APIExperiment(shelf.server.api_key, url=shelf.server.url, previous_experiment=key).register_model("damaged")
    (stored,) = shelf.server.data.rglob(f"*{hashlib.sha256(content).hexdigest()[4:]}*")
    stored.chmod(0o600)
    stored.write_bytes(content[:-1] + b"!")
    (tmp_path / "weights").write_bytes(b"what was there")
    with pytest.raises(DownloadError, match="weights arrived damaged"):
        shelf.api.get_model(WORKSPACE, "damaged").download("1.0.0", tmp_path)
    assert _below(tmp_path) == {"weights": b"what was there"}


def test_nothing_is_written_outside_the_folder(shelf: Shelf, tmp_path: Path) -> None:
    key = _log_model(shelf.server, "escaping", {"fine": b"fine", "../out": b"out"})
    APIExperiment(shelf.server.api_key, url=shelf.server.url, previous_experiment=key).register_model("escaping")
    folder = tmp_path / "inside"
    with pytest.raises(DownloadError, match="lead out of the folder"):
        shelf.api.get_model(WORKSPACE, "escaping").download("1.0.0", folder)
    assert _below(tmp_path) == {}


def test_a_version_outlives_its_experiment(shelf: Shelf, tmp_path: Path) -> None:
    key = _log_model(shelf.server, "orphan", {"a": b"a"})
    experiment = APIExperiment(shelf.server.api_key, url=shelf.server.url, previous_experiment=key)
    experiment.register_model("orphan")
    shelf.server.get("write/experiment/delete", experimentKey=key)
    shelf.api.get_model(WORKSPACE, "orphan").download("1.0.0", tmp_path)
    assert _below(tmp_path) == {"a": b"a"}


@pytest.mark.parametrize("protocol", ["batch", "rest"])
def test_a_live_experiment_registers_behind_the_models_files(shelf: Shelf, tmp_path: Path, protocol: str) -> None:
    name = f"live-{protocol}"
    (tmp_path / "weights").write_bytes(b"w" * 100_000)
    with Experiment(
        shelf.server.api_key,
        "models",
        WORKSPACE,
        url=shelf.server.url,
        journal_folder=tmp_path / "j",
        protocol=protocol,
    ) as live:
        live.log_model(name, tmp_path / "weights")
        live.register_model(name, version="3.0.0", tags=["t"], metadata={"k": 1}, status_configuration=CONFIGURATION)
        live.register_model("never logged")
        live.register_model(name, version="3.0.0", comment="again")
        live.register_model(name, registry_name=f"{name}-too", sync=True)
        assert shelf.item(f"{name}-too", "1.0.0")["experimentModel"]["experimentModelName"] == name
        live.log_asset_data("x", name="after")
    item = shelf.item(name, "3.0.0")
    assert (item["tags"], item["status"], item["comment"]) == (["t"], "Staging", "")
    assert [(asset["fileName"], asset["fileSize"]) for asset in item["assets"]] == [("weights", 100_000)]
    kept = shelf.server.get(f"registry-model/item/{item['registryModelItemId']}/metadata")["metadata"]
    assert kept == [{"key": "k", "value": 1}]
    assets = shelf.server.get("experiment/asset/list", experimentKey=live.id)["assets"]
    assert "after" in [asset["fileName"] for asset in assets]
    refused = live.stats().refused
    assert sum(refused.values()) == 2
    assert any("never logged" in reason for reason in refused)


def test_a_registration_that_is_sent_again_is_the_same_version(shelf: Shelf) -> None:
    """As after an answer that was lost."""
    key = _log_model(shelf.server, "repeated", {"a": b"a"})
    wanted = registration("repeated", None, None, None, None, None, None, None, {"k": 1}, None)
    transport, mark = shelf.api._connection.transport, {LANE_HEADER: f"{key}/files/2"}
    assert register(transport, key, wanted, mark) == register(transport, key, wanted, mark)
    assert shelf.api.get_registry_model_versions(WORKSPACE, "repeated") == ["1.0.0"]


def test_a_live_call_never_raises(tmp_path: Path) -> None:
    live = Experiment("key", url="offline", journal_folder=tmp_path)
    live.register_model("net", tags="a")  # type: ignore[arg-type]
    assert "register_model: InvalidArgumentError" in live.stats().dropped
    live.end()


def _parameters(method: Any) -> list[tuple[str, Any]]:
    return [(name, each.default) for name, each in inspect.signature(method).parameters.items()]


def test_names_and_defaults_are_the_sdks(shelf: Shelf, net: Model) -> None:
    theirs = type(shelf.sdk.get_model(WORKSPACE, "net"))
    for name in [name for name in dir(theirs) if not name.startswith("_") and name != "name"]:
        assert _parameters(getattr(Model, name)) == _parameters(getattr(theirs, name)), name
    registry = [name for name in dir(comet_ml.API) if "registry" in name or name == "get_model"]
    for name in registry:
        assert _parameters(getattr(API, name)) == _parameters(getattr(comet_ml.API, name)), name
    assert len(registry) == 17
    assert _parameters(APIExperiment.register_model) == _parameters(comet_ml.APIExperiment.register_model)
    assert _parameters(Experiment.register_model) == _parameters(comet_ml.CometExperiment.register_model)
    assert str(Model.minimal_backend()) == str(theirs.minimal_backend())


def test_the_examples_of_the_page_run(shelf: Shelf, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZENML_COMET_JOURNAL", str(tmp_path / "journal"))
    namespace: dict[str, Any] = {}
    page = (Path(__file__).parents[2] / "docs" / "registry.md").read_text("utf-8")
    for block in re.findall(r"```python\n(.+?)```", page, re.DOTALL):
        exec(block, namespace)
    assert (tmp_path / "downloaded" / "weights.bin").read_bytes() == b"0123456789"
    asked = {"workspaceName": "my-workspace", "modelName": "digits"}
    newer, older = shelf.server.get("registry-model/details", **asked)["versions"]
    assert (newer["version"], newer["comment"], newer["status"]) == ("1.1.0", "the same again", "Development")
    assert (older["version"], older["tags"], older["status"]) == ("1.0.0", ["reviewed"], "Production")
    assert namespace["model"].get_registry_model_status_configuration("1.0.0").comment == "looks good"
