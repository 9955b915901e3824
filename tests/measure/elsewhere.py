"""Runs a module of this package on the product of any checkout, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

_HERE = Path(__file__).resolve().parent.parent
_BOOT = """
import runpy, sys
import tests
tests.__path__.insert(0, sys.argv.pop(1))  # this package measures, whatever lies in that checkout
sys.argv[0:1] = []
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""


def run(checkout: Path, name: str, *arguments: str) -> Any:
    """What the module prints, as JSON, while engine and webui come from `checkout`, where nothing is written.

    Raises CalledProcessError when it fails; what it said then has gone to standard error.
    """
    command = [sys.executable, "-c", _BOOT, str(_HERE), name, *arguments]
    around = {
        **{key: value for key, value in os.environ.items() if not key.startswith("YIXING_")},
        "PYTHONPATH": str(checkout),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(command, cwd=checkout, env=around, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)
