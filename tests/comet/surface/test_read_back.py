"""Every logging method, read back raw from the local server: written in batches, in documented REST, and by `sync`."""

from __future__ import annotations

import io
import json
import wave
import zipfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from PIL import Image

from tests.comet.surface.everything import BOXES, POINTS, Held, log_everything, make_files
from tests.fixtures.local_server import LocalServer
from zenml_comet_tracker.cli.main import main
from zenml_comet_tracker.comet.experiment import Experiment


@pytest.fixture(scope="module", params=["batch", "rest", "sync"])
def held(request: pytest.FixtureRequest, local_server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> Held:
    """An experiment that logged everything, delivered on one of the ways."""
    folder = tmp_path_factory.mktemp("everything")
    make_files(folder)
    key, project, way = local_server.api_key, request.param, {"url": local_server.url, "protocol": request.param}
    with pytest.MonkeyPatch.context() as patch:
        if project == "sync":
            patch.setenv("COMET_URL_OVERRIDE", local_server.url)
            way = {"url": "offline"}
        experiment = Experiment(key, project, "surface", journal_folder=folder / "journals", strict=True, **way)
        returned = log_everything(experiment, folder)
        report = experiment.end()
        if project == "sync":
            done = CliRunner().invoke(main, ["sync", str(report.journal), "--api-key", key])
            assert done.exit_code == 0, done.output
        else:
            assert report.delivered, report
    assert experiment.stats().dropped == {}
    return Held(local_server, experiment.id, project, returned)


class TestValues:
    def test_metrics_by_context(self, held: Held) -> None:
        assert held.points("loss") == [(0.5, 1, 1, None)]
        assert held.points("given_loss") == [(0.25, 1, 1, "given")]
        assert held.points("train_loss") == [(0.75, 2, 1, "train")]
        assert held.points("own_loss") == [(4, 2, 1, "own")]
        assert held.points("bare") == [(1, 2, 1, None)]
        assert (held.points("train_p_a"), held.points("train_p_b/c")) == ([(1, 2, 1, "train")], [(2, 2, 1, "train")])

    def test_steps_and_epochs_that_were_set(self, held: Held) -> None:
        assert held.points("after") == [(1, 7, 1, None), (2, 8, 5, None), (3, 8, 6, None)]
        assert held.points("curr_epoch") == [(9, 8, 6, None)]

    def test_parameters(self, held: Held) -> None:
        found = held.current("experiment/parameters")
        assert found.pop("curr_step") == "7"
        assert found == {
            "train_rate": "0.1",
            "curr_epoch": "6",
            "model|layers": "[1,2]",
            "whole": '{"a":1}',
            # The same as the official SDK's.
            "dataset_hash": "49a5a960c571",
            "depth": "3",
        }

    def test_others(self, held: Held) -> None:
        found = held.current("experiment/log-other")
        assert {name: found[name] for name in ("Name", "note", "count", "dataset_info")} == {
            "Name": "everything",
            "note": "größer 🚀",
            "count": "3",
            "dataset_info": "digits-v1, /data",
        }
        assert {name: value for name, value in found.items() if name.startswith("opt")} == {
            "optimizer_id": "opt1",
            "optimizer_metric": "score",
            "optimizer_metric_value": "0.9",
            "optimizer_parameters": '{"depth":3}',
            "optimizer_objective": "maximize",
        }
        assert held.points("score") == [(0.9, 8, 6, None)]


class TestFacts:
    def test_tags_and_name(self, held: Held) -> None:
        assert sorted(held.get("experiment/tags")["tags"]) == ["one", "three", "two"]
        assert held.get("experiment/metadata")["experimentName"] == "everything"

    def test_html_is_replaced_and_then_added_to(self, held: Held) -> None:
        link = '<div><b>see</b>: <a href="http://host/?a=1&amp;b=2" target="_blank">&lt;page&gt;</a></div>'
        assert held.get("experiment/html")["html"] == f"<b>first</b>{link}"

    def test_graph_and_program(self, held: Held) -> None:
        assert held.get("experiment/graph")["graph"] == '{"layers":[1]}'
        assert held.get("experiment/metadata")["filePath"] == "/app/train.py"

    def test_output_in_order_with_the_newlines_it_has(self, held: Held) -> None:
        # Documented REST knows whole lines only.
        cut = "\n" if held.protocol == "rest" else ""
        expected = f"in training\nline one\nline two\n\rhalf a li{cut}ne\n"
        assert held.get("experiment/output")["output"] == expected

    def test_git(self, held: Held) -> None:
        assert held.get("experiment/git/metadata") == {
            "user": "me",
            "root": "/app",
            "branch": "main",
            "parent": "abc",
            "origin": "git@host:a.git",
        }
        params = {"experimentKey": held.key}
        assert held.server.call("GET", "api/rest/v2/experiment/git/patch", params=params).text == "--- a\n+++ b\n"

    def test_system_details(self, held: Held) -> None:
        found = held.get("experiment/system-details")
        said = ("command", "hostname", "installedPackages", "osPackages", "pid", "pythonVersion", "processor")
        assert [found[name] for name in said] == [
            ["python", "train.py"],
            "host",
            ["torch==2.4"],
            ["libc=2"],
            12,
            "4.0.2",
            "x86",
        ]
        assert found["pythonVersionVerbose"] == "R version 4.0.2"
        assert found["gpuStaticInfoList"][0]["name"] == "H200"
        assert found["logAdditionalSystemInfoList"] == [{"key": "mood", "value": "good"}, {"key": "rack", "value": "7"}]

    def test_dependencies(self, held: Held) -> None:
        with held.server.store.read() as connection:
            from zenml_comet_tracker.local.store import documents, experiments

            experiment = experiments.require(connection, held.key)
            found = documents.get_json(connection, experiment.id, "dependencies")
        assert found == {"torch": "2.4", "numpy": "2.0"}

    def test_code(self, held: Held) -> None:
        assert held.get("experiment/code")["code"] == "train = True\n"
        listed = held.assets("source_code")
        assert [(Path(a["fileName"]).name, held.content(a)) for a in listed] == [
            ("train.py", b"train = True\n"),
            ("one.py", b"one = 1\n"),
        ]
        assert listed[1]["fileName"] == "sources/one.py"
        assert {a["metadata"] for a in listed} == {'{"source_code_type":"manual"}'}
        assert held.content(held.asset("work.ipynb", "notebook")) == b'{"cells": []}'


class TestFiles:
    def test_an_asset_with_step_and_metadata(self, held: Held) -> None:
        (asset,) = [a for a in held.assets("asset", "a.txt") if a["metadata"]]
        assert (held.content(asset), asset["step"], asset["metadata"]) == (b"a", 3, '{"k":[1]}')

    def test_an_open_file_and_one_with_type_and_context(self, held: Held) -> None:
        assert held.content(held.asset("opened.bin")) == b"opened"
        asset = held.asset("uploaded.txt")
        said = ("type", "step", "runContext", "metadata")
        assert [asset[name] for name in said] == ["custom", 4, "validate", '{"m":1}']

    def test_an_asset_logged_inside_of_a_context_belongs_to_it(self, held: Held) -> None:
        assert held.asset("inside.txt")["runContext"] == "train"

    def test_folders(self, held: Held) -> None:
        assert [name for name, _ in held.returned["folder"]] == ["a.txt"]
        names = [asset["fileName"] for asset in held.assets("asset")]
        assert (names.count("data/a.txt"), names.count("data/inner/b.txt")) == (1, 1)
        assert (names.count("a.txt"), names.count("b.txt")) == (2, 0)
        assert [a["fileName"] for a in held.assets("tensorflow-file")] == ["data/a.txt", "data/inner/b.txt"]

    def test_remote_assets(self, held: Held) -> None:
        asset = held.asset("file.bin")
        said = (asset["link"], asset["remote"], asset["type"], asset["metadata"])
        assert said == ("s3://bucket/path/file.bin?x=1", True, "asset", '{"far":true}')
        assert asset["assetId"] == held.returned["remote"]["assetId"]
        (remote,) = [a for a in held.assets("audio", "sound.wav") if a["remote"]]
        assert (remote["link"], remote["step"]) == ("http://host/sound", 2)

    def test_models(self, held: Held) -> None:
        assert sorted(m["modelName"] for m in held.get("experiment/model")["models"]) == [
            "far",
            "flat",
            "near",
            "net",
            "single",
        ]
        assert sorted(held.model("net")) == ["data/a.txt", "data/inner/b.txt"]
        assert sorted(held.model("flat")) == ["a.txt", "inner/b.txt"]
        assert held.content(held.model("single")["w.bin"]) == b"weights"
        assert [name for name, _ in held.returned["model"]] == ["a.txt", "b.txt"]
        assert {a["metadata"] for a in held.model("net").values()} == {'{"v":1}'}

    def test_remote_models(self, held: Held) -> None:
        far = held.model("far")["model.bin"]
        assert (far["link"], far["remote"], far["metadata"]) == ("s3://bucket/model.bin", True, '{"o":1}')
        assert sorted(held.model("near")) == ["a.txt", "inner/b.txt"]


class TestMedia:
    def test_a_text_sample(self, held: Held) -> None:
        (sample,) = held.assets("text-sample")
        assert (held.content(sample), sample["step"], sample["metadata"]) == (b"a sample", 1, '{"t":1}')

    @pytest.mark.parametrize(
        ("name", "mode", "size"),
        [("grey.png", "L", (5, 4)), ("first.png", "RGB", (10, 8)), ("small.png", "RGB", (2, 3))],
    )
    def test_images(self, held: Held, name: str, mode: str, size: tuple[int, int]) -> None:
        picture = Image.open(io.BytesIO(held.content(held.asset(name, "image"))))
        assert (picture.mode, picture.size) == (mode, size)
        if name == "first.png":
            # The middle of what image_minmax says.
            assert picture.getpixel((0, 0)) == (128, 128, 128)

    def test_annotations(self, held: Held) -> None:
        said = held.asset("grey.png", "image")["metadata"]
        assert json.loads(said) == {"metadata": "mine", "annotations": [{"name": "boxes"}]}

    def test_figures(self, held: Held) -> None:
        assert Image.open(io.BytesIO(held.content(held.asset("figure", "image")))).format == "PNG"
        drawing = held.asset("drawing.svg", "image")
        assert b"<svg" in held.content(drawing)
        assert drawing["metadata"] == '{"f":1}'

    def test_sounds_and_films(self, held: Held) -> None:
        sound = next(a for a in held.assets("audio", "sound.wav") if not a["remote"])
        with wave.open(io.BytesIO(held.content(sound))) as samples:
            assert (samples.getframerate(), samples.getnchannels(), samples.getsampwidth()) == (8000, 1, 2)
            loudest = samples.readframes(3)[4:]
        assert int.from_bytes(loudest, "little", signed=True) == -32767
        assert json.loads(sound["metadata"]) == {"s": 1, "sample_rate": 8000}
        assert held.content(held.asset("film.mp4", "audio")) == b"film"
        film = held.asset("film", "video")
        assert (held.content(film), film["video"]) == (b"film", True)

    def test_charts(self, held: Held) -> None:
        assert held.json("roc") == {"x": [0, 1], "y": [0.5, 1.0], "name": "roc"}
        assert held.asset("roc", "curve")["step"] == 2
        assert held.json("weights", "histogram3d")["index_values"] == [[469, 1], [1065, 1], [1073, 2]]
        matrix = held.json("confusion-matrix.json", "confusion-matrix")
        assert (matrix["matrix"], matrix["labels"]) == ([[1, 0], [1, 1]], ["a", "b"])

    def test_scenes(self, held: Held) -> None:
        scene = held.asset("scene", "3d-image")
        assert (scene["step"], json.loads(scene["metadata"])["zRange"]) == (2, [3, 6])
        if held.protocol == "rest":
            lines = held.content(scene).decode().splitlines()
            assert [json.loads(line) for line in lines] == [*POINTS, *BOXES]
            return
        items = {json.loads(i["metadata"])["assetItemType"]: i for i in held.assets("asset-item")}
        assert {json.loads(item["metadata"])["assetId"] for item in items.values()} == {scene["assetId"]}
        assert [json.loads(line) for line in held.content(items["points"]).splitlines()] == POINTS
        assert [json.loads(line) for line in held.content(items["boxes"]).splitlines()] == BOXES

    def test_tables(self, held: Held) -> None:
        assert held.content(held.asset("rows.csv")) == b"x,y\r\n1,a\r\n2,b\r\n"
        assert held.json("frame.json", "dataframe") == {"x": {"0": 1, "1": 2}}
        assert held.content(held.asset("plain.csv")) == b"x\n1\n"

    def test_a_data_frame_with_its_profile(self, held: Held) -> None:
        returned: dict[str, Any] = held.returned["profile"]
        page = held.asset("profiled-profile.html", "dataframe-profile")
        assert page["assetId"] == returned["profile"]["assetId"]
        assert b"2 rows, 1 columns" in held.content(page)
        assert held.json("profiled.json", "dataframe") == {"x": {"0": 1.0, "1": None}}


def test_what_is_found_out_about_program_and_machine(
    local_server: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without arguments: the running program, the packages that are installed, the repository that it lies in."""
    import git

    program = tmp_path / "program" / "run.py"
    program.parent.mkdir()
    program.write_text("committed = 1\n")
    repository = git.Repo.init(program.parent, initial_branch="trunk")
    repository.index.add([str(program)])
    made = repository.index.commit("made")
    program.write_text("changed = 2\n")
    monkeypatch.setattr("__main__.__file__", str(program), raising=False)
    monkeypatch.setattr("__main__.__spec__", None, raising=False)
    monkeypatch.setattr("sys.argv", [str(program), "--rate", "0.5", "--fast"])
    experiment = Experiment(local_server.api_key, url=local_server.url, journal_folder=tmp_path / "journals")
    experiment.set_cmd_args()
    experiment.set_pip_packages()
    packages = tmp_path / "status"
    packages.write_text("Package: libc6\nStatus: install ok installed\nVersion: 2.36\n\n")
    monkeypatch.setattr("zenml_comet_tracker.comet.capture.system_details.DPKG_STATUS", packages)
    experiment.set_os_packages()
    experiment.log_code()
    experiment.log_git_metadata()
    experiment.log_git_patch()
    assert experiment.end().delivered
    assert experiment.stats().dropped == {}
    held = Held(local_server, experiment.id, "batch", {})
    assert held.current("experiment/parameters") == {"rate": "0.5", "fast": "true"}
    details = held.get("experiment/system-details")
    assert any(name.startswith("pytest==") for name in details["installedPackages"])
    assert details["osPackages"] == ["libc6=2.36"]
    assert held.get("experiment/code")["code"] == "changed = 2\n"
    found = held.get("experiment/git/metadata")
    assert (found["branch"].rpartition("/")[2], found["parent"]) == ("trunk", made.hexsha)
    (patch,) = held.assets("git-patch")
    with zipfile.ZipFile(io.BytesIO(held.content(patch))) as archive:
        assert b"+changed = 2" in archive.read("git_diff.patch")


def test_what_the_user_says_outlasts_what_is_found_out_later(local_server: LocalServer, tmp_path: Path) -> None:
    experiment = Experiment(local_server.api_key, "told", "surface", url=local_server.url, journal_folder=tmp_path)
    experiment.log_system_details(hostname="mine")
    experiment.log_git_metadata(branch="mine")
    experiment._record.system_details({"hostname": "found", "pid": 5})
    experiment._record.git({"branch": "found", "parent": "found"})
    assert experiment.end().delivered
    details = local_server.get("experiment/system-details", experimentKey=experiment.id)
    assert (details["hostname"], details["pid"]) == ("mine", 5)
    git = local_server.get("experiment/git/metadata", experimentKey=experiment.id)
    assert (git["branch"], git["parent"]) == ("mine", None)
