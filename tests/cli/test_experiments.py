"""`experiments`, `query`, `show`, `download`, read against plain requests."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Typed
from tests.comet.portable.data import PROJECT, START, fill, upload
from tests.fixtures.local_server import LocalServer, begin
from zenml_comet_tracker.cli import printing
from zenml_comet_tracker.comet.resources import assets


@pytest.fixture(scope="module")
def keys(local_server: LocalServer) -> list[str]:
    return fill(local_server, "cli", PROJECT)


PLACE = ("--workspace", "cli", "--project", PROJECT)


def listed(typed: Typed, *words: str) -> list[dict[str, Any]]:
    done = typed(*words, *PLACE, "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert (found["workspace"], found["project"]) == ("cli", PROJECT)
    return list(found["experiments"])


def test_experiments_are_listed_as_the_server_has_them(
    typed: Typed, local_server: LocalServer, keys: list[str]
) -> None:
    rich = next(row for row in listed(typed, "experiments") if row["key"] == keys[0])
    metadata = local_server.get("experiment/metadata", experimentKey=keys[0])
    assert rich == {
        "key": keys[0],
        "name": "the rich one",
        "state": "finished",
        "archived": False,
        "user": metadata["userName"],
        "file": "/home/ada/train.py",
        "url": f"{local_server.url}/cli/birds%20%26%20bees/{keys[0]}",
        "start_millis": START,
        "end_millis": START + 90_000,
        "duration_millis": 90_000,
        "values": {},
    }
    (failed,) = listed(typed, "experiments", "--archived")
    assert (failed["key"], failed["state"], failed["archived"]) == (keys[1], "crashed", True)


def test_without_a_project_those_that_are_there_are_named(typed: Typed, keys: list[str]) -> None:
    done = typed("experiments", "--workspace", "cli")
    assert done.exit_code == 2
    assert "Which project?" in done.output
    assert PROJECT in done.output


def test_columns_are_what_was_logged_and_can_be_sorted_by(typed: Typed, keys: list[str]) -> None:
    columns = "name,metric:loss,metric:train_loss,param:lr,other:count,tags"
    rows = listed(typed, "experiments", "--columns", columns, "--sort", "metric:loss")
    assert rows[0]["tags"] == ["zebra", "ant", "🦋"]
    assert rows[0]["values"] == {
        "metric:loss": 1 / 1_302,
        "metric:train_loss": 0.25,
        "param:lr": "0.1",
        "other:count": "3",
    }
    # What has no value comes last, also the other way round.
    assert listed(typed, "experiments", "--sort", "-metric:loss")[0]["key"] == keys[0]
    assert len(listed(typed, "experiments", "--limit", "1")) == 1
    by_start = [row["start_millis"] for row in listed(typed, "experiments", "--sort", "start")]
    assert by_start == sorted(by_start)


def test_nan_spoils_no_order(typed: Typed, local_server: LocalServer) -> None:
    for name, value in (("c", 3), ("nan", "NaN"), ("a", 1), ("d", "Infinity"), ("b", 2)):
        key = begin(local_server, teamName="cli", projectName="sorted")
        local_server.post("write/experiment/log-other", experimentKey=key, key="Name", value=name)
        local_server.post("write/experiment/metric", experimentKey=key, metricName="loss", metricValue=value)
    done = typed("experiments", "--project", "cli/sorted", "--sort", "metric:loss", "--json")
    assert [row["name"] for row in json.loads(done.stdout)["experiments"]] == ["a", "b", "c", "d", "nan"]


def test_a_column_that_is_none_is_refused(typed: Typed) -> None:
    done = typed("experiments", *PLACE, "--columns", "name,loss")
    assert done.exit_code == 2
    assert "no column 'loss'" in done.stderr
    assert "metric:NAME" in done.stderr


def test_a_query_finds_what_holds(typed: Typed, keys: list[str]) -> None:
    assert [row["key"] for row in listed(typed, "query", "(Metric('loss') < 0.1) & Tag('ant')")] == [keys[0]]
    assert listed(typed, "query", "Tag('ant') & ~Tag('zebra')") == []
    assert [row["key"] for row in listed(typed, "query", "Other('Name').contains('failed')", "--archived")] == [keys[1]]


def test_a_query_that_means_nothing_ends_with_2_and_the_right_form(typed: Typed) -> None:
    done = typed("query", "Metric('loss') < 1 and Tag('a')", *PLACE, "--json")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "write & between conditions in brackets" in done.stderr


def test_an_experiment_is_shown_as_the_server_has_it(typed: Typed, local_server: LocalServer, keys: list[str]) -> None:
    by_key = json.loads(typed("show", keys[0], "--json").stdout)
    assert by_key == json.loads(typed("show", "the rich one", *PLACE, "--json").stdout)
    loss = next(row for row in by_key["metrics"] if row["name"] == "loss")
    (said,) = [
        row
        for row in local_server.get("experiment/metrics/summary", experimentKey=keys[0])["values"]
        if row["name"] == "loss"
    ]
    assert loss == {
        "name": "loss",
        "last": said["valueCurrent"],
        "min": said["valueMin"],
        "max": said["valueMax"],
        "last_step": 1_299,
    }
    assert by_key["parameters"]["lr"] == "0.1"
    assert by_key["others"]["count"] == "3"
    assert by_key["models"] == ["net"]
    assert by_key["git"] == {"user": "ann", "branch": "main", "parent": "abc123"}
    told = local_server.get("experiment/asset/list", experimentKey=keys[0])["assets"]
    assert {row["id"] for row in by_key["assets"]} == {row["assetId"] for row in told}
    shown = typed("show", keys[0]).stdout
    assert "the rich one" in shown
    assert "train_loss\t0.25" in shown


@pytest.mark.parametrize("state", ["running", "stopped", "retrying"])
def test_a_state_is_what_the_server_says(typed: Typed, local_server: LocalServer, state: str) -> None:
    key = begin(local_server, teamName="cli", projectName="states")
    if state != "running":
        told = {"isAlive": state == "retrying", "hasCrashed": False, "error": None, "endedAs": state, "attempt": 1}
        local_server.post("write/experiment/update-status", experimentKey=key, **told)
    assert json.loads(typed("show", key, "--json").stdout)["state"] == state
    rows = json.loads(typed("experiments", "--workspace", "cli", "--project", "states", "--json").stdout)["experiments"]
    assert {row["state"] for row in rows if row["key"] == key} == {state}


def test_of_what_lies_elsewhere_the_address_and_the_artifact_are_shown(
    typed: Typed, local_server: LocalServer, tmp_path: Path
) -> None:
    key, place = begin(local_server), "clientlib/asset/upload"
    about = {"zenml_artifact": "birds", "zenml_artifact_version": "7", "zenml_artifact_type": "DataArtifact"}
    link = {"experimentId": key, "link": "s3://bucket/birds/7"}
    upload(local_server, place, None, fileName="inputs/data", metadata=about, **link)
    upload(local_server, place, None, fileName="odd", metadata="{", **{**link, "link": "gs://other/odd"})
    upload(local_server, place, b"abc", fileName="here.txt", experimentId=key)

    shown = {row["name"]: row for row in json.loads(typed("show", key, "--json").stdout)["assets"]}
    members = ("bytes", "link", "artifact", "artifact_version")
    assert {name: tuple(row[member] for member in members) for name, row in shown.items()} == {
        "inputs/data": (None, "s3://bucket/birds/7", "birds", "7"),
        "odd": (None, "gs://other/odd", None, None),
        "here.txt": (3, None, None, None),
    }
    lines = [line.split("\t") for line in typed("show", key).stdout.splitlines()]
    assert ["remote asset", "link", "artifact", "artifact version", "step", "id"] in lines
    assert ["inputs/data", "s3://bucket/birds/7", "birds", "7", "", shown["inputs/data"]["id"]] in lines
    assert [row[0] for row in lines if row[0] in shown] == ["here.txt", "inputs/data", "odd"]

    done = typed("download", key, str(tmp_path / "files"))
    assert "elsewhere: inputs/data  s3://bucket/birds/7  birds  7\n" in done.stdout
    assert "elsewhere: odd  gs://other/odd\n" in done.stdout
    links = json.loads(typed("download", key, str(tmp_path / "files"), "--json").stdout)["links"]
    assert {"kind": "assets", "name": "inputs/data", **{m: shown["inputs/data"][m] for m in members[1:]}} in links


def test_downloaded_files_are_those_of_the_server(
    typed: Typed, local_server: LocalServer, keys: list[str], tmp_path: Path
) -> None:
    done = typed("download", keys[0], str(tmp_path / "files"), "--json")
    found = json.loads(done.stdout)
    assert (done.exit_code, found["missing"]) == (0, [])
    for file in found["files"]:
        query = {"experimentKey": keys[0], "assetId": file["asset_id"]}
        answered = local_server.call("GET", "api/rest/v2/experiment/asset/get-asset", params=query)
        assert (tmp_path / "files" / file["path"]).read_bytes() == answered.content
    there = {
        path.relative_to(tmp_path / "files").as_posix() for path in (tmp_path / "files").rglob("*") if path.is_file()
    }
    assert there == {file["path"] for file in found["files"]}
    assert {"assets/escape.bin", "assets/same.txt", "models/net/sub/weights.pt"} <= there
    assert "artifacts/bird songs/1.0.0/a/song.wav" in there
    assert len(there) == 13
    assert {link["link"] for link in found["links"]} == {
        "s3://bucket/data.parquet",
        "s3://bucket/big.pt",
        "s3://bucket/x",
    }
    assert list(tmp_path.iterdir()) == [tmp_path / "files"]


def test_a_download_goes_on_where_it_was_and_takes_nothing_away(typed: Typed, keys: list[str], tmp_path: Path) -> None:
    words = ("download", keys[0], str(tmp_path), "--only", "assets", "--name", "server*")
    assert "1 files fetched, 0 there already, 300,000 bytes" in typed(*words).stdout
    assert "0 files fetched, 1 there already" in typed(*words).stdout
    whole = tmp_path / "assets" / "server.jsonl"
    # Cut off: the first half is not asked for again, which a changed byte in it shows.
    (asset,) = json.loads(typed(*words, "--json").stdout)["files"]
    (tmp_path / "assets" / f".{asset['asset_id']}.part").write_bytes(b"y" + whole.read_bytes()[1:150_000])
    whole.unlink()
    assert "1 files fetched" in typed(*words).stdout
    assert whole.read_bytes() == b"y" + b"x" * 299_999
    whole.write_bytes(b"mine")
    done = typed(*words)
    assert (done.exit_code, whole.read_bytes()) == (1, b"mine")
    assert "another file is in the way" in done.stderr
    for other in (b"mine", b"y" * 300_000):
        whole.write_bytes(other)
        assert typed(*words, "--overwrite").exit_code == 0
        assert whole.read_bytes() == b"x" * 300_000


def test_the_first_half_of_another_file_of_this_name_is_not_gone_on_with(
    typed: Typed, local_server: LocalServer, tmp_path: Path
) -> None:
    key = begin(local_server, teamName="cli", projectName="again")
    older = uuid.uuid4().hex
    upload(local_server, "clientlib/asset/upload", b"o" * 1000, experimentId=key, fileName="weights", assetId=older)
    typed("download", key, str(tmp_path))
    (tmp_path / "assets" / "weights").unlink()
    for name in ("weights", older):
        (tmp_path / "assets" / f".{name}.part").write_bytes(b"o" * 500)
    local_server.get("write/experiment/asset/delete", experimentKey=key, assetId=older)
    upload(local_server, "clientlib/asset/upload", b"n" * 1000, experimentId=key, fileName="weights")
    assert typed("download", key, str(tmp_path)).exit_code == 0
    assert (tmp_path / "assets" / "weights").read_bytes() == b"n" * 1000


def test_a_file_that_is_not_what_the_server_lists_is_left_out(
    typed: Typed, local_server: LocalServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    key = begin(local_server, teamName="cli", projectName="short")
    upload(local_server, "clientlib/asset/upload", b"n" * 1000, experimentId=key, fileName="weights")
    monkeypatch.setattr(assets, "content", lambda *_: (0, iter([b"n" * 999])))
    done = typed("download", key, str(tmp_path))
    assert done.exit_code == 1
    assert "is not what the server lists" in done.stderr
    assert list(tmp_path.glob("assets/*")) == []


def test_no_link_in_the_folder_leads_a_download_out_of_it(
    typed: Typed, local_server: LocalServer, tmp_path: Path
) -> None:
    key = begin(local_server, teamName="cli", projectName="linked")
    upload(local_server, "clientlib/asset/upload", b"bytes", experimentId=key, fileName="weights")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "assets").symlink_to(tmp_path / "elsewhere")
    done = typed("download", key, str(tmp_path / "folder"), "--overwrite")
    assert done.exit_code == 1
    assert "a link on the way leads out" in done.stderr
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_disk_that_takes_nothing_is_told_in_one_line(typed: Typed, keys: list[str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for words in (("export", f"cli/{PROJECT}"), ("download", keys[0])):
        done = typed(*words, str(tmp_path / "file" / "below"))
        assert done.exit_code == 1
        assert "Not a directory" in done.stderr
        assert "Traceback" not in done.output


def test_content_that_the_server_lost_is_said(typed: Typed, local_server: LocalServer, tmp_path: Path) -> None:
    key = begin(local_server, teamName="cli", projectName="lost")
    upload(local_server, "clientlib/asset/upload", b"gone soon", experimentId=key, fileName="gone")
    upload(local_server, "clientlib/asset/upload", b"here", experimentId=key, fileName="here")
    local_server.store.files.path(hashlib.sha256(b"gone soon").hexdigest()).unlink()
    done = typed("download", key, str(tmp_path), "--json")
    found = json.loads(done.stdout)
    assert done.exit_code == 1
    assert [file["path"] for file in found["files"]] == ["assets/here"]
    assert "gone" in found["missing"][0]


def test_what_is_not_there_and_who_may_not_look_have_codes_of_their_own(
    typed: Typed, keys: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert typed("show", uuid.uuid4().hex).exit_code == 7
    assert typed("show", "nobody", *PLACE).exit_code == 7
    assert typed("experiments", "--project", "cli/none").exit_code == 7
    assert typed("show", keys[0], "--api-key", "0" * 40).exit_code == 8
    assert typed("show", keys[0], "--url", "http://127.0.0.1:1").exit_code == 9
    assert typed("show", keys[0], "--local", "--url", "http://127.0.0.1:1").exit_code == 2
    done = typed("experiments")
    assert done.exit_code == 2
    assert "COMET_PROJECT_NAME" in done.stderr
    monkeypatch.setenv("COMET_PROJECT_NAME", PROJECT)
    monkeypatch.setenv("COMET_WORKSPACE", "cli")
    assert keys[0] in typed("experiments").stdout
    assert keys[0] in typed("experiments", "--local", *PLACE).stdout


def test_a_name_cannot_steer_the_terminal(typed: Typed, local_server: LocalServer) -> None:
    key = begin(local_server, teamName="cli", projectName="escapes")
    local_server.post(
        "write/experiment/log-other", experimentKey=key, key="Name", value="\x1b]0;owned\x07\x1b[2Jevil\tname\nrest"
    )
    shown = typed("experiments", "--project", "cli/escapes").stdout
    assert not {"\x1b", "\x07"} & set(shown)
    assert len(shown.splitlines()) == 2
    assert "evil name rest" in shown


def test_a_pipe_that_closes_early_ends_it_without_a_word(local_server: LocalServer, keys: list[str]) -> None:
    words = [sys.executable, "-m", "zenml_comet_tracker.cli.main", "show", keys[0], "--json"]
    environment = {**os.environ, "COMET_API_KEY": local_server.api_key, "COMET_URL_OVERRIDE": local_server.url}
    with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) != 0


@pytest.mark.parametrize("width", [30, 200])
def test_a_table_fits_the_terminal_and_has_no_colour_where_none_is_wanted(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    key = "0123456789abcdef" * 2
    printing.print_table(("key", "name"), [(key, "[red]long[/red] " * 9), ("short", "\x1b[31mred")])
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= width
    assert "\x1b" not in shown
    assert key in "".join(line.split()[0] for line in shown.splitlines()[1:] if line and not line.startswith(" "))
    assert "[red]" in "".join(shown.split())
