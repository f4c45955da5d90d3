"""Texts that spell numbers."""

from __future__ import annotations


def as_number(text: str) -> float | None:
    """The number a text spells, to sort and compare by; None for NaN and for what is no number."""
    try:
        number = float(text)
    except ValueError:
        return None
    return None if number != number else number
