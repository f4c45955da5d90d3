"""The program's source, wherever it stands, and nothing where it does not."""

from __future__ import annotations

import subprocess
import sys
import types
import zipfile
from pathlib import Path

import pytest

from zenml_comet_tracker.comet.capture import code

SHOW = "from zenml_comet_tracker.comet.capture import code; f = code.of_program(); print(f and (f.text, f.file_name))"


class Shell:
    """As much of IPython as says what was typed."""

    def __init__(self, cells: list[str]) -> None:
        self.history_manager = types.SimpleNamespace(input_hist_raw=cells)


def _run_as(monkeypatch: pytest.MonkeyPatch, path: Path | None) -> None:
    main = types.ModuleType("__main__")
    if path is not None:
        main.__file__ = str(path)
    monkeypatch.setitem(sys.modules, "__main__", main)
    monkeypatch.setattr(sys, "orig_argv", ["python"])


def test_a_script_in_an_encoding_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "train.py"
    script.write_bytes("# -*- coding: latin-1 -*-\nname = 'Zoë'\n".encode("latin-1"))
    _run_as(monkeypatch, script)
    found = code.of_program()
    assert found == code.Code("# -*- coding: latin-1 -*-\nname = 'Zoë'\n", "train.py", str(script))
    assert code.program_path() == script


@pytest.mark.parametrize(
    "content", [b"\x7fELF\0\0", b"# coding: none-such\nx", b"\xff\xfe\xfa", b"", b"x" * (11 << 20)]
)
def test_what_is_no_source_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    (tmp_path / "program").write_bytes(content)
    _run_as(monkeypatch, tmp_path / "program")
    assert code.of_program() is None


def test_a_script_that_is_gone_and_an_interactive_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in (tmp_path / "gone.py", None):
        _run_as(monkeypatch, path)
        assert (code.of_program(), code.program_path()) == (None, None)


def test_the_cells_of_a_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    shell = Shell(["", "import x", "", "%time x.run()\n"])
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))  # type: ignore[arg-type]
    found = code.of_program()
    assert found == code.Code("# In[1]:\n\nimport x\n\n\n# In[3]:\n\n%time x.run()\n", "notebook.py")


def _said(*arguments: str) -> str:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True).stdout


def test_a_command_and_a_program_in_a_zip_file(tmp_path: Path) -> None:
    assert _said("-c", SHOW) == f"{(SHOW, 'command.py')}\n"
    with zipfile.ZipFile(tmp_path / "app.zip", "w") as archive:
        archive.writestr("__main__.py", SHOW)
    assert _said(str(tmp_path / "app.zip")) == f"{(SHOW, '__main__.py')}\n"
