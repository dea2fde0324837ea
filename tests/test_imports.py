"""What importing the package brings along."""

import ast
import pathlib
import subprocess
import sys

import pytest

PACKAGE = pathlib.Path(__file__).resolve().parent.parent / "tlcourse"
MODULES = sorted(PACKAGE.rglob("*.py"))


def imports(path, top_only):
    """Names of the modules that a file imports."""
    tree = ast.parse(path.read_text())
    nodes = tree.body if top_only else list(ast.walk(tree))
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


def test_importing_the_package_imports_no_backend_and_no_widgets():
    code = (
        "import sys, tlcourse; "
        "print([m for m in ('tensorflow', 'keras', 'ipywidgets') if m in sys.modules])"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == "[]"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_no_module_imports_tensorflow_at_its_top(path):
    assert not {"tensorflow", "tf_keras"} & set(imports(path, top_only=True))
