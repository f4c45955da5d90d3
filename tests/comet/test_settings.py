"""Where settings come from, in which order, and what is said of those that cannot be used."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from zenml_comet_tracker.comet.errors import ConfigurationError
from zenml_comet_tracker.comet.settings import resolve, root_of


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """An empty working directory and an empty home."""
    found = {"work": tmp_path / "work", "home": tmp_path / "home"}
    for folder in found.values():
        folder.mkdir()
    monkeypatch.chdir(found["work"])
    monkeypatch.setenv("HOME", str(found["home"]))
    return found


def test_each_source_gives_way_to_the_one_before(places: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    sources = []
    for folder in ("home", "work"):
        (places[folder] / ".comet.config").write_text(f"[comet]\nworkspace = ini-{folder}\n")
        sources.insert(0, f"ini-{folder}")
        (places[folder] / ".comet.yml").write_text(f"COMET_WORKSPACE: yml-{folder}\n")
        sources.insert(0, f"yml-{folder}")
    monkeypatch.setenv("COMET_WORKSPACE", "environment")
    fallback = {"COMET_WORKSPACE": "secrets"}

    seen = [
        resolve(api_key="k", workspace="argument", fallback=fallback).workspace,
        resolve(api_key="k", fallback=fallback).workspace,
        resolve(api_key="k").workspace,
    ]
    monkeypatch.setenv("COMET_WORKSPACE", "")
    for path in (places["work"] / ".comet.yml", places["work"] / ".comet.config", places["home"] / ".comet.yml"):
        seen.append(resolve(api_key="k").workspace)
        path.unlink()
    seen.append(resolve(api_key="k").workspace)

    assert seen == ["argument", "secrets", "environment", *sources]


def test_every_variable_is_read_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ca.pem").touch()
    for name, value in {
        "COMET_API_KEY": "key",
        "COMET_WORKSPACE": "ws",
        "COMET_PROJECT_NAME": "proj",
        "COMET_URL_OVERRIDE": "https://comet.example.com/clientlib/",
        "COMET_EXPERIMENT_KEY": "e" * 32,
        "COMET_INTERNAL_CHECK_TLS_CERTIFICATE": "false",
        "COMET_INCLUDE_CUSTOM_CA_BUNDLE": str(tmp_path / "ca.pem"),
        "COMET_ALLOW_HEADER_NAME": "X-Team",
        "COMET_ALLOW_HEADER_VALUE": "blue",
        "COMET_TIMEOUT_HTTP": "7",
        "COMET_START_ONLINE": "true",
        "COMET_OFFLINE_DIRECTORY": "/runs",
    }.items():
        monkeypatch.setenv(name, value)

    found = resolve()

    assert (found.api_key, found.workspace, found.project_name) == ("key", "ws", "proj")
    assert (found.root, found.experiment_key) == ("https://comet.example.com", "e" * 32)
    assert (found.check_tls_certificate, found.custom_ca_bundle, found.timeout) == (
        False,
        str(tmp_path / "ca.pem"),
        7.0,
    )
    assert found.extra_headers == {"X-Team": "blue"}
    assert (found.offline, found.offline_directory) == (False, "/runs")


def test_offline_is_said_as_the_url_and_the_next_source_names_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMET_URL_OVERRIDE", "https://own.example.com/clientlib/")
    found = resolve(url="offline")
    assert (found.offline, found.api_key, found.root) == (True, "", "https://own.example.com")
    monkeypatch.setenv("COMET_URL_OVERRIDE", "offline")
    assert (resolve().offline, resolve().root) == (True, "https://www.comet.com")
    assert resolve(api_key="k", url="https://own.example.com").offline is False


@pytest.mark.parametrize("word", ["0", "false", "FALSE", "no", "off"])
def test_comets_own_switch_for_offline_work(places: dict[str, Path], word: str) -> None:
    (places["work"] / ".comet.config").write_text(
        f"[comet_start]\nonline = {word}\n[comet_offline]\ndirectory = runs\n"
    )
    found = resolve(url="http://127.0.0.1:5470")
    assert (found.offline, found.root, found.offline_directory) == (True, "http://127.0.0.1:5470", "runs")


def test_a_switch_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMET_START_ONLINE", "perhaps")
    monkeypatch.setenv("COMET_TIMEOUT_HTTP", "soon")
    with pytest.raises(
        ConfigurationError, match=r"COMET_TIMEOUT_HTTP.*soon.*COMET_START_ONLINE.*true or false.*perhaps"
    ):
        resolve(api_key="k")


def test_without_a_key_the_error_names_the_ways_to_set_one() -> None:
    with pytest.raises(ConfigurationError, match=r"COMET_API_KEY.*\.comet\.yml"):
        resolve()


def test_the_key_may_have_the_name_it_had_for_reading(places: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    (places["home"] / ".comet.config").write_text("[comet]\nrest_api_key = from-home\n")
    assert resolve().api_key == "from-home"
    monkeypatch.setenv("COMET_REST_API_KEY", "from-environment")
    assert resolve().api_key == "from-environment"
    monkeypatch.setenv("COMET_API_KEY", "its-own")
    assert resolve().api_key == "its-own"


def test_the_key_shows_in_no_repr() -> None:
    assert "canary" not in repr(resolve(api_key="canary"))


def test_a_key_may_carry_its_server() -> None:
    tail = base64.b64encode(json.dumps({"baseUrl": "https://own.example.com/"}).encode()).decode().rstrip("=")
    found = resolve(api_key=f"short*{tail}")
    assert found.root == "https://own.example.com"
    assert found.api_key == f"short*{tail}"
    assert resolve(api_key=f"short*{tail}", url="https://other.example.com").root == "https://other.example.com"


@pytest.mark.parametrize("tail", ["", "no-base64!", base64.b64encode(b"[1]").decode(), "a*b"])
def test_a_key_whose_tail_names_no_server_uses_comet(tail: str) -> None:
    assert resolve(api_key=f"short*{tail}").root == "https://www.comet.com"


@pytest.mark.parametrize(
    ("written", "root"),
    [
        ("https://www.comet.com/clientlib/", "https://www.comet.com"),
        ("cometrtest.com/clientlib/", "https://cometrtest.com"),
        ("http://127.0.0.1:5470", "http://127.0.0.1:5470"),
        (" https://host:8080/prefix/clientlib ", "https://host:8080/prefix"),
        ("https://host/?a=b#c", "https://host"),
        ("127.0.0.1:5470", "http://127.0.0.1:5470"),
        ("localhost:5470/clientlib", "http://localhost:5470"),
    ],
)
def test_root_of_what_people_write(written: str, root: str) -> None:
    assert root_of(written) == root


@pytest.mark.parametrize(
    "written", ["local", "offline", "ftp://host", "https://", "://", "http://[::1", "http://user:canary@host"]
)
def test_what_is_no_address_is_named(written: str) -> None:
    with pytest.raises(ConfigurationError, match=r"127\.0\.0\.1"):
        root_of(written)


@pytest.mark.parametrize("key", ["canary\nkey", "canary key", "canärykey"])
def test_a_key_that_no_request_could_carry_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(ConfigurationError, match="copied whole") as caught:
        resolve(api_key=key)
    assert "can" not in str(caught.value)


@pytest.mark.parametrize("seconds", ["-1", "inf", "0"])
def test_a_time_limit_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, seconds: str) -> None:
    monkeypatch.setenv("COMET_TIMEOUT_HTTP", seconds)
    with pytest.raises(ConfigurationError, match="COMET_TIMEOUT_HTTP"):
        resolve(api_key="k")


def test_a_name_that_yaml_takes_for_a_number_is_a_name(places: dict[str, Path]) -> None:
    (places["work"] / ".comet.yml").write_text("COMET_PROJECT_NAME: 2024\nCOMET_WORKSPACE: 2024-01-02\n")
    found = resolve(api_key="k")
    assert (found.project_name, found.workspace) == ("2024", "2024-01-02")


def test_a_deleted_working_directory_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert resolve(api_key="k").api_key == "k"


def test_a_broken_file_is_named_and_left_out(
    places: dict[str, Path], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (places["work"] / ".comet.yml").write_text("COMET_API_KEY: [canary\n")
    (places["work"] / ".comet.config").write_text("canary without a section\n")
    (places["home"] / ".comet.yml").write_text("COMET_API_KEY: from-home\n")

    assert resolve().api_key == "from-home"

    assert ".comet.yml is not valid" in caplog.text
    assert ".comet.config is not valid" in caplog.text
    assert "canary" not in caplog.text


def test_a_value_of_the_wrong_kind_is_named_without_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMET_TIMEOUT_HTTP", "soon")
    with pytest.raises(ConfigurationError, match=r"COMET_TIMEOUT_HTTP.*soon") as caught:
        resolve(api_key="canary")
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("url", ["https://me:geheim@[::1", "ftp://me:geheim@host", "http://me:ge@heim@host:0"])
def test_a_password_in_an_address_that_is_none_is_not_shown(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        root_of(url)
    assert "heim" not in str(caught.value)
