"""The journal gives back what was written, whatever happened to its files in between."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from zenml_comet_tracker.comet.errors import JournalError
from zenml_comet_tracker.comet.journal import writer as writer_module
from zenml_comet_tracker.comet.journal.place import find_place
from zenml_comet_tracker.comet.journal.reader import JournalReader
from zenml_comet_tracker.comet.journal.record import METRICS, REST, End, Header, segment_name
from zenml_comet_tracker.comet.journal.writer import JournalWriter

KEY = "k" * 32


@pytest.fixture
def journal(tmp_path: Path) -> JournalWriter:
    return JournalWriter(tmp_path, Header(KEY, "http://127.0.0.1:1", "abc"))


def points(start: int, count: int) -> dict[str, Any]:
    return {"v": [[f"m{i}", i] for i in range(start, start + count)]}


def drain(reader: JournalReader, lane: str = METRICS, at_most: int = 1000) -> list[list[Any]]:
    found = []
    while (portion := reader.lanes[lane].peek(at_most)) is not None:
        assert portion.records == [] or portion.records[0].sequence == len(found) + 1
        found += [pair for record in portion.records for pair in record.content["v"]]
        reader.lanes[lane].commit(portion)
    return found


def test_what_is_written_is_read_in_order_and_once(journal: JournalWriter) -> None:
    for start in range(0, 50, 5):
        journal.append(METRICS, points(start, 5), values=5)
    reader = JournalReader(journal.folder)
    assert drain(reader, at_most=7) == [[f"m{i}", i] for i in range(50)]
    assert (journal.accepted, reader.lanes[METRICS].delivered) == (50, 50)


def test_a_new_reader_goes_on_where_the_last_one_stopped(journal: JournalWriter) -> None:
    for i in range(3):
        journal.append(METRICS, points(i, 1))
    first = JournalReader(journal.folder)
    portion = first.lanes[METRICS].peek(2)
    assert portion is not None
    first.lanes[METRICS].commit(portion)
    first.close()
    following = JournalReader(journal.folder).lanes[METRICS].peek(10)
    assert following is not None
    assert [record.sequence for record in following.records] == [3]


def test_segments_rotate_and_delivered_ones_give_their_space_back(
    journal: JournalWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "SEGMENT_BYTES", 500)
    for i in range(100):
        journal.append(METRICS, points(i, 1))
    segments = sorted(journal.folder.glob("metrics.*.jsonl"))
    assert len(segments) > 5
    reader = JournalReader(journal.folder)
    assert drain(reader) == [[f"m{i}", i] for i in range(100)]
    assert sorted(journal.folder.glob("metrics.*.jsonl")) == segments[-1:]


@pytest.mark.parametrize("cut", [2, 10, 30])
def test_a_torn_last_line_waits_and_a_torn_line_inside_is_skipped(journal: JournalWriter, cut: int) -> None:
    for i in range(3):
        journal.append(METRICS, points(i, 1))
    path = journal.folder / segment_name(METRICS, 1)
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    reader = JournalReader(journal.folder)
    assert drain(reader) == [["m0", 0], ["m1", 1]]
    path.write_bytes(whole[:-cut] + b"\n" + whole.splitlines(keepends=True)[2])
    assert drain_after(reader) == [["m2", 2]]


def test_records_on_both_sides_of_a_damaged_one_do_not_share_a_portion(journal: JournalWriter) -> None:
    for i in range(3):
        journal.append(METRICS, points(i, 1))
    path = journal.folder / segment_name(METRICS, 1)
    first, damaged, last = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + b"x" * (len(damaged) - 1) + b"\n" + last)
    lane = JournalReader(journal.folder).lanes[METRICS]
    seen = []
    while (portion := lane.peek(10)) is not None:
        seen.append([record.sequence for record in portion.records])
        lane.commit(portion)
    assert seen == [[1], [3]]


def drain_after(reader: JournalReader) -> list[list[Any]]:
    found = []
    while (portion := reader.lanes[METRICS].peek(10)) is not None:
        found += [pair for record in portion.records for pair in record.content["v"]]
        reader.lanes[METRICS].commit(portion)
    return found


def test_cut_at_any_byte_every_whole_record_is_read(journal: JournalWriter, tmp_path: Path) -> None:
    for i in range(4):
        journal.append(METRICS, points(i, 1))
    path = journal.folder / segment_name(METRICS, 1)
    data = path.read_bytes()
    for cut in range(len(data) + 1):
        path.write_bytes(data[:cut])
        (journal.folder / "metrics.cursor").unlink(missing_ok=True)
        reader = JournalReader(journal.folder)
        assert len(drain_after(reader)) == data[:cut].count(b"\n")
        reader.close()


def test_a_record_longer_than_one_read_is_read_whole(journal: JournalWriter) -> None:
    journal.append(REST, {"k": "html", "html": "x" * 700_000, "clear": False})
    portion = JournalReader(journal.folder).lanes[REST].peek(1)
    assert portion is not None
    assert len(portion.records[0].content["html"]) == 700_000


def test_threads_lose_and_mix_nothing(journal: JournalWriter) -> None:
    def log(thread: int) -> None:
        for i in range(200):
            journal.append(METRICS, {"v": [[f"t{thread}", i]]})

    threads = [threading.Thread(target=log, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = drain(JournalReader(journal.folder))
    assert {name: [v for n, v in found if n == name] for name, _ in found} == {
        f"t{n}": list(range(200)) for n in range(8)
    }


def test_a_short_write_leaves_only_whole_records_and_is_counted(
    journal: JournalWriter, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    journal.append(METRICS, points(0, 1))
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, bytes(data)[: len(data) // 2]))
    assert journal.append(METRICS, points(1, 1)) is False
    monkeypatch.setattr(os, "write", real)
    assert journal.append(METRICS, points(2, 1)) is True
    assert drain_after(JournalReader(journal.folder)) == [["m0", 0], ["m2", 2]]
    assert sum(journal.dropped.values()) == 1
    assert "dropped" in caplog.text


def test_after_the_end_nothing_is_taken(journal: JournalWriter) -> None:
    journal.append(METRICS, points(0, 1))
    journal.end(End(1, 1, "why"))
    journal.close()
    assert journal.append(METRICS, points(1, 1)) is False
    reader = JournalReader(journal.folder)
    assert reader.end() == End(1, 1, "why")
    assert drain(reader) == [["m0", 0]]
    assert list(journal.dropped.values()) == [1]


def test_only_one_reader_owns_the_cursors(journal: JournalWriter) -> None:
    first = JournalReader(journal.folder)
    with pytest.raises(JournalError, match="another"):
        JournalReader(journal.folder)
    first.close()
    JournalReader(journal.folder).close()


def test_a_newer_format_is_refused_with_the_way_out(journal: JournalWriter) -> None:
    header = journal.folder / "header.json"
    header.write_text(header.read_text().replace('"format_version": 1', '"format_version": 2'))
    with pytest.raises(JournalError, match="newer zenml-comet-tracker"):
        JournalReader(journal.folder)


def test_set_aside_records_keep_their_content_and_reason(journal: JournalWriter) -> None:
    journal.append(METRICS, points(0, 1))
    reader = JournalReader(journal.folder)
    portion = reader.lanes[METRICS].peek(1)
    assert portion is not None
    reader.lanes[METRICS].set_aside(portion, "status 400")
    assert reader.lanes[METRICS].peek(1) is None
    assert reader.lanes[METRICS].refused == 1
    text = (journal.folder / "metrics.refused.jsonl").read_text()
    assert "status 400" in text
    assert '"m0"' in text


def test_a_kept_file_has_the_bytes_of_the_call(journal: JournalWriter, tmp_path: Path) -> None:
    source = tmp_path / "a.txt"
    source.write_text("then")
    content = journal.keep(source, "id1")
    source.write_text("later")
    reader = JournalReader(journal.folder)
    assert reader.kept_file(content).read_text() == "then"
    reader.forget_file(content)
    with pytest.raises(JournalError, match="gone"):
        reader.kept_file(content)


def test_a_file_too_large_to_copy_is_refused_when_it_changed(
    journal: JournalWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "COPY_LIMIT_BYTES", 3)
    source = tmp_path / "a.txt"
    source.write_text("then")
    content = journal.keep(source, "id1")
    reader = JournalReader(journal.folder)
    assert reader.kept_file(content) == source
    source.write_text("changed")
    with pytest.raises(JournalError, match="changed"):
        reader.kept_file(content)


def test_folders_and_files_are_for_the_owner_alone(journal: JournalWriter) -> None:
    journal.append(METRICS, points(0, 1))
    journal.keep_bytes(b"x", "id1")
    reader = JournalReader(journal.folder)
    drain(reader)
    assert stat.S_IMODE(journal.folder.stat().st_mode) == 0o700
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in journal.folder.rglob("*") if p.is_file()}
    assert len(modes) >= 5
    assert set(modes.values()) == {0o600}


def test_the_place_is_the_first_that_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert find_place().folder == tmp_path / "state" / "zenml-comet" / "journals"
    monkeypatch.setenv("ZENML_COMET_JOURNAL", str(tmp_path / "variable"))
    assert find_place().folder == tmp_path / "variable"
    assert find_place(tmp_path / "asked").folder == tmp_path / "asked"
    assert find_place(blocked / "below").folder == tmp_path / "variable"
    assert f"{blocked}/below cannot be used" in caplog.text
    monkeypatch.setenv("ZENML_COMET_JOURNAL", str(blocked / "v"))
    monkeypatch.setenv("XDG_STATE_HOME", str(blocked / "s"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    place = find_place()
    assert place.persistent is False
    assert place.folder.is_relative_to(tmp_path)


def test_a_record_written_while_the_segment_ends_is_not_passed_over(
    journal: JournalWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The writer adds to a segment and opens the next between two looks of the reader."""
    journal.append(METRICS, points(0, 1))
    lane = JournalReader(journal.folder).lanes[METRICS]
    first = lane.peek(10)
    assert first is not None
    lane.commit(first)
    looked: list[bool] = []
    real = lane._peek_segment

    def peek_segment(cursor: Any, most: int) -> Any:
        found = real(cursor, most)
        if not looked:
            looked.append(True)
            journal.append(METRICS, points(1, 1))
            monkeypatch.setattr(writer_module, "SEGMENT_BYTES", 1)
            journal.append(METRICS, points(2, 1))
        return found

    monkeypatch.setattr(lane, "_peek_segment", peek_segment)
    assert drain_lane(lane) == [1, 2]


def drain_lane(lane: Any) -> list[int]:
    found = []
    while (portion := lane.peek(10)) is not None:
        found += [record.content["v"][0][1] for record in portion.records]
        lane.commit(portion)
    return found


def test_a_record_logged_by_a_signal_handler_in_the_middle_of_another_is_kept(
    journal: JournalWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.write
    interrupted: list[bool] = []

    def write(descriptor: int, data: bytes) -> int:
        if not interrupted:
            interrupted.append(True)
            assert journal.append(METRICS, points(1, 1))
        return real(descriptor, data)

    monkeypatch.setattr(os, "write", write)
    journal.append(METRICS, points(0, 1))
    monkeypatch.setattr(os, "write", real)
    assert drain(JournalReader(journal.folder)) == [["m0", 0], ["m1", 1]]
    assert journal.accepted == 2


def test_an_interrupted_call_takes_no_sequence_number_twice(
    journal: JournalWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.write

    def write(descriptor: int, data: bytes) -> int:
        real(descriptor, data)
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(KeyboardInterrupt):
        journal.append(METRICS, points(0, 1))
    monkeypatch.setattr(os, "write", real)
    journal.append(METRICS, points(1, 1))
    assert drain(JournalReader(journal.folder)) == [["m0", 0], ["m1", 1]]


def test_a_cursor_that_cannot_be_saved_still_moves_on(journal: JournalWriter) -> None:
    journal.append(METRICS, points(0, 1))
    reader = JournalReader(journal.folder)
    (journal.folder / f".metrics.cursor.{os.getpid()}.tmp").mkdir()
    assert drain(reader) == [["m0", 0]]


def test_waiting_says_what_peek_would(journal: JournalWriter) -> None:
    reader = JournalReader(journal.folder)
    lane = reader.lanes[METRICS]
    assert lane.waiting is False
    journal.append(METRICS, points(0, 1))
    assert lane.waiting is True
    drain(reader)
    assert lane.waiting is False
    with (journal.folder / segment_name(METRICS, 1)).open("ab") as stream:
        stream.write(b'{"s":2,"t":')
    assert lane.peek(1) is None
    assert lane.waiting is False
