"""An experiment whose every text is an attack, and the pages that show it."""

from __future__ import annotations

import uuid
from typing import Any

from tests.fixtures.local_server import LocalServer

TABS = ("charts", "metrics", "parameters", "others", "assets", "html")
# Breaks out of text, of attributes with either quote, of a script's string and of a comment.
MARKUP = (
    "x--></script></title></textarea>'\"><img data-pwned src=x onerror=window.pwned=1><b data-pwned>"
    "\u2028{{7*7}}\x1b[31m"
)
SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>window.top.pwned=1;fetch('/api/rest/v2/workspaces')</script></svg>"
PAGE = (
    "<script>try { parent.pwned = 1 } catch (e) {} ; document.title = 'ran'; fetch('/')</script>"
    "<img src=/static/x onerror='document.title=1'><form action=/ method=post><input type=submit></form>"
)


def attacked(server: LocalServer, markup: str = MARKUP) -> tuple[str, list[str]]:
    """The key of an experiment with `markup` in every field, and the addresses of all pages that show it."""
    key, project = uuid.uuid4().hex, markup.replace("/", "").replace("\u2028", "").replace("\x1b", "")
    workspace = f"w{project}"
    server.sdk("logger/add/run", experimentKey=key, teamName=workspace, projectName=project, experimentName=markup)
    _log(server, key, markup)
    _upload(server, key, markup)
    pages = server.call("GET", "api/rest/v2/experiment/metadata", params={"experimentKey": key})
    assert pages.json()["experimentName"] == markup
    base = _path(workspace, project)
    return key, ["/", _path(workspace), base, f"{base}?q={key}", *(f"{base}/{key}?experiment-tab={t}" for t in TABS)]


def _path(*names: str) -> str:
    from urllib.parse import quote

    return "/" + "/".join(quote(name, safe="") for name in names)


def _log(server: LocalServer, key: str, markup: str) -> None:
    def post(path: str, **body: Any) -> None:
        server.post(f"write/experiment/{path}", experimentKey=key, **body)

    for step in range(3):
        post("metric", metricName=markup, metricValue=step, step=step, context=markup)
    post("parameter", parameterName=markup, parameterValue=markup, context=markup)
    post("log-other", key=markup, value=markup)
    post("log-other", key="Name", value=markup)
    post("tags", addedTags=[markup])
    post("html", html=PAGE)
    post("graph", graph=markup)
    post("code", code=markup)
    lines = [{"output": markup, "stderr": flag, "offset": at} for at, flag in enumerate((False, True))]
    post("output", outputLines=lines)
    post("file-path", filePath=markup)
    post("git/metadata", user=markup, root=markup, branch=markup, parent=markup, origin=markup, status=markup)
    details = ("command", "executable", "hostname", "ip", "os", "pythonVersion", "user", "installedPackages")
    post("system-details", **{name: [markup] if name.endswith("ages") else markup for name in details})
    post("cloud-details", provider=markup, metadata={markup: markup})
    post("update-status", isAlive=False, hasCrashed=True, error=markup)


def _upload(server: LocalServer, key: str, markup: str) -> None:
    def upload(name: str, content: bytes, kind: str, **more: Any) -> None:
        query = {"experimentKey": key, "fileName": name, "type": kind, **more}
        parts = {"file": ("f", content), "metadata": (None, '{"' + "m" + '": "<b data-pwned>"}')}
        answer = server.call("POST", "api/rest/v2/write/experiment/upload-asset", params=query, files=parts)
        assert answer.status_code == 200, answer.text

    upload(markup, markup.encode(), "asset", context=markup)
    upload(f"{markup}.svg", SVG, "image", context=markup, step=1)
    upload(f"{markup}.html", PAGE.encode(), "asset")
    upload("page.pdf", b"%PDF-1.7 <script>window.pwned=1</script>", "asset")
    upload("notebook.ipynb", b'{"cells": [{"source": "<script>window.pwned=1</script>"}]}', "notebook")
    upload("text", markup.encode(), "text-sample", context=markup)
    matrix = f'{{"title": {_json(markup)}, "labels": [{_json(markup)}, "b"], "matrix": [[1, 2], [3, 4]]}}'
    upload("matrix.json", matrix.encode(), "confusion-matrix")
    upload("model", markup.encode(), "model-element", groupingName=markup)
    query = {"experimentKey": key, "fileName": markup, "type": "asset", "isRemote": "true"}
    link = {"link": (None, f"javascript:alert(1)//{markup}")}
    server.call("POST", "api/rest/v2/write/experiment/upload-asset", params=query, files=link)


def _json(text: str) -> str:
    import json

    return json.dumps(text)
