"""What a route reads of a request, from its source: so that what is declared cannot drift from it."""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

# Whether each getter of `Fields` insists on the field.
GETTERS = {
    **dict.fromkeys(("text", "content", "texts", "numbers", "objects", "stated_flag", "stated_number", "value"), True),
    **dict.fromkeys(("optional_text", "flag", "number", "integer", "moment", "count", "workspace", "project"), False),
    **dict.fromkeys(("optional_value", "raw"), False),
    "experiment_key": True,
}


def reads(route: Callable[..., Any]) -> dict[str, bool]:
    """The fields that the route asks for, by itself or by what it hands its call to, and whether it insists on them."""
    found: dict[str, list[bool]] = defaultdict(list)
    for name, insisted in _reads(route, set()):
        found[name].append(insisted)
    return {name: any(insisted) for name, insisted in found.items()}


def _reads(function: Callable[..., Any], seen: set[Any]) -> Iterator[tuple[str, bool]]:
    if function in seen or not inspect.isfunction(function):
        return
    seen.add(function)
    module = sys.modules[function.__module__]
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    for node, sure in _walk(tree, True):
        if not isinstance(node, ast.Call):
            continue
        name = _getter(node) or _written(node)
        if name is not None:
            yield name[0], name[1] and sure
        elif any(map(_is_call, node.args)):
            yield from ((found, insisted and sure) for found, insisted in _reads(_callee(node, module), seen))


def _walk(node: ast.AST, sure: bool) -> Iterator[tuple[ast.AST, bool]]:
    """All nodes, and whether each is always come to."""
    yield node, sure
    for field, value in ast.iter_fields(node):
        branch = isinstance(node, ast.If | ast.IfExp) and field in ("body", "orelse")
        for index, child in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(child, ast.AST):
                # Of `a or b` the first is always asked.
                yield from _walk(child, sure and not branch and not (isinstance(node, ast.BoolOp) and index > 0))


def _getter(node: ast.Call) -> tuple[str, bool] | None:
    asked = node.func
    if not (isinstance(asked, ast.Attribute) and asked.attr in GETTERS and _is_call(asked.value)):
        return None
    if not node.args:
        return ("experimentKey", True) if asked.attr == "experiment_key" else None
    named = node.args[0]
    return (str(named.value), GETTERS[asked.attr]) if isinstance(named, ast.Constant) else None


def _written(node: ast.Call) -> tuple[str, bool] | None:
    """The field that names the experiment of `call.write(...)`."""
    asked = node.func
    if not (isinstance(asked, ast.Attribute) and asked.attr in ("write", "write_values") and _is_call(asked.value)):
        return None
    keys = [*node.args[1:], *(word.value for word in node.keywords if word.arg == "key_field")]
    named = next((key for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str)), None)
    return (str(named.value) if named is not None else "experimentKey"), True


def _is_call(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute):
        return node.attr == "fields"
    return isinstance(node, ast.Name) and node.id in ("fields", "call", "upload")


def _callee(node: ast.Call, module: Any) -> Any:
    called = node.func
    if isinstance(called, ast.Name):
        target = getattr(module, called.id, None)
    elif isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name):
        target = getattr(getattr(module, called.value.id, None), called.attr, None)
    else:
        return None
    target = getattr(target, "__func__", target)
    return target if (getattr(target, "__module__", None) or "").startswith("zenml_comet_tracker.local") else None
