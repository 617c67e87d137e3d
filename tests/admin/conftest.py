"""Clients by their documents: a host of one, and a service that takes it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.documents import DocumentHost, document_host, taking_documents
from tests.redis_shapes import Shape
from tests.world import World


@pytest.fixture
async def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DocumentHost]:
    async with document_host(tmp_path, monkeypatch) as made:
        yield made


@pytest.fixture
async def open_world(redis: Shape) -> AsyncIterator[World]:
    async with taking_documents(redis) as made:
        await made.user()
        yield made
