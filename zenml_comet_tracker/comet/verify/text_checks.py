"""HTML, output, code, graph, git, system details."""

from __future__ import annotations

import io

from zenml_comet_tracker.comet.resources import code, git, graph, html, output, system_details
from zenml_comet_tracker.comet.verify.checks import Group
from zenml_comet_tracker.comet.verify.scratch import Scratch

group = Group("texts and details")


@group.check("HTML is replaced, and added to", "POST write/experiment/html")
def _html(scratch: Scratch) -> None:
    for text, clear in (("old", True), ("<b>new ✓</b>", True), ("<i>more</i>", False)):
        scratch.ask(html.write, scratch.rest, text, clear=clear, millis=scratch.millis)
    scratch.eventually(
        lambda: (scratch.ask(html.read, scratch.rest) or "").replace("\n", ""),
        lambda got: got == "<b>new ✓</b><i>more</i>",
        "<b>new ✓</b><i>more</i>",
    )


@group.check("output is kept in its order", "POST clientlib/rest/v2/write/experiment/output", "batch")
def _output(scratch: Scratch) -> None:
    scratch.ask(output.write, scratch.batch, ["one ", "and two\n", "✓ three\n"], offset=0, millis=scratch.millis)
    scratch.expect("one and two\n✓ three\n", output.read, scratch.batch)


@group.check("code is kept", "POST write/experiment/code")
def _code(scratch: Scratch) -> None:
    scratch.ask(code.write, scratch.rest, "print('✓')\n")
    scratch.expect("print('✓')\n", code.read, scratch.rest)


@group.check("a graph is kept", "POST write/experiment/graph")
def _graph(scratch: Scratch) -> None:
    scratch.ask(graph.write, scratch.rest, '{"layers": [1, 2]}')
    scratch.expect('{"layers": [1, 2]}', graph.read, scratch.rest)


@group.check("git metadata is kept", "POST write/experiment/git/metadata")
def _git(scratch: Scratch) -> None:
    said = {"user": "ann", "root": "root", "branch": "main", "parent": "0" * 40, "origin": "https://example.org/a.git"}
    scratch.ask(git.write_metadata, scratch.rest, said)
    scratch.eventually(
        lambda: {name: scratch.ask(git.read_metadata, scratch.rest).get(name) for name in said},
        lambda got: got == said,
        said,
    )


@group.check("a git patch is kept byte by byte", "POST write/experiment/git/patch")
def _patch(scratch: Scratch) -> None:
    patch = b"diff --git a/x b/x\n\x00\xff"
    scratch.ask(git.write_patch, scratch.rest, io.BytesIO(patch), file_name="x.patch")
    scratch.expect(patch, git.read_patch, scratch.rest)


@group.check("system details are set, the others stay", "POST write/experiment/system-details")
def _details(scratch: Scratch) -> None:
    scratch.ask(system_details.write, scratch.rest, {"hostname": "verify", "pid": 7, "command": ["train.py", "-x"]})
    scratch.ask(system_details.write, scratch.rest, {"pid": 8, "installedPackages": ["a==1", "b==2"]})
    expected = {"hostname": "verify", "pid": 8, "command": ["train.py", "-x"], "installedPackages": ["a==1", "b==2"]}

    def read() -> dict[str, object]:
        found = scratch.ask(system_details.read, scratch.rest)
        return {name: found.get(name) for name in expected}

    scratch.eventually(read, lambda got: got == expected, expected)
