"""What a test's source uses: its own, and that of the helpers and fixtures that it calls."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from tests.coverage.table import ROOT

# Whoever names one of these asks somebody other than this client.
_READERS = {"LocalServer", "comet_ml", "sqlite3", "Store"}
_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign


@dataclass
class Source:
    """Names that a test uses, whether it asserts anything, and whom it asks."""

    names: set[str] = field(default_factory=set)
    asserts: bool = False

    @property
    def readers(self) -> set[str]:
        """Whom it asks besides this client."""
        return self.names & _READERS


@cache
def of(test: str) -> Source | None:
    """The source of a test by its id, with or without a parameter's; None when there is none."""
    test, _, parameters = test.partition("[")
    path, *names = test.split("::")
    module = _module(ROOT / path)
    found: _Definition | None = module.get(names[0]) if module and names else None
    for name in names[1:]:
        body = found.body if isinstance(found, ast.ClassDef) else []
        found = next((n for n in body if isinstance(n, ast.FunctionDef) and n.name == name), None)
    if not isinstance(found, ast.FunctionDef) or not found.name.startswith("test_"):
        return None
    source = Source(set(re.findall(r"\w+", parameters)))
    _gather(ROOT / path, found, source, set())
    return source


def _gather(path: Path, definition: _Definition, source: Source, seen: set[tuple[Path, str]]) -> None:
    """Adds what a definition uses, and what is used by what it uses."""
    used = set(_names(definition))
    source.names |= used
    source.asserts |= any(isinstance(node, ast.Assert) or _is_raises(node) for node in ast.walk(definition))
    for name in used:
        for home in (path, *_imported_from(path, name), *_fixtures(path)):
            inner = (_module(home) or {}).get(name)
            if inner is not None and (home, name) not in seen:
                seen.add((home, name))
                _gather(home, inner, source, seen)


def _names(definition: _Definition) -> Iterator[str]:
    for node in ast.walk(definition):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
            yield node.value


def _is_raises(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "raises"


@cache
def _module(path: Path) -> dict[str, _Definition] | None:
    """The definitions of a module by their names."""
    if not path.is_file():
        return None
    found: dict[str, _Definition] = {}
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found[node.name] = node
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {target.id: node for target in targets if isinstance(target, ast.Name)}
    return found


@cache
def _imports(path: Path) -> dict[str, Path]:
    """Where a module's names from other modules of the tests are."""
    found = {}
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] == "tests":
            home = ROOT.joinpath(*node.module.split("."))
            for alias in node.names:
                # `from tests.comet import wires` names a module, whose functions are then called by their own names.
                inner = home / f"{alias.name}.py"
                found[alias.name] = inner if inner.is_file() else home.with_suffix(".py")
    return found


def _imported_from(path: Path, name: str) -> list[Path]:
    imports = _imports(path)
    return [imports[name]] if name in imports else [home for home in imports.values() if name in (_module(home) or {})]


@cache
def _fixtures(path: Path) -> list[Path]:
    """Modules whose fixtures a module has."""
    conftests = [folder / "conftest.py" for folder in path.parents if ROOT in folder.parents]
    return [*(file for file in conftests if file.is_file()), *sorted((ROOT / "tests" / "fixtures").glob("*.py"))]
