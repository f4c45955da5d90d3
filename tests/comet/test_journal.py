"""The journal gives back what was written, whatever happened to its files in between."""

from __future__ import annotations

import os
import shutil
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from zenml_comet_tracker.comet.errors import JournalError
from zenml_comet_tracker.comet.journal import files, spill
from zenml_comet_tracker.comet.journal.files import JournalFullError
from zenml_comet_tracker.comet.journal.place import find_place
from zenml_comet_tracker.comet.journal.portion import Portion
from zenml_comet_tracker.comet.journal.reader import JournalReader
from zenml_comet_tracker.comet.journal.record import METRICS, REST, End, Header, segment_name
from zenml_comet_tracker.comet.journal.room import Room, size_below
from zenml_comet_tracker.comet.journal.writer import FULL, JournalWriter
from zenml_comet_tracker.comet.resources import metrics

KEY = "k" * 32


@pytest.fixture
def journal(tmp_path: Path) -> JournalWriter:
    return JournalWriter(tmp_path, Header(KEY, "http://127.0.0.1:1", "abc"))


def points(start: int, count: int) -> list[dict[str, Any]]:
    return [metrics.row(f"m{i}", i, 1) for i in range(start, start + count)]


def pairs(portion: Portion) -> list[list[Any]]:
    return [[row["metricName"], row["metricValue"]] for row in portion.rows()]


def drain(reader: JournalReader, lane: str = METRICS, at_most: int = 1000) -> list[list[Any]]:
    found = []
    while (portion := reader.lanes[lane].peek(at_most)) is not None:
        assert portion.lines == [] or portion.first == len(found) + 1
        found += pairs(portion)
        reader.lanes[lane].commit(portion)
    return found


def drain_after(reader: JournalReader) -> list[list[Any]]:
    found = []
    while (portion := reader.lanes[METRICS].peek(10, checked=True)) is not None:
        found += pairs(portion)
        reader.lanes[METRICS].commit(portion)
    return found


def test_what_is_written_is_read_in_order_and_once(journal: JournalWriter) -> None:
    for start in range(0, 50, 5):
        journal.append(METRICS, points(start, 5))
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
    assert (following.first, following.values) == (3, 1)


def test_segments_rotate_and_delivered_ones_give_their_space_back(
    journal: JournalWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal.lanes[METRICS], "_segment_bytes", 500)
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


def test_a_damaged_line_is_left_out_when_lines_are_looked_into(journal: JournalWriter) -> None:
    for i in range(3):
        journal.append(METRICS, points(i, 1))
    path = journal.folder / segment_name(METRICS, 1)
    first, damaged, last = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + b"x" * (len(damaged) - 1) + b"\n" + last)
    lane = JournalReader(journal.folder).lanes[METRICS]
    seen = []
    while (portion := lane.peek(10, checked=True)) is not None:
        seen.append((portion.first, portion.values, portion.torn))
        lane.commit(portion)
    assert seen == [(1, 1, 0), (2, 0, 1), (3, 1, 0)]
    assert lane.lost == 1


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
    journal.append(REST, [{"k": "html", "t": 1, "html": "x" * 700_000, "clear": False}])
    portion = JournalReader(journal.folder).lanes[REST].peek(1)
    assert portion is not None
    assert len(portion.rows()[0]["html"]) == 700_000


def test_threads_lose_and_mix_nothing(journal: JournalWriter) -> None:
    def log(thread: int) -> None:
        for i in range(200):
            journal.append(METRICS, [metrics.row(f"t{thread}", i, 1)])

    threads = [threading.Thread(target=log, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = drain(JournalReader(journal.folder))
    assert {name: [v for n, v in found if n == name] for name, _ in found} == {
        f"t{n}": list(range(200)) for n in range(8)
    }


def half_a_write(monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, bytes(data)[: len(data) // 2]))


def log_three_to_a_full_disk(journal: JournalWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        half_a_write(patched)
        for i in range(3):
            journal.append(METRICS, points(i, 1))


def test_what_a_full_disk_does_not_take_is_delivered_from_memory(
    journal: JournalWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.append(METRICS, points(0, 1))
    with monkeypatch.context() as patched:
        half_a_write(patched)
        assert all(journal.append(METRICS, points(i, 1)) for i in (1, 2))
        path = journal.folder / segment_name(METRICS, 1)
        assert path.read_bytes().count(b"\n") == 1
        assert path.read_bytes().endswith(b"\n")
        reader = JournalReader(journal.folder, journal)
        assert drain(reader) == [["m0", 0], ["m1", 1], ["m2", 2]]
        assert not journal.spilled
    assert (journal.accepted, journal.dropped) == (3, {})


def test_what_memory_holds_goes_to_the_disk_as_soon_as_it_takes_it(
    journal: JournalWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_three_to_a_full_disk(journal, monkeypatch)
    monkeypatch.setattr(journal.lanes[METRICS], "_disk_rests_until", 0.0)
    journal.append(METRICS, points(3, 1))
    assert not journal.spilled
    assert drain(JournalReader(journal.folder)) == [[f"m{i}", i] for i in range(4)]


def test_what_was_delivered_from_memory_is_not_delivered_from_the_disk_again(
    journal: JournalWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_three_to_a_full_disk(journal, monkeypatch)
    reader = JournalReader(journal.folder, journal)
    under_way = reader.lanes[METRICS].peek(2)
    assert under_way is not None
    monkeypatch.setattr(journal.lanes[METRICS], "_disk_rests_until", 0.0)
    journal.append(METRICS, points(3, 1))
    reader.lanes[METRICS].commit(under_way)
    assert pairs(under_way) + drain_after(reader) == [[f"m{i}", i] for i in range(4)]
    assert reader.lanes[METRICS].waiting is False


def test_what_moves_from_memory_to_the_disk_between_two_looks_is_not_passed_over(
    journal: JournalWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_three_to_a_full_disk(journal, monkeypatch)
    lane = journal.lanes[METRICS]
    reader = JournalReader(journal.folder, journal)
    real = reader.lanes[METRICS]._peek_spill

    def peek_spill(most: int) -> Any:
        monkeypatch.setattr(lane, "_disk_rests_until", 0.0)
        journal.append(METRICS, points(3, 1))
        with monkeypatch.context() as patched:
            half_a_write(patched)
            journal.append(METRICS, points(4, 1))
        monkeypatch.setattr(reader.lanes[METRICS], "_peek_spill", real)
        return real(most)

    monkeypatch.setattr(reader.lanes[METRICS], "_peek_spill", peek_spill)
    assert drain(reader) == [[f"m{i}", i] for i in range(5)]
    assert reader.lanes[METRICS].lost == 0


@pytest.mark.parametrize("delivered_meanwhile", [1, 2])
def test_what_is_delivered_while_memory_is_written_leaves_no_line_with_a_wrong_number(
    journal: JournalWriter, monkeypatch: pytest.MonkeyPatch, delivered_meanwhile: int
) -> None:
    """The reader takes lines from memory between two that the writer puts on the disk."""
    log_three_to_a_full_disk(journal, monkeypatch)
    lane = journal.lanes[METRICS]
    real = lane.spill.forget_before
    meanwhile = [2 + delivered_meanwhile]
    monkeypatch.setattr(lane.spill, "forget_before", lambda number: real(meanwhile.pop() if meanwhile else number))
    monkeypatch.setattr(lane, "_disk_rests_until", 0.0)
    journal.append(METRICS, points(3, 1))
    numbered = {}
    reader = JournalReader(journal.folder).lanes[METRICS]
    while (portion := reader.peek(1)) is not None:
        numbered[portion.first] = pairs(portion)[0][0]
        reader.commit(portion)
    on_disk = [0, *range(1 + delivered_meanwhile, 4)]
    assert numbered == {i + 1: f"m{i}" for i in on_disk}


def test_what_is_only_in_memory_waits(journal: JournalWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = JournalReader(journal.folder, journal)
    half_a_write(monkeypatch)
    journal.append(METRICS, points(0, 1))
    assert reader.lanes[METRICS].waiting is True
    assert drain(reader) == [["m0", 0]]
    assert reader.lanes[METRICS].waiting is False


def test_a_full_folder_still_takes_the_first_segment_of_a_lane(tmp_path: Path) -> None:
    (tmp_path / "others").write_bytes(b"x" * 2000)
    room = Room(tmp_path, 1000)
    journal = JournalWriter(tmp_path, Header(KEY, "http://127.0.0.1:1", "abc"), room=room)
    assert journal.append(METRICS, points(0, 1))


def test_room_that_somebody_made_is_seen_soon(tmp_path: Path) -> None:
    clock = [0.0]
    others = tmp_path / "others"
    others.write_bytes(b"x" * 990)
    room = Room(tmp_path, 1000, lambda: clock[0])
    assert room.take(100) is False
    others.unlink()
    clock[0] += 1
    assert room.take(100) is True
    assert room.take(900) is True
    assert room.take(1) is False


def test_a_damaged_cursor_repeats_rather_than_loses(
    journal: JournalWriter, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(journal.lanes[METRICS], "_segment_bytes", 500)
    for i in range(30):
        journal.append(METRICS, points(i, 1))
    first = JournalReader(journal.folder)
    for _ in range(2):
        portion = first.lanes[METRICS].peek(10)
        assert portion is not None
        first.lanes[METRICS].commit(portion)
    delivered = first.lanes[METRICS].delivered
    first.close()
    (journal.folder / "metrics.cursor").write_bytes(b"\0" * 67)
    again = JournalReader(journal.folder)
    found = drain_after(again)
    assert found[-1] == ["m29", 29]
    assert 30 - delivered <= len(found) < 30
    assert again.lanes[METRICS].lost == 0
    assert "damaged" in caplog.text


def test_a_folder_deleted_between_two_segments_comes_back_too(
    journal: JournalWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal.lanes[METRICS], "_segment_bytes", 1)
    journal.append(METRICS, points(0, 1))
    reader = JournalReader(journal.folder, journal)
    assert drain(reader) == [["m0", 0]]
    shutil.rmtree(journal.folder)
    journal.append(METRICS, points(1, 1))
    assert reader.mend() is True
    monkeypatch.setattr(journal.lanes[METRICS], "_disk_rests_until", 0.0)
    journal.append(METRICS, points(2, 1))
    assert not journal.spilled
    assert drain_after(reader) == [["m1", 1], ["m2", 2]]


def test_beyond_the_memory_bound_values_are_dropped_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(spill.Memory.__init__, "__defaults__", (300,))
    journal = JournalWriter(None, Header(KEY, "http://127.0.0.1:1", "abc"))
    taken = [journal.append(METRICS, points(i, 1)) for i in range(10)]
    kept = sum(taken)
    assert 0 < kept < 10
    assert sum(journal.dropped.values()) == 10 - kept
    assert "memory set aside for that is full" in caplog.text
    reader = JournalReader(None, journal)
    assert drain(reader) == [[f"m{i}", i] for i in range(kept)]
    assert journal.append(METRICS, points(kept, 1))
    assert drain_after(reader) == [[f"m{kept}", kept]]


def test_a_journal_in_memory_keeps_small_files_and_remembers_large_ones(tmp_path: Path) -> None:
    journal = JournalWriter(None, Header(KEY, "http://127.0.0.1:1", "abc"))
    reader = JournalReader(None, journal)
    held = journal.files.keep_bytes(b"small", "id1")
    source = tmp_path / "a.txt"
    source.write_text("of a file")
    remembered = journal.files.keep(source, "id2")
    assert reader.open_kept(held).read() == b"small"
    with reader.open_kept(remembered) as stream:
        assert stream.read() == b"of a file"
    assert reader.outlives_the_process is False
    reader.forget_file(held)
    with pytest.raises(JournalError, match="memory"):
        reader.open_kept(held)
    with pytest.raises(OSError, match="neither"):
        journal.files.keep_bytes(b"x" * (spill.MEMORY_BYTES + 1), "id3")


def test_at_the_size_cap_files_are_refused_first_then_new_values_and_what_waits_stays(tmp_path: Path) -> None:
    clock = [0.0]
    room = Room(tmp_path, 100_000, lambda: clock[0])
    journal = JournalWriter(tmp_path, Header(KEY, "http://127.0.0.1:1", "abc"), room=room)
    with pytest.raises(JournalFullError, match="journal_max_bytes"):
        journal.files.keep_bytes(b"x" * 91_000, "id1")
    taken = 0
    while journal.append(METRICS, points(taken, 1)):
        taken += 1
        assert taken < 10_000, "the cap holds nothing back"
    used = size_below(tmp_path)
    assert 80_000 < used <= 110_000
    with pytest.raises(JournalFullError):
        journal.files.keep_bytes(b"x" * 10_000, "id2")
    assert journal.append(METRICS, points(0, 1)) is False
    assert journal.dropped == {FULL: 2}
    reader = JournalReader(journal.folder, journal)
    assert drain(reader) == [[f"m{i}", i] for i in range(taken)]
    clock[0] += 10
    assert journal.append(METRICS, points(taken, 1)), "delivered segments give their space back"
    assert drain_after(reader) == [[f"m{taken}", taken]]


def test_a_folder_deleted_under_the_writer_comes_back_with_the_open_segments(journal: JournalWriter) -> None:
    journal.append(METRICS, points(0, 3))
    reader = JournalReader(journal.folder, journal)
    portion = reader.lanes[METRICS].peek(1000)
    assert portion is not None
    reader.lanes[METRICS].commit(portion)
    reader.mark("opened")
    journal.append(METRICS, points(3, 2))
    shutil.rmtree(journal.folder)
    journal.append(METRICS, points(5, 1))
    assert reader.mend() is True
    assert reader.mend() is False
    journal.append(METRICS, points(6, 1))
    assert drain_after(reader) == [[f"m{i}", i] for i in range(3, 7)]
    assert reader.lanes[METRICS].lost == 0
    assert reader.marked("opened")
    reader.close()
    journal.close()
    assert JournalReader(journal.folder).marked("opened")


def test_segments_deleted_before_they_were_delivered_are_counted_exactly(
    journal: JournalWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal.lanes[METRICS], "_segment_bytes", 500)
    for i in range(30):
        journal.append(METRICS, points(i, 1))
    reader = JournalReader(journal.folder, journal)
    shutil.rmtree(journal.folder)
    reader.mend()
    found = drain_after(reader)
    assert found[-1] == ["m29", 29]
    assert reader.lanes[METRICS].lost == 30 - len(found) > 0


def test_after_the_end_nothing_is_taken(journal: JournalWriter) -> None:
    journal.append(METRICS, points(0, 1))
    journal.end(End(1, 1, "why"))
    journal.close()
    assert journal.append(METRICS, points(1, 1)) is False
    reader = JournalReader(journal.folder)
    assert reader.end() == End(1, 1, "why")
    assert drain(reader) == [["m0", 0]]
    assert journal.dropped == {"the experiment has ended": 1}


def test_only_one_reader_owns_the_cursors(journal: JournalWriter) -> None:
    first = JournalReader(journal.folder)
    with pytest.raises(JournalError, match="another"):
        JournalReader(journal.folder)
    first.close()
    JournalReader(journal.folder).close()


def test_another_format_is_refused_with_the_way_out(journal: JournalWriter) -> None:
    header = journal.folder / "header.json"
    header.write_text(header.read_text().replace('"format_version": 2', '"format_version": 3'))
    with pytest.raises(JournalError, match="client_version"):
        JournalReader(journal.folder)


def test_set_aside_records_keep_their_content_and_reason(journal: JournalWriter) -> None:
    journal.append(METRICS, points(0, 1))
    reader = JournalReader(journal.folder)
    portion = reader.lanes[METRICS].peek(1)
    assert portion is not None
    reader.lanes[METRICS].set_aside(portion, "status 400")
    assert reader.lanes[METRICS].peek(1) is None
    assert reader.lanes[METRICS].refused == {"status 400": 1}
    text = (journal.folder / "metrics.refused.jsonl").read_text()
    assert "status 400" in text
    assert '"m0"' in text


def read(reader: JournalReader, entry: dict[str, Any]) -> bytes:
    with reader.open_kept(entry) as stream:
        return stream.read()


def test_a_kept_file_has_the_bytes_of_the_call(journal: JournalWriter, tmp_path: Path) -> None:
    source = tmp_path / "a.txt"
    source.write_text("then")
    content = journal.files.keep(source, "id1")
    source.write_text("later")
    reader = JournalReader(journal.folder)
    assert read(reader, content) == b"then"
    reader.forget_file(content)
    with pytest.raises(JournalError, match="gone"):
        reader.open_kept(content)


def test_a_file_too_large_to_copy_is_refused_when_it_changed(
    journal: JournalWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "COPY_LIMIT_BYTES", 3)
    monkeypatch.setattr(files, "_shared", lambda *_: False)
    source = tmp_path / "a.txt"
    source.write_text("then")
    content = journal.files.keep(source, "id1")
    reader = JournalReader(journal.folder)
    assert read(reader, content) == b"then"
    assert size_below(journal.folder / "files") == 0
    source.write_text("changed")
    with pytest.raises(JournalError, match="changed"):
        reader.open_kept(content)


def test_folders_and_files_are_for_the_owner_alone(journal: JournalWriter) -> None:
    journal.append(METRICS, points(0, 1))
    journal.files.keep_bytes(b"x", "id1")
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
            monkeypatch.setattr(journal.lanes[METRICS], "_segment_bytes", 1)
            journal.append(METRICS, points(2, 1))
        return found

    monkeypatch.setattr(lane, "_peek_segment", peek_segment)
    # What comes after the first look may be left for the next.
    assert drain_lane(lane) + drain_lane(lane) == [1, 2]


def drain_lane(lane: Any) -> list[int]:
    found = []
    while (portion := lane.peek(10)) is not None:
        found += [value for _, value in pairs(portion)]
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
    (journal.folder / "metrics.cursor").mkdir()
    assert drain(reader) == [["m0", 0]]


def test_waiting_says_what_peek_would(journal: JournalWriter) -> None:
    reader = JournalReader(journal.folder)
    lane = reader.lanes[METRICS]
    assert lane.waiting is False
    journal.append(METRICS, points(0, 1))
    assert lane.waiting is True
    drain_after(reader)
    assert lane.waiting is False
    with (journal.folder / segment_name(METRICS, 1)).open("ab") as stream:
        stream.write(b'{"metr')
    assert lane.peek(1) is None
    assert lane.waiting is False


def test_lines_of_a_write_that_the_disk_took_only_in_part_are_read_once(
    journal: JournalWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reader sees the first lines of ten before the writer takes them back and holds all ten in memory."""
    journal.append(METRICS, points(0, 1))
    reader = JournalReader(journal.folder, journal)
    found = drain(reader)
    real = os.ftruncate

    def read_first(descriptor: int, size: int) -> None:
        found.extend(drain_after(reader))
        real(descriptor, size)

    with monkeypatch.context() as patched:
        half_a_write(patched)
        patched.setattr(os, "ftruncate", read_first)
        journal.append(METRICS, points(1, 10))
    assert 1 < len(found) < 11
    monkeypatch.setattr(journal.lanes[METRICS], "_disk_rests_until", 0.0)
    journal.append(METRICS, points(11, 1))
    assert found + drain_after(reader) == [[f"m{i}", i] for i in range(12)]
    assert reader.lanes[METRICS].lost == 0


def test_a_folder_that_is_a_file_by_now_raises_nothing(journal: JournalWriter) -> None:
    journal.append(METRICS, points(0, 1))
    reader = JournalReader(journal.folder, journal)
    shutil.rmtree(journal.folder)
    journal.folder.write_text("somebody else's")
    assert reader.lanes[METRICS].waiting in (True, False)
    assert reader.lanes[METRICS].peek(10) is None


def test_a_folder_that_could_not_be_made_anew_at_once_is_made_later(
    journal: JournalWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.append(METRICS, points(0, 2))
    reader = JournalReader(journal.folder, journal)
    shutil.rmtree(journal.folder)
    with monkeypatch.context() as patched:
        half_a_write(patched)
        for _ in range(2):
            with pytest.raises(OSError, match="whole"):
                reader.mend()
        assert drain_after(reader) == [["m0", 0], ["m1", 1]]
    journal.append(METRICS, points(2, 1))
    assert reader.mend() is True
    with pytest.raises(JournalError, match="another process"):
        JournalReader(journal.folder)
    journal.append(METRICS, points(3, 1))
    assert drain_after(reader) == [["m2", 2], ["m3", 3]]
    assert not journal.spilled
    assert reader.lanes[METRICS].lost == 0


def test_what_memory_has_no_room_for_stays_in_the_deleted_segment(journal: JournalWriter) -> None:
    journal.append(METRICS, points(0, 2))
    reader = JournalReader(journal.folder, journal)
    shutil.rmtree(journal.folder)
    journal.folder.write_text("somebody else's")
    journal.lanes[METRICS].spill._memory.left = 3
    with pytest.raises(OSError):  # noqa: PT011
        reader.mend()
    journal.folder.unlink()
    assert reader.mend() is True
    assert drain_after(reader) == [["m0", 0], ["m1", 1]]


def test_a_journal_that_cannot_be_made_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    header = Header(KEY, "http://127.0.0.1:1", "abc")
    before = len(os.listdir("/dev/fd"))
    with monkeypatch.context() as patched:
        half_a_write(patched)
        with pytest.raises(JournalError, match="cannot be made"):
            JournalWriter(tmp_path, header)
    assert list(tmp_path.iterdir()) == []
    assert len(os.listdir("/dev/fd")) == before
