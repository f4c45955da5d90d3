"""The ways to the server: names, proxies, certificates, redirects; and who gets to see the key on them."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tests.comet.scripted import Answer, ScriptedComet
from tests.comet.wires import Proxy, give_names, proxying
from zenml_comet_tracker.comet import errors
from zenml_comet_tracker.comet.settings import resolve
from zenml_comet_tracker.comet.transport import Transport, TransportOptions, open_transport

HOST = "comet.test"
ELSEWHERE = "elsewhere.test"


@pytest.fixture(autouse=True)
def _world(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names outside this machine, so that nothing of what goes for loopback applies; and no proxy of the machine's."""
    give_names(monkeypatch, {HOST: "127.0.0.1", ELSEWHERE: "127.0.0.1", "nobody.test": None})
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with proxying() as running:
        yield running


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """A certificate authority that no machine trusts."""
    return trustme.CA()


@pytest.fixture
def bundle(authority: trustme.CA, tmp_path: Path) -> str:
    path = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture
def secure(authority: trustme.CA) -> Iterator[ScriptedComet]:
    """A server with a certificate for `comet.test` from that authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(context)
    server = ScriptedComet(context)
    yield server
    server.close()


def _open(root: str, **options: object) -> Transport:
    return Transport(root, "raw-key", TransportOptions(read_timeout=5, headers={"X-Team": "blue-secret"}, **options))


def _credentials(comet: ScriptedComet) -> list[tuple[str | None, str | None]]:
    return [(asked.headers.get("authorization"), asked.headers.get("x-team")) for asked in comet.asked]


OURS = ("raw-key", "blue-secret")


def test_netrc_replaces_the_key_neither_at_first_nor_on_a_redirect(
    comet: ScriptedComet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text(f"machine {HOST} login someone password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    comet.answer_with("/x", Answer(302, headers={"Location": "/y"}))
    transport = _open(f"http://{HOST}:{comet.port}")
    transport.get_json("x")
    transport.post_json("z", {})
    assert _credentials(comet) == [OURS] * 3


def test_a_redirect_to_another_host_gets_neither_key_nor_headers(
    comet: ScriptedComet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text(f"machine {ELSEWHERE} login someone password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    comet.answer_with("/x", Answer(302, headers={"Location": f"http://{ELSEWHERE}:{comet.port}/y"}))
    _open(f"http://{HOST}:{comet.port}").get_json("x")
    assert _credentials(comet) == [OURS, (None, None)]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("host", [HOST, ELSEWHERE])
def test_a_redirected_write_is_neither_followed_nor_delivered(comet: ScriptedComet, status: int, host: str) -> None:
    target = f"http://{host}:{comet.port}/y"
    comet.answer_with("/x", Answer(status, headers={"Location": target}))
    with pytest.raises(errors.StatusError, match=f"redirect to {target}") as caught:
        _open(f"http://{HOST}:{comet.port}").post_json("x", {"a": 1})
    assert (caught.value.status, caught.value.retryable) == (status, False)
    assert [asked.path for asked in comet.asked] == ["/x"]


def test_a_plain_request_goes_through_the_proxy(
    comet: ScriptedComet, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("http_proxy", proxy.url)
    _open(f"http://{HOST}:{comet.port}").post_json("x", {"a": 1})
    assert proxy.asked == [("POST", f"http://{HOST}:{comet.port}/x")]
    assert [asked.json for asked in comet.asked] == [{"a": 1}]
    assert _credentials(comet) == [OURS]


def test_a_secure_request_goes_through_a_tunnel_that_sees_no_key(
    secure: ScriptedComet, bundle: str, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    _open(f"https://{HOST}:{secure.port}", verify=bundle).post_json("x", {"a": 1})
    assert proxy.asked == [("CONNECT", f"{HOST}:{secure.port}")]
    assert _credentials(secure) == [OURS]


@pytest.mark.parametrize(("exempt", "through"), [(HOST, 0), (ELSEWHERE, 1), (".test", 0)])
def test_no_proxy_names_those_that_pass_by_it(
    comet: ScriptedComet, proxy: Proxy, monkeypatch: pytest.MonkeyPatch, exempt: str, through: int
) -> None:
    monkeypatch.setenv("http_proxy", proxy.url)
    monkeypatch.setenv("NO_PROXY", exempt)
    _open(f"http://{HOST}:{comet.port}").get_json("x")
    assert (len(proxy.asked), len(comet.asked)) == (through, 1)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_machine_is_reached_without_the_proxy(
    comet: ScriptedComet, proxy: Proxy, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("http_proxy", proxy.url)
    monkeypatch.setenv("all_proxy", proxy.url)
    _open(f"http://{host}:{comet.port}").get_json("x")
    assert (proxy.asked, len(comet.asked)) == ([], 1)


def test_a_proxy_that_is_not_there_is_a_failed_connection(
    comet: ScriptedComet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://nobody.test:3128")
    with pytest.raises(errors.ConnectionFailedError, match="Name or service not known"):
        _open(f"http://{HOST}:{comet.port}").post_json("x", {})
    assert comet.asked == []


def test_a_name_that_nobody_knows_is_a_failed_connection() -> None:
    with pytest.raises(errors.ConnectionFailedError, match="Name or service not known") as caught:
        _open("http://nobody.test").post_json("x", {})
    assert caught.value.stage == "answer"


@pytest.mark.parametrize(
    ("root", "proxy", "way"),
    [
        (f"http://{HOST}", "", (HOST, 80, None, False, False)),
        (f"https://{HOST}/comet", "", (HOST, 443, None, True, False)),
        (f"https://{HOST}:8443", "http://me:secret@p.test:3128", ("p.test", 3128, "http://p.test:3128", True, False)),
        (f"https://{HOST}", "127.0.0.1", ("127.0.0.1", 80, "http://127.0.0.1", True, True)),
        (f"http://{HOST}", "socks5h://p.test", (HOST, 80, None, False, False)),
        ("http://[::1]:5470", "http://p.test:3128", ("::1", 5470, None, False, True)),
    ],
    ids=["plain", "secure", "proxy", "bare proxy", "proxy for others", "loopback"],
)
def test_the_way_is_that_of_the_connections(
    root: str, proxy: str, way: tuple[object, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", proxy)
    found = _open(root).way
    assert (found.host, found.port, found.proxy, found.secure, found.loopback) == way
    assert found.checked
    assert not _open(root, verify=False).way.checked


def test_a_certificate_of_an_unknown_authority_is_refused(secure: ScriptedComet) -> None:
    with pytest.raises(errors.ConnectionFailedError, match="certificate verify failed") as caught:
        _open(f"https://{HOST}:{secure.port}").post_json("x", {})
    assert (caught.value.stage, secure.asked) == ("tls", [])


def test_a_certificate_for_another_name_is_refused(secure: ScriptedComet, bundle: str) -> None:
    with pytest.raises(errors.ConnectionFailedError, match=ELSEWHERE):
        _open(f"https://{ELSEWHERE}:{secure.port}", verify=bundle).post_json("x", {})
    assert secure.asked == []


def test_comets_variable_names_the_authority_and_wins_over_that_of_requests(
    secure: ScriptedComet, bundle: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "other.pem"))
    monkeypatch.setenv("COMET_INCLUDE_CUSTOM_CA_BUNDLE", bundle)
    transport = open_transport(resolve(api_key="raw-key", url=f"https://{HOST}:{secure.port}"))
    transport.post_json("x", {})
    assert len(secure.asked) == 1


def test_the_variable_of_requests_counts_where_comets_is_not_set(
    secure: ScriptedComet, bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", bundle)
    open_transport(resolve(api_key="raw-key", url=f"https://{HOST}:{secure.port}")).post_json("x", {})
    assert len(secure.asked) == 1


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_comets_variable_switches_the_check_off(
    secure: ScriptedComet, bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", bundle)
    monkeypatch.setenv("COMET_INTERNAL_CHECK_TLS_CERTIFICATE", "false")
    open_transport(resolve(api_key="raw-key", url=f"https://{ELSEWHERE}:{secure.port}")).post_json("x", {})
    assert len(secure.asked) == 1


def test_a_bundle_that_is_gone_is_a_failed_connection(secure: ScriptedComet, tmp_path: Path) -> None:
    with pytest.raises(errors.ConnectionFailedError, match=r"gone\.pem"):
        _open(f"https://{HOST}:{secure.port}", verify=str(tmp_path / "gone.pem")).post_json("x", {})


def test_large_bodies_are_compressed_on_the_way_out_of_the_machine_only(comet: ScriptedComet) -> None:
    body = {"text": "x" * 5_000}
    _open(f"http://{HOST}:{comet.port}").post_json("x", body)
    _open(comet.root).post_json("x", body)
    assert [asked.headers.get("content-encoding") for asked in comet.asked] == ["gzip", None]
    assert [asked.json for asked in comet.asked] == [body, body]
