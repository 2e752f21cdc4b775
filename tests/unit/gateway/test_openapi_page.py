"""The page of an API shows what its OpenAPI document says, whatever the document uses."""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import UUID

import pytest
from fastapi import Body, FastAPI, Query
from pydantic import BaseModel, Field

from antiphon.services.gateway.docs_pages import openapi_page
from tests.elements import Elements, dangling

_PLACE: Final = "api/docs"


class Leaf(BaseModel):
    """A leaf of a `Tree`."""

    colour: str = Field("green", description="As seen from <above>.")


class Tree(BaseModel):
    """It has leaves."""

    leaves: list[Leaf]


def document() -> dict[str, Any]:
    app = FastAPI(title="Trees", description="All about `trees`.", servers=[{"url": "/forest"}])

    @app.get("/api/trees/{id}")
    async def read(id: UUID, season: Annotated[str | None, Query(description="Which one.")] = None) -> Tree:
        raise NotImplementedError

    @app.post("/api/trees/")
    async def create(tree: Tree) -> None:
        raise NotImplementedError

    @app.post("/api/trees/bulk")
    async def bulk(trees: list[Leaf]) -> None:
        raise NotImplementedError

    @app.post("/api/v2/trees/prune")
    async def prune(height: Annotated[int, Body()] = 3, keep: Annotated[Leaf | None, Body()] = None) -> None:
        raise NotImplementedError

    @app.get("/weather")
    async def weather() -> dict[str, int]:
        """Rain <or> not."""
        raise NotImplementedError

    return app.openapi()


SHOWN: Final = openapi_page.render(document(), _PLACE, programs="openapi.json").decode()


def article(operation: str) -> str:
    """What the page says of one operation or schema."""
    return SHOWN.partition(f'<article id="{operation}">')[2].partition("</article>")[0]


def test_operations_stand_under_what_they_are_about() -> None:
    sections = [found["id"] for tag, found in Elements(SHOWN).found if tag == "section" and "id" in found]
    assert sections == ["trees", "rest", "schemas"]
    assert SHOWN.index('<section id="rest"') < SHOWN.index('<article id="prune_') < SHOWN.index('<article id="weather_')
    assert dangling(Elements(SHOWN)) == []


@pytest.mark.parametrize(
    ("operation", "told"),
    [
        ("read_api_trees__id__get", "GET <code>/forest/api/trees/{id}</code>"),
        ("read_api_trees__id__get", "<summary>Parameters: id, season</summary>"),
        ("read_api_trees__id__get", "<td>In the query. Which one.</td>"),
        ("read_api_trees__id__get", '<code>200</code> <a href="#Tree">Tree</a>'),
        ("create_api_trees__post", "<summary>Body: Tree</summary>"),
        ("create_api_trees__post", 'list of <a href="#Leaf">Leaf</a></td><td class="required">required</td>'),
        ("bulk_api_trees_bulk_post", '<summary>Body</summary><p>list of <a href="#Leaf">Leaf</a></p>'),
        ("prune_api_v2_trees_prune_post", "<summary>Body (may be left out)</summary>"),
        ("prune_api_v2_trees_prune_post", "Without it: <code>3</code>."),
        ("weather_weather_get", "<code>200</code> by name: integer"),
        ("weather_weather_get", "Rain &lt;or&gt; not."),
        ("Leaf", "A leaf of a <code>Tree</code>."),
        ("Leaf", 'As seen from &lt;above&gt;. Without it: <code>"green"</code>.'),
    ],
)
def test_an_operation_tells_what_it_takes_and_answers(operation: str, told: str) -> None:
    assert told in article(operation)


def test_the_body_of_one_operation_alone_is_described_with_it_and_not_again() -> None:
    assert article("Body_prune_api_v2_trees_prune_post") == ""
    assert "<code>height</code>" in article("prune_api_v2_trees_prune_post")
