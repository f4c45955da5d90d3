"""`zenml-comet local backup`, `restore`, `check`, `gc`."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from zenml_comet_tracker.cli import owner
from zenml_comet_tracker.cli.failures import Failure
from zenml_comet_tracker.cli.server import data_option, json_option, typed_for
from zenml_comet_tracker.local import launch

_SHOWN_PROBLEMS = 50


@click.command()
@click.argument("target", type=click.Path(path_type=Path), default=Path("."))
@data_option
@json_option
def backup(target: Path, data: Path, as_json: bool) -> None:
    """Write everything that was logged into one archive: the file TARGET, or a new one in the folder TARGET.

    The server may go on meanwhile. The API key stays out.
    """
    from zenml_comet_tracker.local.store.backup import back_up

    made = back_up(data, target)
    if as_json:
        click.echo(json.dumps({**asdict(made), "path": str(made.path)}))
    else:
        _say(f"{made.path}:", made.database_bytes, made.files, made.file_bytes)
    if made.missing:
        lost = f"{len(made.missing)} files are not in it: the data folder has lost them."
        raise Failure(f"{lost} {typed_for(data, 'local check')} names them.")


@click.command()
@click.argument("archive", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Also where there are data; they are moved aside.")
@data_option
@json_option
def restore(archive: Path, force: bool, data: Path, as_json: bool) -> None:
    """Put the backup ARCHIVE in place of the data. The server must be stopped.

    All of it is put in place, or nothing is changed.
    """
    from zenml_comet_tracker.local.store.restore import restore as put_back

    done = put_back(archive, data, force=force)
    if as_json:
        click.echo(json.dumps({**asdict(done), "aside": None if done.aside is None else str(done.aside)}))
        return
    _say(f"{data} holds the backup:", done.database_bytes, done.files, done.file_bytes)
    if done.missing:
        click.echo(f"{done.missing} files were lost before the backup was made.")
    if done.aside is not None:
        click.echo(f"The data before it lie in {done.aside}. Delete them when they are not needed any more.")


@click.command()
@data_option
@json_option
def check(data: Path, as_json: bool) -> None:
    """Read all data and say whether they are whole. Exit code 1 when they are not.

    The server may go on meanwhile. Nothing is changed.
    """
    from zenml_comet_tracker.local.store.integrity import examine

    report = examine(data)
    if as_json:
        click.echo(json.dumps(asdict(report)))
    else:
        metrics = f"{report.metrics:,} metrics with {report.points:,} points"
        click.echo(f"{report.experiments:,} experiments, {metrics}, {_files(report.files, report.file_bytes)}.")
        for problem in report.problems[:_SHOWN_PROBLEMS]:
            click.echo(problem)
        if len(report.problems) > _SHOWN_PROBLEMS:
            click.echo(f"... and {len(report.problems) - _SHOWN_PROBLEMS:,} more; --json shows all.")
        if report.orphans:
            orphans = _files(report.orphans, report.orphan_bytes)
            click.echo(f"{orphans} belong to nothing: {typed_for(data, 'local gc')} frees them.")
    if report.problems:
        raise Failure(
            f"The data in {data} are damaged. {typed_for(data, 'local restore')} puts a backup in their place."
        )
    if not as_json:
        click.echo("All is well.")


@click.command()
@data_option
@json_option
def gc(data: Path, as_json: bool) -> None:
    """Free the files that no asset needs any more, and give the database's unused space back to the disk.

    While the server runs, it does so itself, bit by bit; else the database is written anew, to its least size.
    """
    freed = _collected(data)
    if as_json:
        click.echo(json.dumps(freed))
        return
    _say("Freed: of", freed["database_bytes"], freed["files"], freed["file_bytes"])


def _collected(data: Path) -> dict[str, Any]:
    running = launch.find(data)
    if running is not None:
        return owner.post(running, "gc", {})
    if not (data / "comet.db").exists():
        raise Failure(f"There is no database in {data}. Choose the data folder with --data.", 4)
    with owner.opened(data) as store:
        # Only here: loading the store takes a while.
        from zenml_comet_tracker.local.store.garbage import collect
        from zenml_comet_tracker.local.store.restore import sweep

        sweep(data)
        # The system's folder for temporary files is often in memory, and smaller than a database.
        os.environ["SQLITE_TMPDIR"] = str(data)
        return asdict(collect(store, rebuild=True))


def _say(what: str, database_bytes: int, files: int, file_bytes: int) -> None:
    click.echo(f"{what} the database {_size(database_bytes)}, and {_files(files, file_bytes)}.")


def _files(count: int, size: int) -> str:
    return f"{count:,} file{'' if count == 1 else 's'} ({_size(size)})"


def _size(count: int) -> str:
    units = ("bytes", "kB", "MB", "GB", "TB")
    power = min(len(units) - 1, (len(str(count)) - 1) // 3)
    return f"{count / 1000**power:.1f} {units[power]}" if power else f"{count} bytes"
