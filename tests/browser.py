"""A headless Chromium for tests, spoken to over its own protocol; one process, a page for each test."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final, Self

import websockets

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
CHROMIUM: Final = next((path for path in map(shutil.which, _NAMES) if path), None)
WHY_NOT: Final = "no Chromium is on the PATH; on Debian: apt-get install chromium"

_FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--remote-debugging-port=0",
)
_KEYS: Final = {
    "Tab": 9,
    "Enter": 13,
    "Escape": 27,
    "ArrowLeft": 37,
    "ArrowUp": 38,
    "ArrowRight": 39,
    "ArrowDown": 40,
}
_DEADLINE_SECONDS: Final = 30.0
#: How often a condition is looked at.
_LOOK_SECONDS: Final = 0.05


class ScriptError(AssertionError):
    """A script in the page raised."""


class Browser:
    """A running Chromium."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._pages: dict[str, Page] = {}
        self._listening = asyncio.create_task(self._listen())

    @classmethod
    @asynccontextmanager
    async def running(cls, profile: Path) -> AsyncIterator[Self]:
        """Run one on an empty profile until the block ends."""
        assert CHROMIUM is not None, WHY_NOT
        process = await asyncio.create_subprocess_exec(
            CHROMIUM,
            *_FLAGS,
            f"--user-data-dir={profile}",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            address = await _address(profile / "DevToolsActivePort", process)
            async with websockets.connect(address, max_size=None, ping_interval=None) as socket:
                browser = cls(socket)
                yield browser
                with suppress(websockets.ConnectionClosed):
                    await browser.command("Browser.close")
                browser._listening.cancel()
                await asyncio.gather(browser._listening, return_exceptions=True)
            async with asyncio.timeout(_DEADLINE_SECONDS):
                await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    async def _listen(self) -> None:
        async for text in self._socket:
            message = json.loads(text)
            if (number := message.get("id")) is not None:
                if not (answer := self._answers.pop(number)).done():
                    answer.set_result(message)
            elif (page := self._pages.get(message.get("sessionId", ""))) is not None:
                page.heard(message["method"], message["params"])

    async def command(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """One command of the protocol, and its result."""
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        message = {"id": number, "method": method, "params": parameters}
        await self._socket.send(json.dumps(message if session is None else {**message, "sessionId": session}))
        async with asyncio.timeout(_DEADLINE_SECONDS):
            told = await answer
        assert "error" not in told, (method, told["error"])
        result: dict[str, Any] = told["result"]
        return result

    @asynccontextmanager
    async def page(self, width: int = 1280, height: int = 800) -> AsyncIterator[Page]:
        """An empty page with storage of its own."""
        context = (await self.command("Target.createBrowserContext"))["browserContextId"]
        target = await self.command("Target.createTarget", url="about:blank", browserContextId=context)
        attached = await self.command("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        page = Page(self, attached["sessionId"])
        self._pages[attached["sessionId"]] = page
        try:
            for domain in ("Page", "Runtime", "Log", "Network"):
                await page.command(f"{domain}.enable")
            await page.size(width, height)
            yield page
        finally:
            del self._pages[attached["sessionId"]]
            await self.command("Target.disposeBrowserContext", browserContextId=context)


async def _address(file: Path, process: asyncio.subprocess.Process) -> str:
    """Where Chromium listens; it writes that down when it does."""
    async with asyncio.timeout(_DEADLINE_SECONDS):
        while True:
            assert process.returncode is None, f"Chromium ended with {process.returncode}"
            lines = _words(file)
            if len(lines) == 2:
                return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
            await asyncio.sleep(_LOOK_SECONDS)


def _words(file: Path) -> list[str]:
    return file.read_text().split() if file.exists() else []


class Page:
    """One page: what it shows, what it asked for, and what it complained about."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session
        #: Exceptions, errors on the console, violations of the policy.
        self.complaints: list[str] = []
        self.requests: list[str] = []

    def heard(self, method: str, parameters: dict[str, Any]) -> None:
        """Note what the page did."""
        match method:
            case "Network.requestWillBeSent":
                self.requests.append(parameters["request"]["url"])
            case "Runtime.exceptionThrown":
                details = parameters["exceptionDetails"]
                self.complaints.append(str(details.get("exception", {}).get("description", details["text"])))
            case "Log.entryAdded" if parameters["entry"]["level"] == "error":
                self.complaints.append(f"{parameters['entry']['text']} {parameters['entry'].get('url', '')}")

    async def command(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command to this page."""
        return await self._browser.command(method, self._session, **parameters)

    async def go(self, url: str) -> None:
        """Go to an address."""
        answer = await self.command("Page.navigate", url=url)
        assert "errorText" not in answer, answer

    async def do(self, script: str) -> Any:
        """The value of an expression in the page, awaited."""
        answer = await self.command("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise ScriptError(f"{script}: {answer['exceptionDetails'].get('exception', {}).get('description')}")
        return answer["result"].get("value")

    async def until(self, script: str) -> Any:
        """The value of an expression once it is true of the page."""
        try:
            async with asyncio.timeout(_DEADLINE_SECONDS):
                while True:
                    with suppress(ScriptError):
                        if found := await self.do(script):
                            return found
                    await asyncio.sleep(_LOOK_SECONDS)
        except TimeoutError:
            shown = await self.do("document.body?.innerText")
            raise AssertionError(f"never true: {script}\n{self.complaints}\n{shown}") from None

    async def text(self, selector: str) -> str:
        """What is to be read in an element."""
        return str(await self.do(f"document.querySelector({json.dumps(selector)}).innerText"))

    async def click(self, selector: str) -> None:
        """Click with the mouse in the middle of an element, once it is there."""
        where = f"document.querySelector({json.dumps(selector)})"
        await self.until(f"!!{where} && !{where}.closest('[hidden]')")
        await self.do(f"{where}.scrollIntoView({{block: 'nearest'}})")
        x, y = await self.do(f"(r => [r.x + r.width / 2, r.y + r.height / 2])({where}.getBoundingClientRect())")
        for kind in ("mousePressed", "mouseReleased"):
            await self.command("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    async def press(self, key: str) -> None:
        """Press a key that has a name, as Tab or ArrowDown."""
        named = {"key": key, "code": key, "windowsVirtualKeyCode": _KEYS[key]}
        text = {"text": "\r"} if key == "Enter" else {}
        await self.command("Input.dispatchKeyEvent", type="keyDown", **named, **text)
        await self.command("Input.dispatchKeyEvent", type="keyUp", **named)

    async def fill(self, selector: str, value: str) -> None:
        """Give a field of a form a value, as a person does who then leaves it."""
        where = f"document.querySelector({json.dumps(selector)})"
        script = f"(e => {{ e.value = {json.dumps(value)}; e.dispatchEvent(new Event('change', {{bubbles: true}})) }})"
        await self.do(f"{script}({where})")

    async def size(self, width: int, height: int) -> None:
        """Give the window a size."""
        await self.command(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )

    async def prefer(self, **features: str) -> None:
        """Answer media queries, as `color_scheme="dark"`."""
        chosen = [{"name": f"prefers-{name.replace('_', '-')}", "value": value} for name, value in features.items()]
        await self.command("Emulation.setEmulatedMedia", features=chosen)

    async def screenshot(self, path: Path) -> None:
        """Write what is seen to a PNG file."""
        answer = await self.command("Page.captureScreenshot", format="png")
        await asyncio.to_thread(path.write_bytes, base64.b64decode(answer["data"]))
