"""Pages in this process: on SQLite, which is enough for what is seen; the database's own tests run on both."""

from pathlib import Path

import pytest

from tests.http.conftest import app, local, migrated_address, migrated_file, mine, organise, other

__all__ = ["app", "local", "migrated_address", "migrated_file", "mine", "organise", "other"]


@pytest.fixture
def store_address(tmp_path: Path) -> str:
    """The address of an empty database."""
    return f"sqlite:///{tmp_path / 'market.db'}"
