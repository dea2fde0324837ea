"""What importing the package brings along."""

import subprocess
import sys


def test_importing_the_package_imports_no_backend_and_no_widgets():
    code = (
        "import sys, tlcourse; "
        "print([m for m in ('tensorflow', 'keras', 'ipywidgets') if m in sys.modules])"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == "[]"
