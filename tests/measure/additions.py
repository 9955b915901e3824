"""How many files of the product an addition touches, shown by making it in a copy and trying it out."""

from __future__ import annotations

import shutil
import tempfile
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from tests.measure import elsewhere
from tests.measure.patches import NAMES
from tests.measure.patches.edit import PRODUCT, Edit

if TYPE_CHECKING:
    from collections.abc import Iterable

_LEAVE = shutil.ignore_patterns("__pycache__", "vendor", "*.pyc")


def measure(
    checkout: Path, names: Iterable[str] = NAMES, *, tried: bool = True
) -> dict[str, float]:
    """ "files per added verb" … -> files. Raises AnchorGone, CalledProcessError as `files` does."""
    return {
        f"files per added {_said(name)}": len(files(checkout, name, tried=tried)) for name in names
    }


def _said(name: str) -> str:
    return {"field": "field type", "function": "expression function"}.get(name, name)


def files(checkout: Path, name: str, *, tried: bool = True) -> list[str]:
    """The product's files that this addition touches, after it was made in a copy and, if `tried`, works there.

    Message catalogues and documentation are not counted: every addition needs its words there, once.
    Raises AnchorGone when the addition has to be made differently now, CalledProcessError when it does not work.
    """
    with tempfile.TemporaryDirectory(prefix="yixing-addition-") as folder:
        root = Path(folder)
        _copy(checkout, root)
        edits: tuple[Edit, ...] = import_module(f"tests.measure.patches.{name}").EDITS
        touched = {edit.apply(root).relative_to(root) for edit in edits}
        if tried:
            elsewhere.run(root, "tests.measure.patches.place", str(root), name)
        return sorted(str(path) for path in touched if path.parts[0] in PRODUCT)


def _copy(checkout: Path, root: Path) -> None:
    for folder in (*PRODUCT, "processes"):
        shutil.copytree(checkout / folder, root / folder, ignore=_LEAVE)
    (root / "tests").mkdir()
    shutil.copy(checkout / "tests" / "__init__.py", root / "tests")
    shutil.copytree(checkout / "tests" / "processes", root / "tests" / "processes")
