"""What lies in a journal folder is counted exactly, and looking disturbs nobody."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from zenml_comet_tracker.cli.journals import look
from zenml_comet_tracker.comet.delivery.adoption import Adopter, Kin
from zenml_comet_tracker.comet.errors import JournalError
from zenml_comet_tracker.comet.journal.discard import discard, discard_broken, discard_refused, sweep
from zenml_comet_tracker.comet.journal.reader import JournalReader
from zenml_comet_tracker.comet.journal.record import (
    END_SENT,
    FILES,
    HEADER_FILE,
    METRICS,
    PARAMETERS,
    REST,
    End,
    Header,
)
from zenml_comet_tracker.comet.journal.survey import (
    Found,
    being_delivered,
    is_settled,
    survey,
    take_stock,
    writer_lives,
)
from zenml_comet_tracker.comet.journal.writer import JournalWriter

KEY = "a" * 32
METRICS_LOGGED = 23


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[JournalWriter]:
    """A living writer of 23 metrics in 10 calls, a parameter, the name, a note and a file."""
    header = Header(KEY, "http://x", "f", primary=True, started_millis=1_000)
    journal = JournalWriter(tmp_path, header)
    for record in range(10):
        rows = [row(f"m{number}", record, 2_000 + record) for number in range(1 + record % 4)]
        journal.append(METRICS, rows)
    journal.append(PARAMETERS, [{"parameterName": "lr", "parameterValue": "0.1", "timestamp": 2_100}])
    journal.append(REST, [{"k": "other", "t": 2_200, "name": "Name", "value": "earlier"}])
    journal.append(REST, [{"k": "other", "t": 2_300, "name": "Name", "value": "größer"}])
    journal.append(REST, [{"k": "other", "t": 2_301, "name": "note", "value": '"Name"'}])
    kept = journal.files.keep_bytes(b"12345", "file1")
    journal.append(FILES, [{"k": "asset", "t": 2_400, "asset": {"file_name": "f"}, "file": kept}])
    yield journal
    journal.close()


def row(name: str, value: float, millis: int) -> dict[str, object]:
    return {"metricName": name, "metricValue": value, "timestamp": millis}


def only(folder: Path) -> Found:
    (found,) = survey(folder).journals
    return found


def test_every_value_that_waits_is_counted_by_lane(writer: JournalWriter, tmp_path: Path) -> None:
    stock = take_stock(only(tmp_path))
    assert stock.waiting == {METRICS: METRICS_LOGGED, PARAMETERS: 1, REST: 3, FILES: 1}
    assert (stock.values, stock.name, stock.ended) == (METRICS_LOGGED + 5, "größer", False)
    assert stock.last_millis == 2_400
    assert stock.size == sum(path.stat().st_size for path in writer.folder.rglob("*") if path.is_file())


def test_journals_of_one_experiment_are_sent_in_the_order_in_which_they_were_begun(tmp_path: Path) -> None:
    """What is said of an experiment after its end would else be overwritten by what was said before."""
    begun = []
    for number, name in enumerate(("c", "a", "b")):
        header = Header(KEY, "http://x", "f", writer=name * 32, primary=True, started_millis=1_000)
        with contextlib.closing(JournalWriter(tmp_path, header)) as journal:
            journal.append(METRICS, [row("m", number, 2_000)])
            assert journal.folder is not None
            os.utime(journal.folder / HEADER_FILE, ns=(number, number))
            begun.append(journal.folder)
    adopter = Adopter(Kin(tmp_path, "http://x", "f"), "k", lambda: pytest.fail("nothing is sent"))
    assert [found.folder for found in survey(tmp_path).journals] == begun
    assert [found.folder for found in look(tmp_path)[1].journals] == begun
    assert [folder for folder, _ in adopter._claimed()] == begun


def lines(writer: JournalWriter, lane: str) -> list[bytes]:
    assert writer.folder is not None
    return [line for path in sorted(writer.folder.glob(f"{lane}.0*.jsonl")) for line in path.read_bytes().splitlines()]


def test_what_is_delivered_refused_or_torn_does_not_wait(writer: JournalWriter, tmp_path: Path) -> None:
    reader = JournalReader(writer.folder)
    lane = reader.lanes[METRICS]
    first = lane.peek(3)
    assert first is not None
    lane.commit(first)
    second = lane.peek(3)
    assert second is not None
    lane.set_aside(second, "status 400 no")
    reader.close()
    (segment,) = writer.folder.glob("metrics.0*.jsonl")
    with segment.open("ab") as stream:
        stream.write(b'{"metricName":"half\n{"metricNa')
    stock = take_stock(only(tmp_path))
    assert (first.values, second.values) == (3, 3)
    assert stock.waiting[METRICS] == METRICS_LOGGED - 6
    assert stock.refused == {"status 400 no": 3}


def test_a_writer_lives_until_it_lets_go(writer: JournalWriter, tmp_path: Path) -> None:
    assert writer_lives(writer.folder)
    assert only(tmp_path).delivers_itself
    writer.end(End(3_000, 1))
    writer.close()
    assert not writer_lives(writer.folder)
    assert take_stock(only(tmp_path)).ended


def test_looking_takes_no_lock_from_anybody(writer: JournalWriter, tmp_path: Path) -> None:
    writer.close()
    found = only(tmp_path)
    with (writer.folder / "writer.lock").open() as other:
        # Another process that looks at the same moment.
        fcntl.flock(other, fcntl.LOCK_SH)
        assert not writer_lives(writer.folder)
    assert not being_delivered(found)
    reader = JournalReader(writer.folder)
    assert being_delivered(found)
    reader.close()
    assert not being_delivered(found)


def test_a_segment_of_any_size_tells_when_it_was_written(writer: JournalWriter, tmp_path: Path) -> None:
    writer.append(METRICS, [row("long" * 20, number, 5_000 + number) for number in range(1_000)])
    assert take_stock(only(tmp_path)).last_millis == 5_999


@pytest.mark.parametrize("header", ["{", '{"format_version": 2}', '{"format_version": 99}', ""])
def test_what_cannot_be_read_is_named_and_deleted_only_when_nobody_uses_it(tmp_path: Path, header: str) -> None:
    broken = tmp_path / f"x.{0:032x}"
    broken.mkdir()
    (broken / "header.json").write_text(header)
    (broken / "writer.lock").touch()
    found = survey(tmp_path)
    assert found.journals == []
    assert [(problem.folder, str(broken) in problem.reason) for problem in found.broken] == [(broken, True)]
    with (broken / "writer.lock").open() as alive:
        fcntl.flock(alive, fcntl.LOCK_EX)
        with pytest.raises(JournalError):
            discard_broken(broken)
    discard_broken(broken)
    assert not broken.exists()


@pytest.mark.parametrize("name", ["project", "project.v2", f"x.{0:032x}.bak"])
def test_a_folder_of_somebody_else_is_never_deleted(tmp_path: Path, name: str) -> None:
    theirs = tmp_path / name
    (theirs / "src").mkdir(parents=True)
    (theirs / "src" / "thesis.tex").touch()
    (theirs / "header.json").write_text("{}")
    (theirs / "metrics.1.jsonl").touch()
    assert [problem.folder for problem in survey(theirs).broken] == [theirs]
    with pytest.raises(JournalError, match="not called as journals are"):
        discard_broken(theirs)
    assert (theirs / "src" / "thesis.tex").exists()


def test_records_without_a_header_are_told_and_a_journal_in_the_making_is_not(tmp_path: Path) -> None:
    (tmp_path / "k.made").mkdir()
    (tmp_path / "k.made" / "writer.lock").touch()
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "header.json").touch()
    lost = tmp_path / "k.lost"
    lost.mkdir()
    (lost / "rest.00000002.jsonl").touch()
    found = survey(tmp_path)
    assert (found.journals, [broken.folder for broken in found.broken]) == ([], [lost])
    assert survey(tmp_path / "nowhere").journals == []


def test_a_journal_is_discarded_only_when_nobody_writes_or_delivers_it(writer: JournalWriter, tmp_path: Path) -> None:
    found = only(tmp_path)
    with pytest.raises(JournalError, match="is running"):
        discard(found)
    writer.close()
    reader = JournalReader(writer.folder)
    with pytest.raises(JournalError, match="being delivered"):
        discard(found)
    reader.close()
    counted = take_stock(found)
    assert discard(found) == counted
    assert list(tmp_path.iterdir()) == []


def test_the_rest_of_an_interrupted_deletion_is_swept(writer: JournalWriter, tmp_path: Path) -> None:
    rest = tmp_path / ".gone-x.y"
    rest.mkdir()
    (rest / "header.json").touch()
    sweep(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [writer.header.folder_name]


def test_only_what_was_refused_can_be_discarded(writer: JournalWriter, tmp_path: Path) -> None:
    writer.close()
    found = only(tmp_path)
    reader = JournalReader(writer.folder)
    portion = reader.lanes[FILES].peek(1)
    assert portion is not None
    reader.lanes[FILES].set_aside(portion, "too large")
    reader.close()
    before = take_stock(found)

    discard_refused(found)

    after = take_stock(found)
    assert (before.refused, after.refused) == ({"too large": 1}, {})
    assert after.waiting == before.waiting
    assert list((writer.folder / "files").iterdir()) == []


def test_a_journal_of_nothing_but_refused_records_is_settled_and_goes_with_them(
    writer: JournalWriter, tmp_path: Path
) -> None:
    writer.close()
    found = only(tmp_path)
    reader = JournalReader(writer.folder)
    for name, lane in reader.lanes.items():
        while (portion := lane.peek(1)) is not None:
            lane.set_aside(portion, "no") if name == REST else lane.commit(portion)
    assert not is_settled(found.folder)
    reader.mark(END_SENT)
    reader.close()
    assert is_settled(found.folder)
    assert discard_refused(found).refused == {"no": 3}
    assert list(tmp_path.iterdir()) == []
