"""html, graph, code and output over the wire, and back."""

from __future__ import annotations

import pytest

from tests.fixtures.local_server import LocalServer


def test_html_is_added_to_or_replaced(local_server: LocalServer, key: str) -> None:
    def write(html: str, override: bool) -> str:
        local_server.post("write/experiment/html", experimentKey=key, html=html, override=override, timestamp=1)
        return local_server.get("experiment/html", experimentKey=key)["html"]

    assert local_server.get("experiment/html", experimentKey=key) == {"html": ""}
    assert write("<b>1</b>", False) == "<b>1</b>"
    assert write("<b>2</b>", False) == "<b>1</b><b>2</b>"
    assert write("<b>3</b>", True) == "<b>3</b>"


@pytest.mark.parametrize(("kind", "text"), [("graph", '{"nodes":[["a"]]}'), ("code", "print(1)\n\tprint('é')")])
def test_graph_and_code_come_back_as_they_were(local_server: LocalServer, key: str, kind: str, text: str) -> None:
    assert local_server.get(f"experiment/{kind}", experimentKey=key) == {kind: None}
    local_server.post(f"write/experiment/{kind}", experimentKey=key, **{kind: text})
    assert local_server.get(f"experiment/{kind}", experimentKey=key) == {kind: text}


def test_the_sdks_pieces_of_output_are_joined_by_offset(local_server: LocalServer, key: str) -> None:
    for offset, text in ((2, "c\n"), (0, "a"), (1, "b")):
        line = {"stderr": offset == 1, "output": text, "localTimestamp": 5, "offset": offset}
        local_server.sdk("rest/v2/write/experiment/output", experimentKey=key, runContext=None, outputLines=[line])
    assert local_server.get("experiment/output", experimentKey=key) == {"output": "abc\n"}


def test_a_rest_clients_lines_get_their_line_ends(local_server: LocalServer, key: str) -> None:
    assert local_server.get("experiment/output", experimentKey=key) == {"output": ""}
    lines = [{"offset": 1, "output": "one"}, {"offset": 2, "output": "two\n"}]
    local_server.post("write/experiment/output", experimentKey=key, outputLines=lines)
    assert local_server.get("experiment/output", experimentKey=key) == {"output": "one\ntwo\n"}


def test_output_without_a_place_goes_behind_what_is_there(local_server: LocalServer, key: str) -> None:
    first = [{"output": "b", "offset": 2}, {"output": "a", "offset": 1}]
    local_server.post("write/experiment/output", experimentKey=key, outputLines=first)
    more = [{"output": "c"}, {"output": "d"}]
    local_server.post("write/experiment/output", experimentKey=key, outputLines=more)
    assert local_server.get("experiment/output", experimentKey=key)["output"] == "a\nb\nc\nd\n"
