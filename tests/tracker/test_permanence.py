"""Which journals are taken for lasting longer than the step that wrote them."""

from __future__ import annotations

from pathlib import Path

import pytest

from zenml_comet_tracker.comet.journal import place as places
from zenml_comet_tracker.comet.journal.place import Place
from zenml_comet_tracker.tracker import permanence


@pytest.mark.parametrize(
    ("contained", "volume", "wanted", "lasting"),
    [
        (False, False, None, True),
        (True, False, None, False),
        (True, True, None, True),
        (True, False, True, True),
        (False, False, False, False),
    ],
)
def test_a_container_is_forgotten_and_its_volumes_are_not_unless_the_user_says_otherwise(
    contained: bool,
    volume: bool,
    wanted: bool | None,
    lasting: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(permanence, "in_container", lambda: contained)
    monkeypatch.setattr(permanence, "on_volume", lambda folder: volume and folder == tmp_path)
    assert permanence.find_journal(str(tmp_path), wanted) == Place(tmp_path, lasting)


def test_where_zenml_took_the_step_away_only_a_volume_lasts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permanence, "in_container", lambda: False)
    for volume in (False, True):
        monkeypatch.setattr(permanence, "on_volume", lambda _, volume=volume: volume)
        assert permanence.find_journal(str(tmp_path), None, elsewhere=True).persistent is volume
    assert permanence.find_journal(str(tmp_path), True, elsewhere=True).persistent


def test_temporary_folders_and_memory_do_not_last(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for place in (Place(tmp_path, False), Place(None, False)):
        monkeypatch.setattr(permanence, "find_place", lambda configured, place=place: place)
        assert permanence.find_journal(None, None).persistent is False
    assert permanence.find_journal(None, True) == Place(None, False)
    assert places.find_place(tmp_path).persistent


def test_containers_are_known_by_their_marks(tmp_path: Path) -> None:
    (tmp_path / "mark").touch()
    assert permanence.in_container((tmp_path / "mark",), {})
    assert permanence.in_container((), {"KUBERNETES_SERVICE_HOST": "10.0.0.1"})
    assert not permanence.in_container((tmp_path / "none",), {"PATH": "/bin"})


def test_another_file_system_than_that_of_the_root_is_a_volume() -> None:
    assert permanence.on_volume(Path("/proc"))
    assert not permanence.on_volume(Path("/"))
