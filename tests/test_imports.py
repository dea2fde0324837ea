"""What importing the package brings along."""

import ast
import pathlib
import subprocess
import sys

import pytest

PACKAGE = pathlib.Path(__file__).resolve().parent.parent / "tlcourse"
MODULES = sorted(PACKAGE.rglob("*.py"))

# From the ground up; a module imports only from modules above it.
ORDER = (
    "quiet alt_text progress_bar assets progress machine whole downloading "
    "fetch carry scenes dataset reading pictures "
    "sketches symbols example_set folder_report folder_search folders "
    "prepared data networks bases freezing "
    "restless calls structure catalogue feature_maps "
    "freeze_state costs freeze_sheet heads cutting store arrays answers features "
    "sources shards working beam_pipeline processes scale "
    "once_frozen training tracks doctor growing exporting tuning clinic miniatures "
    "transferability transfer_curves patches plots transfer_plots rates checks "
    "widgets __main__"
).split()


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


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("*.py")), ids=lambda p: p.stem)
def test_modules_import_only_downwards_and_nothing_imports_making(path):
    used = [
        name.split(".")[1]
        for name in imports(path, top_only=False)
        if name and name.startswith("tlcourse.")
    ]
    assert "making" not in used
    if path.stem != "__init__":
        assert path.stem in ORDER
        above = ORDER[: ORDER.index(path.stem)]
        assert {name for name in used if name in ORDER} <= set(above)
