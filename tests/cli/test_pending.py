"""`zenml-comet pending` and `discard`: what waits is told exactly, and given up only where nobody needs it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.comet.offline import log, offline_writer
from zenml_comet_tracker.cli.main import main
from zenml_comet_tracker.comet.journal.reader import JournalReader
from zenml_comet_tracker.comet.journal.record import FILES, METRICS, REST, End
from zenml_comet_tracker.comet.journal.writer import JournalWriter

ROOT = "http://127.0.0.1:9"
DEAD, LIVING = "d" * 32, "e" * 32
BROKEN = f"x.{0:032x}"


def run(command: str, folder: Path, *options: str, answer: str = "") -> Result:
    return CliRunner().invoke(main, [command, str(folder), *options], input=answer)


def told(folder: Path) -> dict[str, Any]:
    result = run("pending", folder, "--json")
    assert result.exit_code == 0, result.output
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


@pytest.fixture
def living(journals: Path) -> Iterator[JournalWriter]:
    """A dead journal with 7 metrics, 2 of them refused, a name and a file; a living online one of 3; a broken one."""
    with offline_writer(journals, ROOT, key=DEAD, workspace="team", project_name="digits") as dead:
        dead.append(REST, [{"k": "other", "t": 3_000, "name": "Name", "value": "first try"}])
        log(dead, range(7))
        kept = dead.files.keep_bytes(b"12345", "file1")
        dead.append(FILES, [{"k": "asset", "t": 2_400, "asset": {"file_name": "f"}, "file": kept}])
        dead.end(End(9_000, 1))
    reader = JournalReader(dead.folder)
    refused = reader.lanes[METRICS].peek(2)
    assert refused is not None
    reader.lanes[METRICS].set_aside(refused, "status 400 no")
    reader.close()
    (journals / BROKEN).mkdir()
    (journals / BROKEN / "header.json").write_text("{")
    with offline_writer(journals, ROOT, key=LIVING, offline=False, started_millis=2_000) as writer:
        log(writer, range(3))
        yield writer


def test_what_waits_is_told_exactly(living: JournalWriter, journals: Path) -> None:
    answer = told(journals)
    dead, alive = answer["journals"]
    assert (dead["experiment"], dead["name"], dead["server"]) == (DEAD, "first try", ROOT)
    assert (dead["workspace"], dead["project"]) == ("team", "digits")
    assert dead["waiting"] == {"metrics": 5, "rest": 1, "files": 1}
    assert (dead["values"], dead["refused"], dead["last_millis"]) == (7, {"status 400 no": 2}, 3_000)
    assert (dead["writer_alive"], dead["being_delivered"], dead["ended"]) == (False, False, True)
    assert (alive["experiment"], alive["values"]) == (LIVING, 3)
    assert (alive["writer_alive"], alive["being_delivered"], alive["ended"]) == (True, True, False)
    sizes = {
        folder: sum(f.stat().st_size for f in Path(folder).rglob("*") if f.is_file()) for folder in _folders(answer)
    }
    assert [row["bytes"] for row in (dead, alive)] == list(sizes.values())
    assert answer["total"] == {"journals": 2, "values": 10, "refused": 2, "bytes": sum(sizes.values())}
    assert [problem["journal"] for problem in answer["unreadable"]] == [str(journals / BROKEN)]


def _folders(answer: dict[str, Any]) -> list[str]:
    return [row["journal"] for row in answer["journals"]]


def test_people_read_the_same(living: JournalWriter, journals: Path) -> None:
    result = run("pending", journals)
    assert result.exit_code == 0
    assert f"{DEAD}  first try" in result.stdout
    assert f"{ROOT}  team/digits" in result.stdout
    assert "7 values waiting (metrics 5, rest 1, files 1), 2 values refused" in result.stdout
    assert "2 values: status 400 no" in result.stdout
    assert "10 values waiting, 2 values refused" in result.stdout.splitlines()[-2]
    assert str(journals / BROKEN) in result.stderr
    assert f"Nothing waits in {journals / BROKEN}." in run("pending", journals / BROKEN).stdout


def test_an_end_that_is_not_told_yet_is_said_and_to_be_synced(journals: Path) -> None:
    with offline_writer(journals, ROOT) as writer:
        writer.end(End(9_000, 1))
    untold = run("pending", journals).stdout
    assert "0 values waiting" in untold
    assert "its end is not told yet" in untold
    assert "sync" in untold
    assert told(journals)["journals"][0]["end_told"] is False
    (writer.folder / "end-sent").touch()
    done = run("pending", journals).stdout
    assert "not told" not in done
    assert "sync" not in done


@pytest.fixture
def two_folders(journals: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The user's folder and the one for offline runs, each with an ended journal."""
    offline = tmp_path / "offline runs"
    monkeypatch.setenv("ZENML_COMET_JOURNAL", str(journals))
    monkeypatch.setenv("COMET_OFFLINE_DIRECTORY", str(offline))
    for number, folder in enumerate((journals, offline)):
        with offline_writer(folder, ROOT, key=f"{number:032d}", started_millis=number) as writer:
            log(writer, range(3))
    return [journals, offline]


def test_without_a_folder_the_one_for_offline_runs_is_looked_into_too(
    two_folders: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def alone(*command: str) -> Result:
        return CliRunner().invoke(main, list(command))

    both = " and ".join(map(str, two_folders))
    answer = json.loads(alone("pending", "--json").stdout)
    assert answer["folders"] == [str(folder) for folder in two_folders]
    assert [row["experiment"] for row in answer["journals"]] == [f"{number:032d}" for number in range(2)]
    assert f"2 journals in {both}: 6 values waiting" in alone("pending").stdout
    assert len(json.loads(alone("sync", "--json", "--api-key", "k").stdout)["journals"]) == 2
    assert "Discarded 2 journals" in alone("discard", "--yes").stdout
    assert f"Nothing waits in {both}." in alone("pending").stdout
    assert f"Nothing waits to be delivered in {both}." in alone("sync").stdout
    assert f"Nothing to discard in {both}." in alone("discard").stderr
    monkeypatch.setenv("COMET_OFFLINE_DIRECTORY", str(two_folders[0]))
    assert f"Nothing waits in {two_folders[0]}." in alone("pending").stdout


def test_a_journal_with_a_broken_cursor_is_named_with_the_rest(living: JournalWriter, journals: Path) -> None:
    cursor = next(journals.glob(f"{DEAD}.*")) / "rest.cursor"
    cursor.mkdir()
    answer = told(journals)
    assert [row["experiment"] for row in answer["journals"]] == [LIVING]
    assert str(cursor) in " ".join(problem["reason"] for problem in answer["unreadable"])


def test_what_is_given_up_is_said_before_and_counted_after(living: JournalWriter, journals: Path) -> None:
    refused = run("discard", journals, answer="n\n")
    kept = told(journals)["total"]["values"]
    agreed = run("discard", journals, answer="y\n")

    assert (refused.exit_code, kept) == (1, 10)
    assert f"{DEAD}  7 values waiting (metrics 5, rest 1, files 1), 2 values refused" in refused.stderr
    assert agreed.exit_code == 0
    assert agreed.stdout == "Discarded 1 journal: 7 values that waited, 2 values that the server had refused.\n"
    assert f"{LIVING}  kept: its process is running" in agreed.stderr
    answer = told(journals)
    assert [row["experiment"] for row in answer["journals"]] == [LIVING]
    assert [problem["journal"] for problem in answer["unreadable"]] == [str(journals / BROKEN)]


def test_only_what_was_refused_is_given_up_when_that_is_asked_for(living: JournalWriter, journals: Path) -> None:
    result = run("discard", journals, "--refused", "--yes", "--json")
    (row,) = json.loads(result.stdout)["discarded"]
    assert (row["experiment"], row["values"], row["refused"]) == (DEAD, 0, 2)
    dead = told(journals)["journals"][0]
    assert (dead["values"], dead["refused"]) == (7, {})


def test_only_the_named_experiment_is_given_up(living: JournalWriter, journals: Path) -> None:
    other = run("discard", journals, "--experiment", LIVING, "--yes")
    assert other.exit_code == 0
    assert "Nothing to discard" in other.stderr
    assert told(journals)["total"]["values"] == 10
    mine = run("discard", journals, "--experiment", DEAD, "--yes")
    assert "Discarded 1 journal" in mine.stdout


def test_what_somebody_delivers_is_kept(living: JournalWriter, journals: Path) -> None:
    reader = JournalReader(next(journals.glob(f"{DEAD}.*")))
    result = run("discard", journals, "--yes", "--json")
    assert told(journals)["journals"][0]["being_delivered"] is True
    reader.close()
    answer = json.loads(result.stdout)
    assert answer["discarded"] == []
    assert {row["experiment"]: row["reason"] for row in answer["skipped"]} == {
        DEAD: "it is being delivered",
        LIVING: "its process is running",
    }


def test_what_cannot_be_read_is_given_up_only_by_its_own_name(living: JournalWriter, journals: Path) -> None:
    assert (journals / BROKEN).exists()
    result = run("discard", journals / BROKEN, "--yes")
    assert result.exit_code == 0, result.output
    assert not (journals / BROKEN).exists()
    assert len(told(journals)["journals"]) == 2
