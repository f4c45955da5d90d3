"""Names, versions and logical paths: what is taken, and what is refused with a word of advice."""

from __future__ import annotations

import pytest

from zenml_comet_tracker.comet.artifacts import names
from zenml_comet_tracker.comet.artifacts.names import FullName
from zenml_comet_tracker.comet.errors import InvalidValueError


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("images",), FullName("images")),
        (("team/images",), FullName("images", "team")),
        (("images:1.0.0",), FullName("images", None, "1.0.0")),
        (("team/images:newest",), FullName("images", "team", "newest")),
        (("images", "team", "1.0.0"), FullName("images", "team", "1.0.0")),
        (("team/images:1.0.0", "team", "1.0.0"), FullName("images", "team", "1.0.0")),
    ],
)
def test_full_names(arguments: tuple[str, ...], expected: FullName) -> None:
    assert names.full_name(*arguments) == expected


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("team/images", "other"), "give one of them"),
        (("images:1.0.0", None, "newest"), "give one of them"),
        (("a/b/c",), "'workspace/name:version_or_alias'"),
        (("images:",), "'name:version_or_alias'"),
        (("/images",), "'workspace/name'"),
        (("team/",), "'workspace/name'"),
        ((":1.0.0",), "'name:version_or_alias'"),
        (("",), "not empty"),
        ((None,), "not empty"),
    ],
)
def test_full_names_that_say_nothing_or_two_things(arguments: tuple[str, ...], said: str) -> None:
    with pytest.raises(InvalidValueError, match=said):
        names.full_name(*arguments)


@pytest.mark.parametrize("version", ["1", "1.2", "v1.0.0", "1.0.0 ", "01.0.0", "latest", "", "1" * 200 + ".0.0"])
def test_versions_are_semantic(version: str) -> None:
    with pytest.raises(InvalidValueError, match=r"for example '1\.0\.0'"):
        names.checked_version(version)


def test_versions_compare_as_semantic_ones() -> None:
    assert names.parse_version("1.10.0") > names.parse_version("1.9.0") > names.parse_version("1.9.0-rc.1")


@pytest.mark.parametrize(
    "path",
    [
        "../up",
        "a/../../up",
        "/etc/passwd",
        "C:/x",
        "c:\\x",
        "\\\\host\\x",
        "..\\up",
        " /x",
        "a/.. /x",
        "",
        " ",
        ".",
        "a\0b",
        "\ud800",
    ],
)
def test_logical_paths_stay_in_their_folder(path: str) -> None:
    with pytest.raises(InvalidValueError):
        names.checked_path(path)


@pytest.mark.parametrize("name", ["", "team/images", "images:1", "x" * 101, None, 7])
def test_names_that_a_full_name_could_not_hold(name: object) -> None:
    with pytest.raises(InvalidValueError):
        names.checked_name(name)
