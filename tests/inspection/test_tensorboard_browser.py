"""Every dashboard in a real browser: it is opened, waited for, read and photographed.

Headless Chromium is driven by its DevTools protocol. `ZOO_SCREENSHOTS` names a folder for the
pictures; without it they are in pytest's own.
"""

import asyncio
import base64
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import time
import urllib.request

import pytest

import zoo
from tests.helpers import ask, fit_small, wait_until
from zoo.inspection.tensorboard.server import start

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
websocket = pytest.importorskip("tornado.websocket", reason="tornado comes with ipykernel")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")

# What a page shows, through shadow roots and frames.
WALK = """
const walk = (node, visit) => {
  visit(node);
  if (node.shadowRoot) walk(node.shadowRoot, visit);
  if (node.tagName === "IFRAME" && node.contentDocument?.body)
    walk(node.contentDocument.body, visit);
  if (!["STYLE", "SCRIPT"].includes(node.tagName))
    node.childNodes.forEach(child => walk(child, visit));
};
"""
TEXT = """(() => {%s
  const words = [];
  walk(document.body, node => node.nodeType === 3 && words.push(node.data.trim()));
  return words.filter(word => word).join(" ");
})()"""
COUNT = """(() => {%s
  let found = 0;
  walk(document.body, node => {
    if (node.matches?.(%s) && node.getBoundingClientRect().width > 0) found += 1;
  });
  return found;
})()"""


CLICK = """(() => {%s
  const said = %s;
  const found = [];
  walk(document.body, node => {
    if (node.nodeType === 3 && node.data.trim() === said) found.push(node.parentElement);
  });
  found.forEach(element => element.click());
})()"""


class Browser:
    """One page of a headless Chromium that has been started in a folder of its own."""

    def __init__(self, folder: pathlib.Path):
        port_file = folder / "DevToolsActivePort"
        wait_until(lambda: port_file.is_file() and port_file.read_text().count("\n"))
        port = port_file.read_text().split()[0]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list") as answer:
            (page,) = [one for one in json.load(answer) if one["type"] == "page"]
        self._loop = asyncio.new_event_loop()
        self._calls = 0
        self._connection = self._wait_for(
            websocket.websocket_connect, page["webSocketDebuggerUrl"], max_message_size=2**27
        )

    def _wait_for(self, begin, *arguments, **options):
        async def waited():
            return await begin(*arguments, **options)

        return self._loop.run_until_complete(waited())

    def call(self, method: str, **parameters) -> dict:
        self._calls += 1
        message = {"id": self._calls, "method": method, "params": parameters}
        self._wait_for(self._connection.write_message, json.dumps(message))
        while True:
            answer = json.loads(self._wait_for(self._connection.read_message))
            if answer.get("id") == self._calls:
                return answer["result"]

    def open(self, address: str) -> None:
        # The same page but for what stands behind the # would not be loaded anew.
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=address)

    def evaluate(self, expression: str):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        return result["result"].get("value")

    def text(self) -> str:
        return self.evaluate(TEXT % WALK) or ""

    def count(self, selector: str) -> int:
        return self.evaluate(COUNT % (WALK, json.dumps(selector))) or 0

    def click(self, text: str) -> None:
        """Clicks on whatever says so."""
        self.evaluate(CLICK % (WALK, json.dumps(text)))

    def picture(self) -> bytes:
        return base64.b64decode(self.call("Page.captureScreenshot")["data"])

    def settled(self, seconds: float = 1.0) -> bool:
        """Whether the page looks the same for a while: no more lines, no spinner."""
        before = self.picture()
        time.sleep(seconds)
        return self.picture() == before

    def close(self) -> None:
        self._connection.close()
        self._loop.close()


@contextlib.contextmanager
def chromium(folder: pathlib.Path):
    command = [
        CHROMIUM,
        "--headless=new",
        "--no-sandbox",
        "--remote-debugging-port=0",
        f"--user-data-dir={folder}",
        # The projector draws with WebGL, here without a graphics card.
        "--enable-unsafe-swiftshader",
        "--use-angle=swiftshader",
        "--window-size=1400,1000",
        "about:blank",
    ]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, **quiet) as process:
        try:
            browser = Browser(folder)
            yield browser
            browser.close()
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    given = os.environ.get("ZOO_SCREENSHOTS")
    folder = pathlib.Path(given) if given else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


# For each dashboard the words that it must show, and what it draws them with.
DASHBOARDS = {
    "timeseries": (["epoch_loss", "lstm/logs/validation"], "line-chart canvas, line-chart path"),
    "scalars": (["epoch_loss", "lstm/logs/validation"], "svg path, canvas"),
    "graphs": (["Main Graph", "token_ids"], "svg .node"),
    "distributions": (["weights"], "svg path"),
    "histograms": (["weights"], "svg path"),
    "hparams": (["learning_rate", "units"], "tf-hparams-main, table"),
    "images": (["confusion_matrix"], "img"),
    "text": (["samples", "report/scores"], "table"),
    "pr_curves": (["positive"], "svg path"),
    "projector": (["token_embedding", "Points: 131", "%."], "canvas"),
}


# Charts that are out of sight are not drawn: those that are to be seen stand first.
FILTERS = {"timeseries": "epoch_loss"}


@pytest.mark.parametrize("name", DASHBOARDS)
def test_a_dashboard_draws(name, browser, address, pictures):
    words, drawn = DASHBOARDS[name]
    browser.open(f"{address}?tagFilter={FILTERS.get(name, '')}#{name}")
    try:
        wait_until(lambda: all(word in browser.text() for word in words) and browser.count(drawn))
        # The projector turns its points for ever; it says what share of variance it shows at last.
        wait_until(lambda: name == "projector" or browser.settled())
    finally:
        (pictures / f"{name}.png").write_bytes(browser.picture())


@pytest.fixture(scope="module")
def sweep(few_reviews, tmp_path_factory):
    """Where TensorBoard shows three runs that differ in their rate and width."""
    folder = tmp_path_factory.mktemp("sweep")
    task = zoo.tasks.sentiment(few_reviews)
    for rate, width in ((0.003, 4), (0.01, 8), (0.03, 6)):
        options = {"epochs": 1, "learning_rate": rate, "model_options": {"embedding_dim": width}}
        fit_small("bag_of_words", task, folder / f"rate_{rate}", **options)
    address = start(folder, port=0)
    wait_until(lambda: sum(run.endswith("scores") for run in ask(address, "data/runs")) == 3)
    return address


def test_a_sweep_is_compared_in_parallel_coordinates(browser, sweep, pictures):
    tab = "PARALLEL COORDINATES VIEW"
    browser.open(f"{sweep}#hparams")
    try:
        wait_until(lambda: tab in browser.text())
        browser.click(tab)
        wait_until(lambda: browser.count(".foreground path") == 3)
        wait_until(browser.settled)
        shown = browser.text()
        assert all(axis in shown for axis in ("learning_rate", "embedding_dim", "test/accuracy"))
    finally:
        (pictures / "parallel_coordinates.png").write_bytes(browser.picture())
