"""`zenml-comet doctor`: what keeps tracking from working, and what to do about it."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from zenml_comet_tracker.cli import connecting, printing

if TYPE_CHECKING:
    from zenml_comet_tracker.cli.diagnosis.findings import Finding

_WIDTH = 15


@click.command("doctor")
@connecting.server_options
@connecting.place_options
@click.option("--component", help="Experiment tracker in ZenML. [default: the active stack's]")
@click.option(
    "--timeout",
    type=click.FloatRange(0.1, 600),
    default=10.0,
    show_default=True,
    help="Seconds that each question to the network may take.",
)
@printing.json_option
def doctor(
    api_key: str | None,
    url: str | None,
    local: bool,
    workspace: str | None,
    project: str | None,
    component: str | None,
    timeout: float,
    as_json: bool,
) -> None:
    """Look for what keeps steps from being tracked: settings, network, key, workspace, journal, versions, ZenML.

    Examines the active stack's tracker, or what the options name. Nothing is written to the server. The exit code is
    that of the first stage that failed, 0 when none did.
    """
    from zenml_comet_tracker.cli.diagnosis.examination import examine
    from zenml_comet_tracker.cli.diagnosis.subject import Question

    if component and (api_key or url or local):
        raise click.UsageError("--component brings server and key; leave out --api-key, --url and --local.")
    if local and (api_key or url):
        raise click.UsageError("--local says where the server is and brings its key; leave out --api-key and --url.")
    workspace, project = connecting.split(workspace, project)
    question = Question(api_key, url, local, workspace, project, component, timeout)
    # ZenML writes its log to the standard output, which with --json holds one object and nothing else.
    with contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext():
        findings = list(_told(examine(question), quiet=as_json))
    failed = [finding for finding in findings if finding.result == "failed"]
    code = failed[0].code if failed else 0
    if as_json:
        stages = [asdict(finding) for finding in findings]
        printing.print_json(
            {"ok": not failed, "failed": failed[0].stage if failed else None, "exit_code": code, "stages": stages}
        )
    else:
        click.echo("\nNothing is wrong." if not failed else f"\nFailed: {', '.join(one.stage for one in failed)}.")
    raise click.exceptions.Exit(code)


def _told(findings: Iterator[Finding], *, quiet: bool) -> Iterator[Finding]:
    """Each finding as it is made, for some take as long as the network lets them."""
    for finding in findings:
        if not quiet:
            click.echo(f"{finding.stage:{_WIDTH}}{finding.result:8}{printing.one_line(finding.detail)}")
            if finding.fix:
                click.echo(f"{'':{_WIDTH + 8}}{printing.one_line(finding.fix)}")
        yield finding
