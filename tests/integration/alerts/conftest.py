from __future__ import annotations

from collections.abc import Iterator

import pytest
from psycopg2.extensions import connection as Connection

from tests.integration.alerts import world as worlds
from tests.integration.reports import scripted_smtp


@pytest.fixture
def world(warehouse: Connection) -> worlds.World:
    """A warehouse in which nothing is wrong on Monday at nine."""
    world = worlds.World(warehouse)
    world.fresh(worlds.MONDAY_9 - worlds.HOUR)
    return world


@pytest.fixture
def mail_server() -> Iterator[scripted_smtp.MailServer]:
    with scripted_smtp.running() as server:
        yield server


@pytest.fixture
def hook() -> Iterator[worlds.Hook]:
    with worlds.hook() as hook:
        yield hook
