"""The audit page in a real browser: what people see, and what they do with it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import pytest_asyncio

from antiphon.events.client.client import Client, CommandEnvelope
from antiphon.events.document.commands import CreateFlow
from antiphon.services.policy.main import run as run_policy
from antiphon.services.projector.main import run as run_projector
from tests.browser import CHROMIUM, WHY_NOT, Browser, Page
from tests.integration.gateway.house import Addresses
from tests.integration.own.served import OWN, Served, serving
from tests.integration.own.test_stream import life, move, new_flow, new_run
from tests.servers import PostgresServer, fresh_database, running_nats

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason=WHY_NOT),
    pytest.mark.asyncio(loop_scope="module"),
]

_ROWS: Final = "[...document.querySelectorAll('#rows tr.event')]"
_IS_LIVE: Final = "document.querySelector('#connection')?.innerText === 'Live'"
_MANY: Final = 600


@dataclass(frozen=True)
class House:
    """Everything that a page needs, once for all tests here."""

    addresses: Addresses
    served: Served
    browser: Browser

    def url(self, rest: str = "") -> str:
        return f"http://127.0.0.1:{self.served.port}/audit{rest}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory, postgres_server: PostgresServer) -> AsyncIterator[House]:
    folder: Path = tmp_path_factory.mktemp("audit")
    with running_nats(folder / "nats") as nats, fresh_database(postgres_server) as postgres_url:
        addresses = Addresses(nats.url, postgres_url)
        await addresses.prepare()
        async with (
            addresses.running(run_policy, run_projector),
            serving(addresses) as served,
            Browser.running(folder / "chromium") as browser,
        ):
            yield House(addresses, served, browser)


@pytest_asyncio.fixture(loop_scope="module")
async def page(house: House) -> AsyncIterator[Page]:
    """A page that at the end has complained about nothing, and asked nobody but its own server."""
    async with house.browser.page() as page:
        yield page
        assert page.complaints == []
        assert {urlsplit(url).port for url in page.requests if not url.startswith("about:")} == {house.served.port}


async def history(house: House, run_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await house.served.http.get(f"{OWN}/flow_runs/{run_id}/history")).json()
    return found


async def end_of_log(house: House) -> int:
    return int((await house.served.http.get(f"{OWN}/status")).json()["log_position"])


async def until_newest(page: Page, position: int) -> None:
    """Wait until the list begins with a position."""
    await page.until(f"document.querySelector('#rows .at')?.textContent.replaceAll(',', '') === '{position}'")


async def shown(page: Page) -> list[int]:
    """The positions of the list, also of rows that lie outside the window."""
    positions: list[int] = await page.do(f"{_ROWS}.map(row => Number(row.cells[0].textContent.replaceAll(',', '')))")
    return positions


async def test_an_empty_log_says_what_to_do(house: House, page: Page) -> None:
    await page.go(house.url())
    assert f"PREFECT_API_URL=http://127.0.0.1:{house.served.port}/api" in await page.until(
        "document.querySelector('#empty:not([hidden])')?.innerText"
    )


async def test_what_happens_appears_as_it_happens(house: House, page: Page) -> None:
    await page.go(house.url())
    await page.until(_IS_LIVE)
    run_id = await life(house.served, await new_flow(house.served, "live"))
    await until_newest(page, await end_of_log(house))
    newest = await page.text("#rows tr")
    assert "Aborted" in newest
    assert "Cancelling" in newest
    assert "Run is already in terminal state COMPLETED." in newest
    assert "python-httpx" in newest
    name = (await house.served.http.get(f"/api/flow_runs/{run_id}")).json()["name"]
    assert name in newest
    position = f"{await end_of_log(house):,}"
    await page.until(f"document.querySelector('[data-vital=log_position]').innerText === '{position}'")
    # What was told to those who listen is a summary.
    assert await page.do("document.querySelectorAll('[aria-live], [role=status], [role=log]').length") == 1


async def test_a_run_shows_who_asked_what_and_which_rule_refused(house: House, page: Page) -> None:
    run_id = await life(house.served, await new_flow(house.served, "refused"))
    await page.go(house.url())
    await page.click(f"tr[data-id='{run_id}'] a")
    aborted = (await history(house, run_id))[-1]
    told = await page.until("document.querySelector('.timeline .chosen .facts')?.closest('li').innerText")
    assert "HandleFlowTerminalStateTransitions" in told
    assert "Run is already in terminal state COMPLETED." in told
    assert "python-httpx" in told
    assert aborted["command_id"] in told
    assert await page.do("location.hash") == f"#run={run_id}&at={aborted['position']}"
    await page.until("document.querySelector('.then')?.innerText.includes('Nothing changed: it was refused.')")
    await page.press("Escape")
    await page.until("document.querySelector('#run').hidden && location.hash === ''")


async def test_the_slider_goes_through_the_moments_of_a_run(house: House, page: Page) -> None:
    run_id = await life(house.served, await new_flow(house.served, "moments"))
    events = await history(house, run_id)
    await page.go(house.url(f"#run={run_id}&at={events[-1]['position']}"))
    await page.until("document.querySelectorAll('.timeline li').length === 4 && !!document.querySelector('.then h3')")
    await page.do("document.querySelector('input[type=range]').focus()")
    await page.press("ArrowLeft")
    await page.press("ArrowLeft")
    running = events[-3]["position"]
    await page.until(f"document.querySelector('.then h3').innerText.startsWith('As of position {running}')")
    script = (
        "[...document.querySelectorAll('.changes tbody tr')].map(row => [...row.cells].map(cell => cell.innerText))"
    )
    rows = {field: values for field, *values in await page.do(script)}
    assert rows["state_type"] == ["PENDING", "RUNNING"]
    assert rows["run_count"] == ["0", "1"]
    assert await page.do("document.querySelector('input[type=range]').ariaValueText") != ""
    assert await page.do("location.hash") == f"#run={run_id}&at={running}"
    await page.fill(".as-of input", events[2]["recorded_at"])
    await page.do("document.querySelector('.as-of').requestSubmit()")
    await page.until("document.querySelector('.timeline .chosen .what').innerText === 'Completed'")


async def test_the_slider_goes_through_the_moments_of_a_task_run(house: House, page: Page) -> None:
    run_id = await new_run(house.served, await new_flow(house.served, "with a task"))
    body = {"flow_run_id": run_id, "task_key": "t", "dynamic_key": "0", "state": {"type": "PENDING"}}
    task_id = (await house.served.http.post("/api/task_runs/", json=body)).json()["id"]
    await page.go(house.url(f"#run={task_id}&kind=task_run"))
    await page.until("document.querySelector('.then h3')?.innerText.includes('Pending')")
    await page.do("document.querySelector('input[type=range]').value = 0")
    await page.do("document.querySelector('input[type=range]').dispatchEvent(new Event('input'))")
    await page.until("document.querySelector('.then h4')?.innerText === 'What it began with'")
    fields = await page.do("[...document.querySelectorAll('.changes th[scope=row]')].map(cell => cell.innerText)")
    assert {"name", "task_key", "dynamic_key"} <= set(fields)


async def test_an_open_run_follows_what_happens_to_it(house: House, page: Page) -> None:
    run_id = await new_run(house.served, await new_flow(house.served, "followed"))
    await page.go(house.url(f"#run={run_id}"))
    await page.until("document.querySelectorAll('.timeline li').length === 2")
    await move(house.served, run_id, "RUNNING")
    await page.until("document.querySelector('.then h3')?.innerText.includes('Running')")
    assert await page.do("document.querySelector('.timeline .chosen .what').innerText") == "Running"


async def test_filters_are_in_the_address_and_stay_there(house: House, page: Page) -> None:
    flow_id = await new_flow(house.served, "filtered")
    refused = await life(house.served, flow_id, tags=["x", "y"])
    await life(house.served, await new_flow(house.served, "other"))
    await page.go(house.url())
    await page.until(_IS_LIVE)
    await page.fill("[name=flow]", "filtered")
    await page.until(f"location.search === '?flow={flow_id}'")
    await page.fill("[name=tag]", "x, y")
    await page.click("[name=decision][value=refused]")
    search = f"?decision=refused&flow={flow_id}&tag=x&tag=y"
    await page.until(f"location.search === {json.dumps(search)}")
    only = f"{_ROWS}.length === 1 && {_ROWS}[0].dataset.id === '{refused}'"
    await page.until(only)
    await page.go(house.url(search))
    await page.until(f"{only} && document.querySelector('[name=flow]').value === 'filtered'")
    await page.fill("[name=flow]", "no such flow")
    assert "No flow is called" in await page.until("document.querySelector('#filter-problem').innerText")
    await page.click("#clear")
    await page.until(f"location.search === '' && {_ROWS}.length > 5")


async def test_what_cannot_be_followed_is_said_in_words(house: House) -> None:
    async with house.browser.page() as page:
        await page.go(house.url("?from=soon"))
        said = await page.until("document.querySelector('#filter-problem').innerText")
        assert "neither a position nor a time" in said
        await page.go(house.url(f"#run={uuid4()}"))
        await page.until("document.querySelector('.run > .note')?.innerText === 'The log knows no run of this id.'")


async def test_a_pause_keeps_what_is_read_and_misses_nothing(house: House, page: Page) -> None:
    await page.go(house.url())
    await page.until(_IS_LIVE)
    await until_newest(page, before := await end_of_log(house))
    await page.click("#pause")
    await new_flow(house.served, "during the pause")
    await page.until("document.querySelector('#newer').innerText === '2 new events: show'")
    await until_newest(page, before)
    await page.click("#newer")
    await until_newest(page, before + 2)
    assert await page.text("#pause") == "Pause"
    positions = await shown(page)
    assert positions == list(range(before + 2, before + 2 - len(positions), -1))


async def test_very_many_events_leave_the_list_bounded(house: House, page: Page) -> None:
    await page.go(house.url())
    await page.until(_IS_LIVE)
    commands = [
        CommandEnvelope(uuid4(), CreateFlow(data={"name": f"many {number}"}), uuid4()) for number in range(_MANY)
    ]
    before = await end_of_log(house)
    async with Client.connect(house.addresses.nats_url) as client:
        await client.publish_many(commands, actor="the test")
    await until_newest(page, before + 2 * _MANY)
    assert await page.do("document.querySelectorAll('#rows tr').length") <= 300
    assert await page.do("document.querySelector('#rows tr .who').innerText") == "the test"


async def test_a_lost_connection_is_said_and_goes_on_without_loss(house: House) -> None:
    await new_flow(house.served, "before it was cut off")
    async with house.browser.page() as page:
        async with serving(house.addresses) as other:
            await page.go(f"http://127.0.0.1:{other.port}/audit")
            await until_newest(page, before := await end_of_log(house))
        said = await page.until("document.querySelector('#connection[data-tone=off]')?.innerText")
        assert said.startswith("Cut off.")
        assert f"It will go on behind position {before:,}; nothing is lost." in said
        await new_flow(house.served, "while it was cut off")
        async with serving(house.addresses, port=other.port):
            await until_newest(page, before + 2)
            await page.until(_IS_LIVE)
            positions = await shown(page)
            assert positions == list(range(before + 2, before + 2 - len(positions), -1))
            # The gateway would wait for a reader that is still there.
            await page.go("about:blank")


async def test_everything_that_can_be_operated_has_a_name_and_fits(house: House, page: Page) -> None:
    run_id = await life(house.served, await new_flow(house.served, "named"))
    for address in ("", f"#run={run_id}"):
        await page.go(house.url(address))
        await page.until(f"{_ROWS}.length > 3")
        for width in (1440, 390):
            await page.size(width, 844)
            assert await page.do("document.documentElement.scrollWidth <= innerWidth")
        nodes = (await page.command("Accessibility.getFullAXTree"))["nodes"]
        unnamed = [
            node["role"]["value"]
            for node in nodes
            if not node.get("ignored") and any(item["name"] == "focusable" for item in node.get("properties", ()))
            if not node.get("name", {}).get("value") and node["role"]["value"] not in ("RootWebArea", "generic")
        ]
        assert unnamed == []


@pytest.mark.parametrize(
    ("path", "viewer", "content"),
    [
        ("/api/docs", "document.querySelector('#swagger-ui')", "/api/flow_runs/{id}/set_state"),
        (f"{OWN}/docs", "document.querySelector('#swagger-ui')", "/flow_runs/{id}/history"),
        (f"{OWN}/asyncapi.html", "document.querySelector('asyncapi-viewer').shadowRoot", "cmd.flow_run.{id}.set_state"),
    ],
)
async def test_documents_are_shown(house: House, path: str, viewer: str, content: str) -> None:
    async with house.browser.page() as page:
        await page.go(f"http://127.0.0.1:{house.served.port}{path}")
        await page.until(f"{viewer}?.textContent.includes({json.dumps(content)})")
        assert page.complaints == []
        hosts = {urlsplit(url).netloc for url in page.requests if urlsplit(url).scheme in {"http", "https", "ws"}}
        assert hosts == {f"127.0.0.1:{house.served.port}"}
