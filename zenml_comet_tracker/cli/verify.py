"""`zenml-comet verify`: whether a server does what this client takes for granted."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import click

from zenml_comet_tracker.cli import connecting, printing
from zenml_comet_tracker.cli.failures import Failure

if TYPE_CHECKING:
    from zenml_comet_tracker.comet.connection import Connection
    from zenml_comet_tracker.comet.verify import Report


@click.command("verify")
@click.option("--workspace", help="Workspace to make the project in. [default: the account's default]")
@connecting.server_options
@click.option("--yes", is_flag=True, help="Do not ask before writing to a server that is not on this machine.")
@click.option("--no-artifacts", is_flag=True, help="Leave out artifacts, which Comet has no call to delete.")
@click.option("--seconds", type=click.IntRange(1), default=300, show_default=True, help="How long it may take.")
@click.option(
    "--requests", type=click.IntRange(1), default=1000, show_default=True, help="How many requests it may send."
)
@printing.json_option
def verify(
    workspace: str | None,
    api_key: str | None,
    url: str | None,
    local: bool,
    yes: bool,
    no_artifacts: bool,
    seconds: int,
    requests: int,
    as_json: bool,
) -> None:
    """Prove this client against the server that you use.

    Makes a project of a random name, writes to it by every group of calls, in both protocols, reads everything back,
    compares, and deletes the project, also after Ctrl-C. Exit code 0 when everything held, 1 when anything did not.
    The JSON object is made for a bug report: it holds no key, no address, no name of a workspace.
    """
    from zenml_comet_tracker.comet import verify as checks

    with connecting.connected(api_key, url, local) as connection:
        _ask(connection, yes, no_artifacts)
        with printing.progress_bar(hidden=as_json) as told, _ended_gently():
            report = checks.verify(
                connection,
                workspace,
                artifacts=not no_artifacts,
                limits=checks.Limits(seconds, requests),
                told=None if told is None else lambda outcome, number, count: told(outcome.name, number, count),
            )
        if as_json:
            printing.print_json(as_bug_report(report, connection))
        else:
            _show(report)
    if not report.held:
        raise click.exceptions.Exit(1)


def as_bug_report(report: Report, connection: Connection) -> dict[str, Any]:
    """What came of the checks, without what would tell who made them, and where."""
    address = {report.root: "<root>", urlsplit(report.root).netloc: "<host>"}
    hidden = {connection.settings.api_key: "<key>", **address, report.workspace: "<workspace>"}
    hidden |= dict.fromkeys(connection.settings.extra_headers.values(), "<header>")
    counts = Counter(outcome.result for outcome in report.outcomes)
    return {
        "held": report.held,
        "version": report.version,
        "server": "local" if connecting.is_local(connection) else "comet.com" if _is_comet(report.root) else "other",
        "server_version": report.server_version,
        "python": sys.version.split()[0],
        "platform": sys.platform,
        "requests": report.requests,
        "interrupted": report.interrupted,
        "counts": {result: counts[result] for result in ("held", "differed", "refused", "left out")},
        "left_behind": [_without(text, hidden) for text in report.left_behind],
        "checks": [{**asdict(one), "detail": _without(one.detail, hidden)} for one in report.outcomes],
    }


def _is_comet(root: str) -> bool:
    return root in ("https://www.comet.com", "https://comet.com")


def _without(text: str, hidden: dict[str, str]) -> str:
    """The text with names in place of secrets, also where one was cut off, or is spelled as in Python or an URL."""
    for secret, name in hidden.items():
        for spelled in {secret, repr(secret)[1:-1], quote(secret), quote(secret, safe="")}:
            if not spelled:
                continue
            text = text.replace(spelled, name)
            for length in range(len(spelled) - 1, 5, -1):
                text = text.replace(f"{spelled[:length]}...", f"{name}...")
    return text


def _ask(connection: Connection, yes: bool, no_artifacts: bool) -> None:
    """Asks before it writes to a server that others may use."""
    if yes or connecting.is_local(connection):
        return
    behind = "" if no_artifacts else " One version of an artifact 'zenml-comet-verify' stays: Comet cannot delete it."
    told = f"This makes a project on {connection.root}, sends some 250 requests, and deletes the project.{behind}"
    if not sys.stdin.isatty():
        raise Failure(f"{told} To go on without being asked, give --yes.", 2)
    click.echo(told, err=True)
    click.confirm("Go on?", abort=True, err=True)


@contextlib.contextmanager
def _ended_gently() -> Iterator[None]:
    """Within, being asked to end is as Ctrl-C, after which the project is still deleted."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _show(report: Report) -> None:
    rows = [(one.group, one.name, one.protocol, one.result, one.detail) for one in report.outcomes]
    printing.print_table(("group", "check", "protocol", "result", "how it differed"), rows)
    counts = Counter(outcome.result for outcome in report.outcomes)
    version = f" (version {report.server_version})" if report.server_version else ""
    told = ", ".join(f"{count} {result}" for result, count in counts.items())
    click.echo(f"{report.root}{version}: {told}; {report.requests} requests.", err=True)
    if report.interrupted:
        click.echo("Interrupted; the checks that are missing were not made.", err=True)
    for what in report.left_behind:
        click.echo(f"Still there: {what}", err=True)
