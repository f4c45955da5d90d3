"""What users have -> what Comet is sent, taken apart by other hands."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from zenml_comet_tracker.comet.errors import InvalidValueError
from zenml_comet_tracker.comet.media.curves import curve_bytes
from zenml_comet_tracker.comet.media.files import file_contents, files_below
from zenml_comet_tracker.comet.media.histograms import Bins, histogram_bytes
from zenml_comet_tracker.comet.media.matrices import Examples, confusion_matrix_bytes
from zenml_comet_tracker.comet.media.pictures import Look, image_bytes
from zenml_comet_tracker.comet.media.sounds import wav_bytes
from zenml_comet_tracker.comet.media.tables import profile_bytes, table_file

NUMBERS = st.floats(min_value=1e-11, max_value=1e19) | st.floats(min_value=-1e19, max_value=-1e-11)
NAMES = {"title": "t", "row_label": "r", "column_label": "c"}


def _edge(index: int) -> float:
    """The far edge of a bin, by the meaning of a histogram: each edge is 1.1 times the one before."""
    return 1e-12 * 1.1 ** (index - 775) if index >= 775 else -1e-12 * 1.1 ** (774 - index)


@given(NUMBERS)
def test_a_number_lies_between_the_edges_of_its_bin(number: float) -> None:
    index = Bins().index_of(number)
    assert index is not None
    near, far = (abs(_edge(i)) for i in ((index - 1, index) if number > 0 else (index + 1, index)))
    assert near * (1 - 1e-9) <= abs(number) <= far * (1 + 1e-9)


@given(st.lists(st.floats(width=32) | st.integers(-(10**6), 10**6), max_size=30))
def test_arrays_and_lists_have_the_same_histogram(numbers: list[float]) -> None:
    finite = [number for number in numbers if math.isfinite(number) and abs(number) < 1e20]
    of_list = json.loads(histogram_bytes(numbers, Bins()))
    assert json.loads(histogram_bytes(np.array(numbers, dtype="float64"), Bins())) == of_list
    assert json.loads(histogram_bytes([[numbers]], Bins())) == of_list
    assert sum(count for _, count in of_list["index_values"]) == len(finite)


def test_a_large_histogram_takes_no_time_that_matters() -> None:
    values = np.random.default_rng(1).normal(size=(1000, 300)).astype("float32")
    assert sum(count for _, count in json.loads(histogram_bytes(values, Bins()))["index_values"]) == 300_000


@pytest.mark.parametrize(
    ("samples", "normalize", "width", "channels", "expected"),
    [
        (np.array([0, 100, -200], dtype="int16"), "OFF", 2, 1, [0, 100, -200]),
        ([0.0, 0.25, -0.5], "PCM_16_BIT", 2, 1, [0, 16383, -32767]),
        (np.array([[0, 1], [2, -4]]), "OFF", 4, 2, [0, 1, 2, -4]),
        (np.zeros(2), "PCM_16_BIT", 2, 1, [0, 0]),
    ],
)
def test_samples_are_a_wav_file(samples: Any, normalize: str, width: int, channels: int, expected: list[int]) -> None:
    with wave.open(io.BytesIO(wav_bytes(samples, 8000, normalize))) as found:
        assert (found.getsampwidth(), found.getnchannels(), found.getframerate()) == (width, channels, 8000)
        assert np.frombuffer(found.readframes(99), dtype=f"<i{width}").tolist() == expected


def test_floats_can_be_kept_as_floats() -> None:
    data = wav_bytes([0.0, 0.25], 8000, "OFF")
    assert (data[20:22], np.frombuffer(data[-8:], dtype="<f4").tolist()) == (b"\x03\x00", [0.0, 0.25])


@pytest.mark.parametrize(
    ("rows", "headers", "expected"),
    [
        ([[1, 'a "quoted", text'], [None, "ü"]], ["x", "y"], [["x", "y"], ["1", 'a "quoted", text'], ["", "ü"]]),
        ([{"a": 1, "b": 2}, {"a": 3, "c": 4}], True, [["a", "b", "c"], ["1", "2", ""], ["3", "", "4"]]),
        (np.array([[1, 2]]), True, [["column1", "column2"], ["1", "2"]]),
        ([1, 2], False, [["1"], ["2"]]),
        ([], True, [[]]),
    ],
)
def test_rows_are_a_csv_file(rows: Any, headers: Any, expected: list[list[str]]) -> None:
    found = table_file("t.csv", rows, headers)
    assert isinstance(found.data, bytes)
    assert list(csv.reader(io.StringIO(found.data.decode(), newline=""))) == expected
    assert (found.name, found.type) == ("t.csv", None)


def test_data_frames_are_read_back_by_pandas() -> None:
    frame = pd.DataFrame({"x": [1, 2], "y": ["a", None]})
    for name, read in (("f.csv", pd.read_csv), ("f.tsv", lambda s: pd.read_csv(s, sep="\t"))):
        data = table_file(name, frame, index=False).data
        assert isinstance(data, bytes)
        pd.testing.assert_frame_equal(read(io.BytesIO(data)), frame)
    data = table_file("f.json", frame, orient="records").data
    assert json.loads(data) == [{"x": 1, "y": "a"}, {"x": 2, "y": None}]


def test_a_profile_says_what_is_missing_and_escapes_what_users_name() -> None:
    frame = pd.DataFrame({"<script>": [1.0, None, None]})
    page = profile_bytes(frame).decode()
    assert "<script>" not in page
    assert "3 rows, 1 columns" in page
    assert "<td>2</td>" in page
    assert "mean" not in profile_bytes(frame, minimal=True).decode()


def test_looks_of_an_image() -> None:
    def opened(data: bytes) -> Image.Image:
        return Image.open(io.BytesIO(data))

    ramp = np.array([[0.0, 5.0, 10.0]])
    stretched = opened(image_bytes(ramp, look=Look(minmax=(0, 10))))
    assert [stretched.getpixel((x, 0)) for x in range(3)] == [0, 128, 255]
    coloured = opened(image_bytes(ramp, look=Look(minmax=(0, 10), colormap="viridis")))
    assert (coloured.mode, coloured.getpixel((0, 0))) == ("RGB", (68, 1, 84))
    assert opened(image_bytes(np.zeros((4, 6)), look=Look(scale=0.5))).size == (3, 2)
    assert opened(image_bytes(np.zeros((3, 4, 6)), look=Look(channels="first"))).size == (6, 4)


def test_a_curve_keeps_what_is_not_finite() -> None:
    assert json.loads(curve_bytes("c", [1, 2], [math.nan, -math.inf]))["y"] == ["NaN", "-Infinity"]


def test_examples_and_winners_of_a_confusion_matrix() -> None:
    data = confusion_matrix_bytes(
        [[0.1, 0.9], [0.8, 0.2]],
        [0, 0],
        **NAMES,
        winner_function=lambda scores: 1 if scores[1] > 0.5 else 0,
        examples=Examples(1, lambda index: {"sample": f"s{index}", "assetId": "a"} if index else "text"),
    )
    found = json.loads(data)
    assert found["matrix"] == [[1, 0], [1, 0]]
    assert found["sampleMatrix"][1][0] == [{"index": 0, "sample": "text", "assetId": None}]
    assert (found["sampleMatrix"][0][0][0]["assetId"], found["type"]) == ("a", "image")


def test_the_first_samples_of_a_cell_are_kept() -> None:
    found = json.loads(confusion_matrix_bytes([0] * 5, [0] * 5, **NAMES, examples=Examples(2)))
    assert (found["sampleMatrix"], found["type"]) == ([[[0, 1]]], "integer")


@pytest.mark.parametrize("ending", ["txt", ""])
def test_a_data_frame_in_no_format_says_which_there_are(ending: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidValueError, match="csv, tsv, json, md, html"):
        table_file(f"frame.{ending}", pd.DataFrame({"x": [1]}))


def test_folders_that_are_not_wanted_are_not_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("b.txt", "inner/c.txt", ".hidden/deep/d.txt", "a.txt"):
        (tmp_path / "top" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "top" / name).write_text("x")
    looked_into: list[str] = []
    scan = os.scandir

    def watched(path: Any) -> Any:
        looked_into.append(Path(path).name)
        return scan(path)

    monkeypatch.setattr(os, "scandir", watched)
    found = files_below(tmp_path / "top", lambda name: name != ".hidden")
    assert [name for _, name in found] == ["top/a.txt", "top/b.txt", "top/inner/c.txt"]
    assert sorted(looked_into) == ["inner", "top"]
    assert len(files_below(tmp_path / "top")) == 4
    assert [name for _, name in files_below(tmp_path / "top", lambda _: False)] == ["top/a.txt", "top/b.txt"]


def test_what_utf8_cannot_carry_is_replaced() -> None:
    assert table_file("t.csv", [["a\ud800"]]).data == b"a?\r\n"
    assert table_file("t.csv", pd.DataFrame({"c": ["a\ud800"]}), index=False).data == b"c\na?\n"
    assert file_contents(io.StringIO("a\ud800"), "x") == (b"a?", "x")
    labels = dict.fromkeys(("title", "row_label", "column_label"), "a\ud800")
    assert b'"title":"a?"' in confusion_matrix_bytes([0], [0], **labels)


def test_integers_of_a_curve_beyond_64_bits_are_floats() -> None:
    found = json.loads(curve_bytes("c", [2**70], [2**63]))
    assert (found["x"], found["y"]) == ([2.0**70], [2**63])
