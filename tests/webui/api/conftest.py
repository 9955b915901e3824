"""The API on a fresh database per test, and one on a database that a whole module shares."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine import db
from tests.conftest import fresh
from tests.webui import apps
from tests.webui.api.world import MOTION, Api, application, settings_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine


@pytest.fixture
def api(url: str, engine: Engine, tmp_path: Path) -> Api:
    return Api.built(apps.on(settings_of(url, tmp_path), engine), engine)


@pytest.fixture
def motions(url: str, engine: Engine, tmp_path: Path) -> Api:
    """With the congress motion in force."""
    return Api.built(apps.on(settings_of(url, tmp_path), engine), engine, MOTION)


@pytest.fixture(scope="module")
def shared(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """One for all tests of a module, which must not mind what the others left."""
    with fresh(server) as url:
        app = application(url, tmp_path_factory.mktemp("api"))
        engine = app.extensions["engine"]
        yield Api.built(app, engine)
        db.release(url)
