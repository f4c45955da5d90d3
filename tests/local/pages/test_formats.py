"""Values in words, and the colours of experiments."""

from __future__ import annotations

import math

import pytest

from zenml_comet_tracker.local.pages import colors, formats


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1, "0.1"),
        (3.0, "3"),
        (-0.5, "-0.5"),
        (0.123456, "0.12346"),
        (123456.789, "123,457"),
        (1234567.8, "1.2346e6"),
        (6.85e-7, "6.85e-7"),
        (12, "12"),
        (1_234_567, "1,234,567"),
        (math.nan, "NaN"),
        (math.inf, "∞"),
        (-math.inf, "-∞"),
        (None, formats.ABSENT),
    ],
)
def test_numbers_are_short_and_keep_their_digits(value: float | None, text: str) -> None:
    assert formats.number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (59.4, "59 s"), (185, "3 m 05 s"), (7620, "2 h 07 m"), (356_400, "4 d 03 h")],
)
def test_durations_have_two_units(seconds: float, text: str) -> None:
    assert formats.duration(seconds) == text


@pytest.mark.parametrize(
    ("ago", "text"),
    [(5, "just now"), (60, "1 minute ago"), (7_300, "2 hours ago"), (90_000, "1 day ago"), (63_500_000, "2 years ago")],
)
def test_moments_are_told_from_now(ago: int, text: str) -> None:
    now = 1_790_000_000_000
    assert formats.relative(now - ago * 1_000, now) == text


def test_a_cut_text_keeps_both_ends() -> None:
    cut = formats.middle("digits_training-2026_11_20-09_03_09_load", 20)
    assert (len(cut), cut[:6], cut[-5:]) == (20, "digits", "_load")
    assert formats.middle("short", 20) == "short"


@pytest.mark.parametrize("millis", [-5, 0, 10**18])
def test_a_senseless_time_is_still_told(millis: int) -> None:
    assert formats.absolute(millis).endswith("UTC")


def _luminance(color: str) -> float:
    channels = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4 for channel in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """The contrast of two colours as WCAG defines it, 1 to 21."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_every_line_can_be_seen_on_light_and_dark() -> None:
    weakest = {color: min(contrast(color, "#ffffff"), contrast(color, "#18191c")) for color in colors.PALETTE}
    assert {color: ratio for color, ratio in weakest.items() if ratio < 3} == {}
    assert len(set(colors.PALETTE)) == 20


def test_a_colour_belongs_to_the_key() -> None:
    keys = [f"{number:032x}" for number in range(400)]
    assert [colors.of(key) for key in keys] == [colors.of(key) for key in keys]
    assert {colors.of(key) for key in keys} == set(colors.PALETTE)
