"""Search worked out the long way: each rule, as it is on the wire, against what each experiment logged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

NOW = 1_790_000_000_000
MOMENTS = ("start_server_timestamp", "end_server_timestamp", "last_message_time")
FLAGS = ("runActive", "hasImages", "hasHtml", "hasNotes")


@dataclass(frozen=True)
class Logged:
    """One experiment: what was logged, as Python has it."""

    key: str
    start: int = NOW - 60_000
    ended: int | None = None
    silent: int = 0
    running: bool = False
    crashed: bool = False
    metrics: Mapping[str, Sequence[float]] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    others: Mapping[str, str] = field(default_factory=dict)
    tags: Sequence[str] = ()
    system: Mapping[str, str] = field(default_factory=dict)
    packages: Sequence[str] | None = None
    user: str = ""
    path: str | None = None
    commit: str | None = None
    html: bool = False
    image: bool = False


def holds(group: Mapping[str, Any], one: Logged, source: str | None = None) -> bool:
    """Whether a group of rules lets the experiment through."""
    source = group.get("source", source)
    answers = [
        holds(rule, one, source) if "rules" in rule else _rule(rule, one, rule.get("source", source))
        for rule in group["rules"]
    ]
    if not answers:
        return True
    return all(answers) if group.get("condition", "AND") == "AND" else any(answers)


def all_hold(predicates: Sequence[Mapping[str, Any]], one: Logged) -> bool:
    """Whether a list of predicates does."""
    return all(holds(predicate["query"], one, _own(predicate["source"])) for predicate in predicates)


def _own(source: str) -> str | None:
    return None if source == "nested" else source


def _rule(rule: Mapping[str, Any], one: Logged, source: str | None) -> bool:
    name, operator, value, kind = rule["field"], rule["operator"], rule["value"], rule["type"]
    if source == "metrics":
        last = one.metrics[name][-1] if name in one.metrics else None
        return _decide(operator, last, value, _double)
    if source == "metadata":
        found = metadata(one)[name]
        if name in FLAGS:
            return _decide(operator, found, value, lambda given: str(given).lower() in ("1", "true", "1.0"))
        if name in MOMENTS:
            return _decide(operator, found, value, _moment)
        if name == "duration":
            return _decide(operator, found, value, _double)
        return _decide(operator, found, value, _text)
    texts = {
        "params": one.params,
        "log_other": one.others,
        "env_details": one.system,
        "tag": {tag: tag for tag in one.tags},
    }[str(source)]
    return _logged_text(operator, texts.get(name), value, kind, a_tag=source == "tag")


def metadata(one: Logged) -> dict[str, Any]:
    """The built-in fields: moments in microseconds, durations in seconds."""
    if one.running:
        ended = max(one.start, NOW - one.silent) if one.silent > 30_000 else NOW
    else:
        ended = one.start if one.ended is None else one.ended
    return {
        "runId": one.key,
        "experimentKey": one.key,
        "user_name": one.user,
        "file_path": one.path,
        "file_name": None if one.path is None else one.path.split("/")[-1],
        "start_server_timestamp": one.start * 1_000,
        "end_server_timestamp": ended * 1_000,
        "duration": max(0, ended - one.start) / 1_000,
        "runActive": one.running and one.silent <= 30_000,
        "hasImages": one.image,
        "hasHtml": one.html,
        "hasNotes": False,
        "codeSHA": one.commit,
        "optimizationId": None,
        "installed_packages": None
        if one.packages is None
        else "[" + ",".join(f'"{name}"' for name in one.packages) + "]",
    }


def _logged_text(operator: str, text: str | None, value: Any, kind: str, *, a_tag: bool) -> bool:
    """A text compares as a number when what it is compared with is one, and else by its letters."""
    if operator in ("in", "not_in"):
        found = any(_logged_text("equal", text, each, kind, a_tag=a_tag) for each in value)
        return found is (operator == "in")
    values = value if isinstance(value, list) else [value]
    numbers = [_meant_as_number(each, kind) for each in values]
    if operator in ("is_null", "is_not_null") and text == "null" and not a_tag:
        return operator == "is_null"
    by_letter = a_tag or any(part in operator for part in ("contains", "begins", "ends", "null", "empty"))
    if by_letter or any(number is None for number in numbers):
        return _decide(operator, text, value, _text)
    word = {"true": 1.0, "false": 0.0}.get((text or "").lower())
    if operator in ("equal", "not_equal") and word is not None and word == numbers[0]:
        return operator == "equal"
    number = _spelled(text)
    if number is None and operator.startswith("not_"):
        return True
    return _decide(operator, number, value, _double)


def _meant_as_number(value: Any, kind: str) -> float | None:
    if isinstance(value, str):
        return None if kind == "string" else _spelled(value)
    return None if value is None else float(value)


def _spelled(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return None if number != number else number


def _decide(operator: str, found: Any, value: Any, read: Any) -> bool:
    """`found` is None when there is nothing of this name."""
    if operator.startswith("not_"):
        return not _decide(operator.removeprefix("not_"), found, value, read)
    if operator == "is_null":
        return found is None
    if operator == "is_not_null":
        return found is not None
    if operator == "is_empty":
        return found == ""
    if operator == "is_not_empty":
        return found is not None and found != ""
    if found is None:
        return False
    if operator == "in":
        return any(_decide("equal", found, each, read) for each in value)
    if operator == "between":
        return bool(read(value[0]) <= found <= read(value[1]))
    given = read(value)
    if operator == "equal":
        return bool(found == given or (found != found and given != given))
    decide = {
        "less": lambda: found < given,
        "less_or_equal": lambda: found <= given,
        "greater": lambda: found > given,
        "greater_or_equal": lambda: found >= given,
        "contains": lambda: given in found,
        "begins_with": lambda: found.startswith(given),
        "ends_with": lambda: found.endswith(given),
    }[operator]
    return bool(decide())


def _double(value: Any) -> float:
    return float(value)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _moment(value: str) -> int:
    moment = datetime.strptime(value, "%Y-%m-%d %H:%M:%S.%f" if "." in value else "%Y-%m-%d %H:%M:%S")
    whole = moment.replace(microsecond=0, tzinfo=timezone.utc)
    return round(whole.timestamp()) * 1_000_000 + moment.microsecond
