"""The table of what five documents describe, and what this package has for each call."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
TABLE = Path(__file__).with_name("documents.yaml")
PACKAGE = "zenml_comet_tracker"

# What R writes, in Python.
_FROM_R = {r"\bTRUE\b": "True", r"\bFALSE\b": "False", r"\bNULL\b": "None", r"\blist\(\)": "[]", r"\bc\(": "_first("}
# As sentences name them: GET `one`, POST `one`, `another` or clientlib `third`.
_PATH = r"`[a-zA-Z][\w/.{}-]*`"
_ENDPOINTS = re.compile(rf"\b(GET|POST|PUT) ((?:(?:clientlib )?{_PATH}(?:, or | or |, | and )?)+)")
_ENDPOINT = re.compile(r"(clientlib )?`([^`]+)`")
NOTHING = inspect.Parameter.empty


@dataclass(frozen=True)
class Call:
    """A function, method or property of a document, its home here and the test that reads its effect back."""

    document: str
    written: str
    home: str
    takes: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    test: str | None = None
    endpoint: tuple[str, ...] = ()
    note: str | None = None
    idle: bool = False

    @property
    def name(self) -> str:
        """The name of the function or method itself."""
        return self.home.rpartition(".")[2]

    @cached_property
    def owner(self) -> Any:
        """The module or class that has it."""
        names = self.home.split(".")[:-1]
        found: Any = importlib.import_module(names[0])
        for position, name in enumerate(names[1:], 2):
            found = getattr(found, name, None) or importlib.import_module(".".join(names[:position]))
        return found

    @property
    def found(self) -> Any:
        """What is there under its name; None where nothing is."""
        return getattr(self.owner, self.name, None)

    @property
    def documented(self) -> list[tuple[str, Any]] | None:
        """Its arguments and their defaults as the document writes them; None where it writes no signature."""
        if self.takes or "(" not in self.written or self.written.endswith("(...)"):
            return None
        arguments = self.written.partition("(")[2].removesuffix(")")
        for pattern, python in _FROM_R.items():
            arguments = re.sub(pattern, python, arguments)
        (function,) = (node for node in ast.walk(ast.parse(f"lambda {arguments}: 0")) if isinstance(node, ast.Lambda))
        names = [argument.arg for argument in function.args.args]
        defaults = [_value(node) for node in function.args.defaults]
        return list(zip(names, [NOTHING] * (len(names) - len(defaults)) + defaults, strict=True))

    @property
    def arguments(self) -> list[inspect.Parameter]:
        """The arguments that it has here, without `self`."""
        parameters = list(inspect.signature(self.found).parameters.values())
        is_method = inspect.isclass(self.owner) and not isinstance(
            inspect.getattr_static(self.owner, self.name), (classmethod, staticmethod)
        )
        return parameters[1:] if is_method else parameters

    @property
    def endpoints(self) -> list[str]:
        """The endpoints that it asks: those of the table, else those that its description names."""
        if self.endpoint:
            return [endpoint for endpoint in self.endpoint if endpoint != "none"]
        described = inspect.getdoc(self.found) or ""
        return list(
            dict.fromkeys(
                f"{several[1]} {room and 'clientlib/'}{path}"
                for several in _ENDPOINTS.finditer(" ".join(described.split()))
                for room, path in _ENDPOINT.findall(several[2])
            )
        )


def _value(node: ast.expr) -> Any:
    """A default; of R's list of choices the first, as R takes it."""
    if isinstance(node, ast.Call):
        return ast.literal_eval(node.args[0])
    return ast.literal_eval(node)


def _texts(given: str | list[str] | None) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given or ())


def read() -> list[Call]:
    """The whole table."""
    calls = []
    for document in yaml.safe_load(TABLE.read_text("utf-8"))["documents"]:
        homes = {"": document["home"], **document.get("classes", {})}
        for row in document["calls"]:
            owner, _, name = row["call"].partition("(")[0].rpartition(".")
            calls.append(
                Call(
                    document["title"],
                    row["call"],
                    row.get("home") or f"{homes.get(owner) or f'{PACKAGE}.{owner}'}.{name}",
                    _texts(row.get("takes")),
                    _texts(row.get("optional")),
                    row.get("test"),
                    _texts(row.get("endpoint")),
                    row.get("note"),
                    row.get("idle", False),
                )
            )
    return calls
