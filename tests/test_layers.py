"""The walls between the rooms: who may import whom, no cycles, and what an import must not load."""

from __future__ import annotations

import ast
import functools
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = "zenml_comet_tracker"
HTTP_LIBRARIES = {"requests", "requests_toolbelt", "urllib3", "httpx", "aiohttp", "http.client", "urllib.request"}
ZENML_ROOMS = (f"{PACKAGE}.flavor", f"{PACKAGE}.tracker", f"{PACKAGE}.cli")
MAX_LINES = 400


def _module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {_module_name(path): path for path in sorted((ROOT / PACKAGE).rglob("*.py"))}


@functools.cache
def _imports(path: Path) -> frozenset[str]:
    """Dotted names a module imports, inside functions too."""
    names: set[str] = set()

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = _module_name(path).split(".")
                if path.name != "__init__.py":
                    package = package[:-1]
                package = package[: len(package) - node.level + 1]
                base = ".".join([*package, *([base] if base else [])])
            imported = {f"{base}.{alias.name}" for alias in node.names}
            names.update(imported)
            # `from package import module` needs the module, not what the package's own file makes of it.
            if not imported <= MODULES.keys():
                names.add(base)
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(path.read_text(encoding="utf-8")))
    return frozenset(names)


def _within(name: str, room: str) -> bool:
    return name == room or name.startswith(room + ".")


def _forbidden(room: str, targets: tuple[str, ...]) -> list[str]:
    return [
        f"{module} imports {name}"
        for module, path in MODULES.items()
        if _within(module, room)
        for name in sorted(_imports(path))
        if any(_within(name, target) for target in targets)
    ]


def test_comet_knows_neither_local_nor_zenml() -> None:
    assert _forbidden(f"{PACKAGE}.comet", (f"{PACKAGE}.local", f"{PACKAGE}.cli", "zenml")) == []


def test_local_knows_neither_comet_nor_zenml() -> None:
    assert _forbidden(f"{PACKAGE}.local", (f"{PACKAGE}.comet", f"{PACKAGE}.cli", "zenml")) == []


def test_only_flavor_tracker_and_cli_import_zenml() -> None:
    offenders = [
        module
        for module, path in MODULES.items()
        if not any(_within(module, room) for room in ZENML_ROOMS)
        and any(_within(name, "zenml") for name in _imports(path))
    ]
    assert offenders == []


def test_only_transport_imports_an_http_library() -> None:
    offenders = [
        f"{module} imports {name}"
        for module, path in MODULES.items()
        if not _within(module, f"{PACKAGE}.comet.transport")
        for name in sorted(_imports(path))
        if any(_within(name, library) for library in HTTP_LIBRARIES)
    ]
    assert offenders == []


def test_only_the_store_speaks_sql() -> None:
    offenders = [
        module
        for module, path in MODULES.items()
        if not _within(module, f"{PACKAGE}.local.store")
        and any(_within(name, room) for name in _imports(path) for room in ("sqlalchemy", "sqlite3"))
    ]
    assert offenders == []


def test_the_official_sdk_is_never_imported() -> None:
    assert _forbidden(PACKAGE, ("comet_ml",)) == []


def test_no_import_cycles() -> None:
    graph = {
        module: {name for name in _imports(path) if name in MODULES and name != module}
        for module, path in MODULES.items()
    }
    # The root resolves its names on first use, so an import of it is no edge to anything else. A flavor must name its
    # implementation, and ZenML asks for it only when a stack is used: that import is inside a property.
    graph[PACKAGE] = set()
    graph[f"{PACKAGE}.flavor"].discard(f"{PACKAGE}.tracker")
    state: dict[str, int] = {}
    cycles: list[list[str]] = []

    def walk(module: str, trail: list[str]) -> None:
        state[module] = 1
        for target in sorted(graph[module]):
            if state.get(target) == 1:
                cycles.append([*trail[trail.index(target) :], target])
            elif target not in state:
                walk(target, [*trail, target])
        state[module] = 2

    for module in graph:
        if module not in state:
            walk(module, [module])
    assert cycles == []


def test_long_modules_are_asked_whether_they_are_two() -> None:
    long = {m: n for m, p in MODULES.items() if (n := len(p.read_text("utf-8").splitlines())) > MAX_LINES}
    assert long == {}


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        (f"import {PACKAGE}", ("zenml", "requests", "fastapi", "numpy", "pydantic")),
        (f"import {PACKAGE}.comet", ("zenml", "fastapi")),
        (f"import {PACKAGE}.comet.experiment", ("zenml", "fastapi", "numpy")),
        (f"import {PACKAGE}.local.launch", ("zenml", "fastapi", "requests")),
        (f"import {PACKAGE}.cli.main", ("zenml", "fastapi")),
        (f"import {PACKAGE}.flavor", ("fastapi", "sklearn")),
    ],
)
def test_import_loads_no_more_than_it_must(statement: str, absent: tuple[str, ...]) -> None:
    code = f"{statement}; import sys; print([m for m in {absent!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_resolves() -> None:
    import zenml_comet_tracker

    for name in zenml_comet_tracker.__all__:
        assert getattr(zenml_comet_tracker, name) is not None
