"""`zenml-comet doctor`: every stage is broken for real, and has to be the one that is named."""

from __future__ import annotations

import importlib.metadata
import json
import re
import shutil
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from click.testing import CliRunner

from tests.comet.scripted import Answer, ScriptedComet
from tests.comet.wires import Proxy, answering, give_names, proxying
from tests.fixtures.local_server import LocalServer
from zenml_comet_tracker.cli.diagnosis.findings import CODES
from zenml_comet_tracker.cli.main import main
from zenml_comet_tracker.local import launch
from zenml_comet_tracker.local.errors import StartFailedError

if TYPE_CHECKING:
    from zenml.client import Client

KEY = "canary-key-0123456789"
HOST = "comet.test"
KIND = "experiment_tracker"

Doctor = Callable[..., dict[str, Any]]


@pytest.fixture(autouse=True)
def _world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A journal folder of the test's own, no ZenML of this user's, no proxy of the machine's."""
    monkeypatch.setenv("ZENML_COMET_JOURNAL", str(tmp_path / "journal"))
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(tmp_path / "no zenml"))
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def doctor() -> Doctor:
    """What the doctor says, stage by stage, and that no secret is in it; the exit code has to be that of the stage."""

    def call(*words: str, fails: str | None = None) -> dict[str, Any]:
        said = CliRunner().invoke(main, ["doctor", "--json", *words])
        assert KEY not in said.output
        told = json.loads(said.stdout)
        assert (told["failed"], said.exit_code) == (fails, told["exit_code"]), said.output
        assert said.exit_code == (0 if fails is None else CODES[fails])
        assert [stage["stage"] for stage in told["stages"] if stage["stage"] != "local Comet"] == [
            stage for stage in CODES if stage != "local Comet"
        ]
        return {stage["stage"]: stage for stage in told["stages"]}

    return call


@pytest.fixture
def comet() -> Iterator[ScriptedComet]:
    """A server that knows one account with the workspaces `team` and `blue`."""
    yield from _serving(None)


def _serving(tls: ssl.SSLContext | None) -> Iterator[ScriptedComet]:
    server = ScriptedComet(tls)
    server.answer_with("account-details", Answer(body={"userName": "ada", "defaultWorkspaceName": "team"}))
    server.answer_with("/workspaces", Answer(body={"workspaceNames": ["team", "blue"]}))
    server.answer_with("/projects", Answer(body={"projects": [{"projectId": "1", "projectName": "digits"}]}))
    server.answer_with("isAlive/ver", Answer(body={"version": "4.1"}))
    yield server
    server.close()


def test_nothing_is_wrong_with_a_server_that_works(doctor: Doctor, local_server: LocalServer) -> None:
    found = doctor("--url", local_server.url, "--api-key", local_server.api_key, "--project", "nowhere/yet")
    results = {stage: one["result"] for stage, one in found.items()}
    assert results == {
        **dict.fromkeys(CODES.keys() - {"local Comet"}, "ok"),
        "TLS": "skipped",
        "workspace": "note",
        "project": "note",
        "journal": found["journal"]["result"],
        "flavor": "skipped",
    }
    assert found["project"]["detail"] == "yet is not there; the first experiment makes it"


def test_the_exit_codes_are_those_of_the_documentation() -> None:
    page = (Path(__file__).parents[2] / "docs" / "cli.md").read_text("utf-8")
    rows = re.findall(r"^\| ([A-Za-z ]+) \| .*\? .*?\| ([\d, ]+) \|$", page, re.MULTILINE)
    assert list(CODES) == [stage for stage, _ in rows]
    assert [code for stage, code in CODES.items() if str(code) not in dict(rows)[stage].split(", ")] == []
    assert len(set(CODES.values())) == len(CODES)


def test_what_people_read_names_stage_and_cure(closed_port: int) -> None:
    said = CliRunner().invoke(main, ["doctor", "--url", f"http://127.0.0.1:{closed_port}", "--api-key", KEY])
    lines = said.output.splitlines()
    (number,) = [number for number, line in enumerate(lines) if line.startswith("TCP")]
    assert lines[number].split()[:2] == ["TCP", "failed"]
    assert "zenml-comet up" in lines[number + 1]
    assert lines[-1] == "Failed: TCP."
    assert (said.exit_code, KEY in said.output) == (12, False)


def test_without_a_key_or_with_a_setting_that_cannot_be_used_it_is_the_configuration(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "COMET_API_KEY" in doctor(fails="configuration")["configuration"]["fix"]
    assert "ftp://x" in doctor("--url", "ftp://x", "--api-key", KEY, fails="configuration")["configuration"]["detail"]
    monkeypatch.setenv("COMET_TIMEOUT_HTTP", "soon")
    found = doctor("--api-key", KEY, fails="configuration")
    assert "COMET_TIMEOUT_HTTP" in found["configuration"]["detail"]
    assert found["DNS"]["result"] == "skipped"
    assert found["versions"]["result"] == "ok"


def test_a_local_comet_that_does_not_start_has_the_code_of_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise StartFailedError("no luck")

    monkeypatch.setattr(launch, "ensure", refuse)
    said = CliRunner().invoke(main, ["doctor", "--local"])
    assert (said.exit_code, "local Comet    failed  no luck" in said.output) == (5, True)
    assert CliRunner().invoke(main, ["doctor", "--local", "--api-key", KEY]).exit_code == 2
    assert CliRunner().invoke(main, ["doctor", "--component", "x", "--local"]).exit_code == 2


def test_offline_nothing_is_asked(doctor: Doctor, comet: ScriptedComet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMET_START_ONLINE", "false")
    found = doctor("--url", comet.root, "--api-key", KEY)
    assert "offline" in found["DNS"]["detail"]
    assert comet.asked == []


def test_a_name_that_nobody_knows_is_dns(doctor: Doctor) -> None:
    found = doctor("--url", "https://nobody.invalid", "--api-key", KEY, fails="DNS")
    assert "nobody.invalid" in found["DNS"]["detail"]


def test_a_name_server_that_says_nothing_is_dns_in_bounded_time(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = threading.Event()

    def wait(*_: object, **__: object) -> list[object]:
        over.wait(60)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", wait)
    found = doctor("--url", "https://slow.invalid", "--api-key", KEY, "--timeout", "0.1", fails="DNS")
    over.set()
    for thread in threading.enumerate():
        if thread.name == "look-up":
            thread.join(10)
    assert "no name server answered" in found["DNS"]["detail"]


@pytest.fixture
def closed_port() -> Iterator[int]:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@pytest.fixture
def full_port() -> Iterator[int]:
    """A port at which connections wait for ever: whoever listens takes none, and has no room for more."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        waiting = []
        for _ in range(4):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(listening.getsockname())
            waiting.append(one)
        yield listening.getsockname()[1]
        for one in waiting:
            one.close()


def test_a_port_that_takes_no_connection_is_tcp(doctor: Doctor, closed_port: int, full_port: int) -> None:
    found = doctor("--url", f"http://127.0.0.1:{closed_port}", "--api-key", KEY, fails="TCP")
    assert "refused" in found["TCP"]["detail"]
    assert "zenml-comet up" in found["TCP"]["fix"]
    assert doctor("--url", f"http://127.0.0.1:{full_port}", "--api-key", KEY, "--timeout", "0.2", fails="TCP")


@pytest.fixture
def authority() -> trustme.CA:
    """A certificate authority that no machine trusts."""
    return trustme.CA(key_type=trustme.KeyType.ECDSA)


@pytest.fixture
def secure(authority: trustme.CA, monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedComet]:
    """A server with a certificate for `comet.test` from that authority."""
    give_names(monkeypatch, {HOST: "127.0.0.1", "other.test": "127.0.0.1"})
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST, key_type=trustme.KeyType.ECDSA).configure_cert(context)
    yield from _serving(context)


def test_a_certificate_that_nobody_vouches_for_is_tls(
    doctor: Doctor, secure: ScriptedComet, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = ["--url", f"https://{HOST}:{secure.port}", "--api-key", KEY]
    found = doctor(*place, fails="TLS")
    assert "COMET_INCLUDE_CUSTOM_CA_BUNDLE" in found["TLS"]["fix"]
    assert (found["TCP"]["result"], found["key"]["result"], secure.asked) == ("ok", "skipped", [])

    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    with monkeypatch.context() as patched:
        patched.setenv("COMET_INCLUDE_CUSTOM_CA_BUNDLE", str(tmp_path / "authority.pem"))
        assert doctor(*place)["TLS"]["result"] == "ok"
        assert doctor("--url", f"https://other.test:{secure.port}", "--api-key", KEY, fails="TLS")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "gone.pem"))
    assert "gone.pem" in doctor(*place, fails="TLS")["TLS"]["detail"]


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_a_certificate_that_is_not_checked_is_said(
    doctor: Doctor, secure: ScriptedComet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMET_INTERNAL_CHECK_TLS_CERTIFICATE", "false")
    found = doctor("--url", f"https://{HOST}:{secure.port}", "--api-key", KEY)
    assert (found["TLS"]["result"], "not checked" in found["TLS"]["detail"]) == ("note", True)


def test_a_server_without_tls_is_tls(doctor: Doctor, comet: ScriptedComet) -> None:
    found = doctor("--url", f"https://127.0.0.1:{comet.port}", "--api-key", KEY, fails="TLS")
    assert "http://" in found["TLS"]["fix"]


# Without its own limit it would wait as long as those who deliver, half a minute.
@pytest.mark.timeout(25)
def test_a_server_that_is_silent_costs_bounded_time(doctor: Doctor) -> None:
    with answering(None) as root:
        assert doctor("--url", root, "--api-key", KEY, "--timeout", "0.2", fails="answer")
        handshake = root.replace("http://", "https://")
        assert doctor("--url", handshake, "--api-key", KEY, "--timeout", "0.2", fails="TLS")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(503), "server itself"),
        (Answer(404, body=b"<html>"), "address of a Comet server"),
        (Answer(200, body=b"<html>sign in"), "address of a Comet server"),
        (Answer(drop=True), "answers nothing"),
    ],
    ids=["fault", "unknown", "another", "dropped"],
)
def test_a_server_that_does_not_answer_as_comet_does_is_the_answer(
    answer: Answer, said: str, doctor: Doctor, comet: ScriptedComet
) -> None:
    comet.answer_with("account-details", answer)
    found = doctor("--url", comet.root, "--api-key", KEY, fails="answer")
    assert said in found["answer"]["fix"]
    assert len(comet.asked) == 1


def test_a_key_that_the_server_does_not_know_is_the_key(
    doctor: Doctor, local_server: LocalServer, comet: ScriptedComet
) -> None:
    assert doctor("--url", local_server.url, "--api-key", KEY, fails="key")["answer"]["result"] == "ok"
    # One of a local Comet's form, which is not even shown to a server that cannot prove that it knows it.
    assert doctor("--url", local_server.url, "--api-key", f"local{KEY}", fails="key")
    comet.answer_with("account-details", Answer(403, body={"msg": "no"}))
    assert doctor("--url", comet.root, "--api-key", KEY, fails="key")


def test_a_workspace_that_the_account_does_not_see_is_the_workspace(
    doctor: Doctor, comet: ScriptedComet, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_names(monkeypatch, {HOST: "127.0.0.1"})
    place = ["--url", f"http://{HOST}:{comet.port}", "--api-key", KEY]
    found = doctor(*place, "--workspace", "teem", fails="workspace")
    assert found["workspace"]["fix"] == "Did you mean team? It sees: blue, team."
    assert found["TLS"]["result"] == "note"
    assert doctor(*place, "--workspace", "blue")["workspace"]["detail"] == "blue"
    comet.answer_with("/workspaces", Answer(403, body={"msg": "not yours"}))
    assert "not yours" in doctor(*place, fails="workspace")["workspace"]["detail"]


def test_a_project_is_made_when_it_is_not_there_and_fails_when_it_may_not_be_seen(
    doctor: Doctor, comet: ScriptedComet
) -> None:
    place = ["--url", comet.root, "--api-key", KEY, "--workspace", "team", "--project"]
    assert doctor(*place, "digits")["project"]["result"] == "ok"
    assert doctor(*place, "new")["project"]["result"] == "note"
    comet.answer_with("/projects", Answer(403, body={"msg": "not yours"}))
    assert "not yours" in doctor(*place, "digits", fails="project")["project"]["detail"]


@pytest.mark.parametrize("status", [429, 402])
@pytest.mark.parametrize("path", ["account-details", "/workspaces", "/projects"])
def test_a_request_too_many_is_the_quota(path: str, status: int, doctor: Doctor, comet: ScriptedComet) -> None:
    comet.answer_with(path, Answer(status, body={"msg": "enough"}))
    found = doctor("--url", comet.root, "--api-key", KEY, "--project", "digits", fails="quota")
    assert "enough" in found["quota"]["detail"]


def test_a_proxy_is_what_counts_where_there_is_one(
    doctor: Doctor, comet: ScriptedComet, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody here knows the server's name: the proxy does.
    place = ["--url", f"http://unknown.invalid:{comet.port}", "--api-key", KEY]
    with proxying() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        found = doctor(*place)
        assert (len(proxy.asked), len(comet.asked)) == (1, 3)
        assert "the proxy 127.0.0.1" in found["TCP"]["detail"]
    monkeypatch.setenv("http_proxy", f"http://user:secret@127.0.0.1:{closed_port}")
    found = doctor(*place, fails="TCP")
    assert "HTTP_PROXY" in found["TCP"]["fix"]
    assert "secret" not in str(found)
    for unreadable in ("http://user:secret@[::1", "http://proxy:secret"):
        monkeypatch.setenv("http_proxy", unreadable)
        found = doctor(*place, fails="DNS")
        assert ("HTTP_PROXY" in found["DNS"]["detail"], "secret" in str(found)) == (True, False)
    monkeypatch.setenv("http_proxy", "http://proxy.invalid:3128")
    assert "proxy.invalid" in doctor(*place, fails="DNS")["DNS"]["detail"]
    monkeypatch.setenv("no_proxy", "unknown.invalid")
    assert "unknown.invalid" in doctor(*place, fails="DNS")["DNS"]["detail"]


def test_a_proxy_that_refuses_is_named(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing(Proxy):
        def passes(self, client: socket.socket, stream: Any) -> None:
            client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")

    with proxying(Refusing()) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        found = doctor("--url", "https://unknown.invalid", "--api-key", KEY, fails="answer")
    assert "407" in found["answer"]["detail"]
    assert "HTTPS_PROXY" in found["answer"]["fix"]


def test_a_journal_folder_that_cannot_be_used_or_is_full_is_the_journal(
    doctor: Doctor, comet: ScriptedComet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = ["--url", comet.root, "--api-key", KEY]
    folder = tmp_path / "journal"
    folder.mkdir()
    (folder / "waiting").write_bytes(bytes(100))
    monkeypatch.setenv("ZENML_COMET_JOURNAL_MAX_BYTES", "105")
    assert "zenml-comet sync" in doctor(*place, fails="journal")["journal"]["fix"]
    monkeypatch.setenv("ZENML_COMET_JOURNAL_MAX_BYTES", "much")
    assert "'much'" in doctor(*place, fails="journal")["journal"]["detail"]
    monkeypatch.delenv("ZENML_COMET_JOURNAL_MAX_BYTES")
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1 << 20))
        assert "1 MiB left" in doctor(*place, fails="journal")["journal"]["detail"]
    # Whoever runs the tests may write anywhere, but nobody below a file.
    monkeypatch.setenv("ZENML_COMET_JOURNAL", str(folder / "waiting"))
    found = doctor(*place, fails="journal")
    assert str(folder / "waiting") in found["journal"]["detail"]
    assert "ZENML_COMET_JOURNAL" in found["journal"]["fix"]


def test_a_folder_that_dies_with_its_container_is_said(
    doctor: Doctor, comet: ScriptedComet, monkeypatch: pytest.MonkeyPatch
) -> None:
    from zenml_comet_tracker.tracker import permanence

    for inside, result in ((True, "note"), (False, "ok")):
        monkeypatch.setattr(permanence, "in_container", lambda inside=inside: inside)
        monkeypatch.setattr(permanence, "on_volume", lambda _: False)
        assert doctor("--url", comet.root, "--api-key", KEY)["journal"]["result"] == result


def test_versions_that_do_not_go_together_are_the_versions(
    doctor: Doctor, comet: ScriptedComet, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = ["--url", comet.root, "--api-key", KEY]
    version = importlib.metadata.version
    with monkeypatch.context() as patched:
        patched.setattr(importlib.metadata, "version", lambda name: "0.50.0" if name == "zenml" else version(name))
        found = doctor(*place, fails="versions")
        assert "0.50.0 is installed" in found["versions"]["detail"]
        assert "pip install" in found["versions"]["fix"]
    for running, fails, result in (("999.0", "versions", "failed"), ("0.0.1", None, "note")):

        def find(running: str = running) -> SimpleNamespace:
            print("as ZenML, which logs to the standard output")
            return SimpleNamespace(version=running)

        monkeypatch.setattr(launch, "find", find)
        found = doctor(*place, fails=fails)
        assert (found["versions"]["result"], running in found["versions"]["detail"]) == (result, True)


def test_the_active_stacks_tracker_is_examined_and_its_secret_and_flavor_with_it(
    doctor: Doctor, local_server: LocalServer, fresh_zenml: Client, zenml_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from zenml.models import FlavorUpdate

    # The fixture above would hide the store of `fresh_zenml`.
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(zenml_folder))
    found = doctor(fails="configuration")
    assert found["configuration"]["fix"] == "Register one: zenml-comet setup"
    assert found["flavor"]["result"] == "note"

    words = ["setup", "--url", local_server.url, "--api-key", local_server.api_key, "--project", "team/digits"]
    assert CliRunner().invoke(main, words).exit_code == 0
    found = doctor()
    assert found["configuration"]["detail"] == f"tracker comet_tracker: {local_server.url}, team/digits"
    assert found["flavor"]["result"] == "ok"
    assert doctor("--component", "comet_tracker", "--project", "other")["project"]["detail"].startswith("other ")
    assert "nobody" in doctor("--component", "nobody", fails="configuration")["configuration"]["detail"]
    fresh_zenml.create_stack_component("theirs", "comet", KIND, {"api_key": "k"})
    fresh_zenml.create_stack_component("notes", "vertex", KIND, {"project": "p", "location": "here"})
    told = doctor("--component", "theirs", fails="configuration")["configuration"]
    assert "theirs is of the flavor comet, not comet_rest" in told["detail"]
    assert told["fix"].endswith(": zenml-comet setup --from-builtin theirs")
    assert doctor("--component", "notes", fails="configuration")["configuration"]["fix"].endswith("zenml-comet setup")
    fresh_zenml.create_stack_component("keyless", "comet_rest", KIND, {})
    cure = doctor("--component", "keyless", fails="configuration")["configuration"]["fix"]
    assert "setup --name keyless --api-key" in cure
    assert "update keyless --url=local" in cure

    fresh_zenml.create_stack_component("docker", "local_docker", "orchestrator", {})
    components = {"orchestrator": "docker", "artifact_store": "default", KIND: "comet_tracker"}
    fresh_zenml.create_stack("containers", components)
    fresh_zenml.update_stack_component("comet_tracker", KIND, configuration={"url": "local"})
    fresh_zenml.activate_stack("containers")
    found = doctor(fails="configuration")
    assert "docker (local_docker) runs steps elsewhere" in found["configuration"]["detail"]
    fresh_zenml.update_stack_component("comet_tracker", KIND, configuration={"url": local_server.url})
    fresh_zenml.activate_stack("comet_stack")

    row = fresh_zenml.get_flavor_by_name_and_type("comet_rest", KIND)
    fresh_zenml.zen_store.update_flavor(row.id, FlavorUpdate(config_schema={**row.config_schema, "title": "reworded"}))
    assert doctor()["flavor"]["result"] == "note"
    fresh_zenml.zen_store.update_flavor(row.id, FlavorUpdate(config_schema={**row.config_schema, "properties": {}}))
    found = doctor(fails="flavor")
    assert "zenml-comet setup" in found["flavor"]["fix"]

    fresh_zenml.delete_secret("comet_tracker")
    found = doctor(fails="configuration")
    assert "The secret comet_tracker does not exist" in found["configuration"]["detail"]
    assert "zenml-comet setup --name comet_tracker --api-key" in found["configuration"]["fix"]
    assert found["flavor"]["result"] == "failed"

    builtin = {"orchestrator": "default", "artifact_store": "default", KIND: "theirs"}
    fresh_zenml.create_stack("builtin", builtin)
    fresh_zenml.activate_stack("builtin")
    assert "--from-builtin theirs" in doctor(fails="configuration")["configuration"]["fix"]
