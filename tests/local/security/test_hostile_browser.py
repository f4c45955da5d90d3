"""An attack in every field, in a real browser: nothing runs, nothing is asked of anybody, no policy is broken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from tests.fixtures.browser import Watched
from tests.fixtures.local_server import LocalServer
from tests.local.security.hostile import attacked
from tests.local.security.test_files import upload

pytestmark = [pytest.mark.browser, pytest.mark.long]

Watch = Callable[..., Watched]
# What a script of the logged content would have left behind, and elements that it would have made.
HARM = "() => [window.pwned, document.title === 'ran', document.querySelectorAll('[data-pwned]').length]"
SPY = """<script>
const found = [];
try { found.push('cookie ' + document.cookie) } catch (error) {}
try { found.push('parent ' + parent.document.title) } catch (error) {}
try { localStorage.x = 1; found.push('storage') } catch (error) {}
fetch('/api/rest/v2/workspaces').then(answer => answer.text()).then(text => { document.title = text });
document.title = 'ran ' + found.join();
</script><p id="there">there</p>"""


def test_on_no_page_does_logged_markup_run_or_break_the_policy(local_server: LocalServer, watch: Watch) -> None:
    _, pages = attacked(local_server)
    watched = watch(local_server)
    watched.page.add_init_script(
        "window.broken = []; addEventListener('securitypolicyviolation', e => window.broken.push(e.violatedDirective))"
    )
    for path in pages:
        page = watched.open(path)
        page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        assert page.evaluate(HARM) == [None, False, 0], path
        assert page.evaluate("() => window.broken") == [], path
    # Frames of logged HTML say so themselves when they may not run; nothing else complains.
    refused = ("Blocked script execution in", "Refused to", "Content Security Policy", "violates the following")
    assert [said for said in watched.complaints if not any(words in said for words in refused)] == []
    assert watched.strangers == []


@pytest.mark.parametrize("name", ["spy.html", "spy.svg"])
def test_a_logged_page_that_is_opened_by_itself_reads_nothing(
    local_server: LocalServer, watch: Watch, name: str
) -> None:
    key, _ = attacked(local_server, "spied")
    content = SPY if name != "spy.svg" else f"<svg xmlns='http://www.w3.org/2000/svg'>{SPY}</svg>"
    asset_id = upload(local_server, key, name, content.encode(), type="asset").json()["assetId"]
    local_server.post("write/experiment/html", experimentKey=key, html=SPY)
    watched = watch(local_server)
    watched.page.route("**/api/rest/v2/workspaces", lambda route: pytest.fail("it asked the API"))
    watched.open(f"/page-data/experiments/{key}/html")
    watched.page.locator("#there").wait_for()
    assert not watched.page.title().startswith("ran")
    assert [url for url in watched.requests if "/api/" in url] == []
    if name == "spy.svg":
        watched.open(f"/page-data/experiments/{key}/assets/{asset_id}")
        assert not watched.page.evaluate("() => document.title || ''").startswith("ran")
    assert [url for url in watched.requests if "/api/" in url] == []


class _Elsewhere(BaseHTTPRequestHandler):
    """Another page on this machine: same site as ours, another origin. It embeds and asks for all that it can."""

    target = ""

    def do_GET(self) -> None:
        attack = f"""<title>waiting</title><iframe src="{self.target}/"></iframe>
        <script src="{self.target}/page-data/changes"></script><img src="{self.target}/">
        <script>const out = []; const note = name => value => out.push(name + value);
        const asked = [
          fetch("{self.target}/api/rest/v2/workspaces", {{credentials: "include"}}).then(note("read "), () => 0),
          fetch("{self.target}/api/rest/v2/write/experiment/tags", {{method: "POST", credentials: "include",
            mode: "no-cors", headers: {{"Content-Type": "text/plain"}}, body: "{{}}"}}).then(() => 0, () => 0),
        ];
        Promise.all(asked).then(() => {{ document.title = "done " + out.join() }});</script>"""
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(attack.encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def elsewhere(local_server: LocalServer) -> Iterator[str]:
    handler = type("Handler", (_Elsewhere,), {"target": local_server.url})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join(10)


def test_another_page_of_this_machine_reads_embeds_and_writes_nothing(
    local_server: LocalServer, watch: Watch, elsewhere: str
) -> None:
    """It is same-site with ours, so that the browser sends our cookie along: the server has to refuse."""
    watched = watch(local_server)
    answers: list[int] = []
    watched.page.on(
        "response", lambda answer: answers.append(answer.status) if answer.url.startswith(local_server.url) else None
    )
    watched.page.goto(elsewhere)
    watched.page.wait_for_function("() => document.title.startsWith('done')")
    assert watched.page.title().strip() == "done"
    assert len([url for url in watched.requests if url.startswith(local_server.url)]) >= 4
    assert set(answers) == {403}
