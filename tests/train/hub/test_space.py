"""The deployed files on a Space as far as it can be had here: the platform's variables, a Node, ZeroGPU with the real
package `spaces`, the bundle from a stand-in for the Hub, and the page at an address of hf.space.

`bash tests/space.sh` runs this in the environment that a Space's builder makes, and with older clients.
"""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest
import yaml
from gradio_client import Client
from mcp import Client as McpClient
from support import space as platform
from support.browser import SETTLED, downloaded, open_tab, pixels
from support.http import ask
from support.hub_standin import REPO, TOKEN, connect, hub
from support.loops import finished, until
from support.processes import ROOT, about, networks_of, serving

from muddle.bundle.files import EMBEDDED
from muddle.ui.mcp import SCHEMA
from train.__main__ import main

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content:DeprecationWarning")  # the Hub's client uses httpx so
PYTHON = os.environ.get("MUDDLE_SPACE_PYTHON", sys.executable)  # that runs the app


@pytest.fixture(scope="module")
def space(tmp_path_factory):
    """A Space that `deploy` has made."""
    folder = tmp_path_factory.mktemp("space")
    with pytest.MonkeyPatch.context() as monkeypatch, hub() as server, platform.zero_gpu() as (gpu, requests):
        connect(monkeypatch, server.address, folder, TOKEN)
        commit = server.put(EMBEDDED)
        assert main(["deploy", "--space", platform.SPACE, "--model", REPO, "--revision", commit]) == 0
        made = server.repos["space", platform.SPACE]
        for path, data in made.commits[-1][1].items():
            (folder / "app" / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / "app" / path).write_bytes(data)
        hub_client = {"HF_ENDPOINT": server.address, "HF_HOME": str(folder / "home"), "HF_HUB_DISABLE_XET": "1"}
        variables = {**platform.variables(gpu), **made.variables, **hub_client}
        began = time.monotonic()
        with serving(cwd=folder / "app", folder=folder, python=PYTHON, wait=120, **variables) as served:
            page, log = time.monotonic() - began, folder / "app.log"
            until(lambda: "the page is at" in log.read_text())  # gradio gives up if its own first request takes 3 s
            about(served.address)
            seconds = f"page after {page:.0f} s, first answer after {time.monotonic() - began:.0f} s"
            yield Space(served.address, served.pid, commit, log, requests, seconds)


class Space(NamedTuple):
    address: str
    pid: int
    commit: str  # of its bundle
    log: Path
    gpu: list  # the requests to ZeroGPU's API
    seconds: str  # that it took to start


@pytest.fixture
def address(space):
    return space.address


def test_it_starts_on_the_bundle_that_it_was_deployed_with_and_without_node(space):
    bundle, process = about(space.address), psutil.Process(space.pid)
    sizes = [one.memory_info().rss // 10**6 for one in (process, networks_of(space))]
    print(f"\n{space.seconds}; page {sizes[0]} MB, networks {sizes[1]} MB")
    assert (bundle["name"], bundle["revision"]) == (REPO, space.commit)
    programs = {Path(child.exe()).name for child in process.children(recursive=True)}
    assert programs == {Path(process.exe()).name}, "gradio's own server, in Node, stands before ours"
    assert "WARNING" not in space.log.read_text()


def test_zero_gpu_is_told_once_that_the_app_has_started(space):
    assert space.gpu == ["/startup-report"]


ADDRESSES = {  # of the README and of docs/api.md, and their content
    "/": "text/html",
    "/muddle.png?digit=4&target=9&seed=27": "image/png",
    "/muddle.gif?digit=4&target=9&seed=27": "image/gif",
    "/muddle.webp?digit=4&target=9&seed=27": "image/webp",
    "/strip.png?digit=4&target=9&seed=27": "image/png",
    "/muddle.json?digit=4&target=9&seed=27": "application/json",
    "/card.png?digit=4&target=9&seed=27": "image/png",
    "/networks.safetensors": "application/octet-stream",
    "/map.json": "application/json",
    "/healthz": "application/json",
    "/favicon.ico": "image/svg+xml",
    "/pwa_icon": "image/svg+xml",
    "/manifest.json": "application/manifest+json",
    "/gradio_api/info": "application/json",
    SCHEMA: "application/json",
}


@pytest.mark.parametrize("path", ADDRESSES)
def test_every_address_answers_with_its_own_content(address, path):
    status, headers, body = ask(address + path)
    assert (status, headers["Content-Type"].split(";")[0]) == (200, ADDRESSES[path])
    if "json" in headers["Content-Type"]:
        json.loads(body)


def test_the_page_as_an_app_has_our_icon(address):
    (icon,) = json.loads(ask(f"{address}/manifest.json")[2])["icons"]
    assert icon["src"].endswith("/pwa_icon")
    assert ask(f"{address}/pwa_icon")[2] == (ROOT / "muddle/ui/static/favicon.svg").read_bytes()


def test_the_hubs_own_mcp_server_finds_and_calls_the_tools(address):
    """It reads the schema, and calls by Streamable HTTP where gradio's own server would be."""
    names = [tool["name"] for tool in json.loads(ask(address + SCHEMA)[2])]

    async def call():
        async with McpClient(f"{address}/gradio_api/mcp/") as client:
            return await client.call_tool(names[0], {"digit": 4, "seed": 27})

    picture, text = finished(call()).content
    assert picture.type == "image"
    assert json.loads(text.text)["digit"] == 4


def test_gradios_client_gets_a_muddle(address, muddler):
    client = Client(address, verbose=False)
    assert client.predict(digit=4, target=9, seed=27, api_name="/muddle")["soft_label"] == (
        muddler.muddle(4, 9, seed=27).soft_label.tolist()
    )
    client.close()


def clients(pattern):
    """The folders of a kind of clients that tests/space.sh has installed; else none."""
    folder = os.environ.get("MUDDLE_SPACE_CLIENTS")
    return sorted(Path(folder).glob(pattern)) if folder else []


def said_by(command, folder):
    """What a client, which must succeed, prints as JSON."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("client", clients("gradio_client-*"), ids=lambda path: path.name)
def test_older_clients_for_python_get_that_muddle_too(address, muddler, client):
    code = f"""from gradio_client import Client
print(Client("{address}", verbose=False).predict(digit=4, target=9, seed=27, api_name="/muddle")["soft_label"])"""
    assert said_by([client / "bin" / "python", "-c", code], client) == muddler.muddle(4, 9, seed=27).soft_label.tolist()


@pytest.mark.parametrize("client", clients("gradio-client-js-*"), ids=lambda path: path.name)
def test_clients_for_javascript_get_that_muddle_too(address, muddler, client):
    code = f"""import {{ Client }} from "@gradio/client";
const app = await Client.connect("{address}");
const {{ data }} = await app.predict("/muddle", {{ digit: 4, target: 9, seed: 27 }});
console.log(JSON.stringify(data[0].soft_label));
process.exit();"""
    command = [platform.node(), "--input-type=module", "--eval", code]
    assert said_by(command, client) == muddler.muddle(4, 9, seed=27).soft_label.tolist()


def test_another_sites_page_may_read_the_public_answers_and_no_cookie_is_set(address):
    """As SECURITY.md says: gradio allows it at any address but loopback's."""
    asked = {"Host": platform.HOST, "Origin": "https://example.org", "Content-Type": "application/json"}
    _, headers, _ = ask(f"{address}/gradio_api/call/about", b'{"data": []}', **asked)
    assert headers["Access-Control-Allow-Origin"] == "https://example.org"
    assert headers["Set-Cookie"] is None


FONTS = "https://fonts.googleapis.com/"
INFO = {  # what the Hub says of the Space, as far as gradio's client and its header look
    "id": platform.SPACE,
    "author": "somebody",
    "likes": 3,
    "sdk": "gradio",
    "private": False,
    "runtime": {"stage": "RUNNING", "hardware": {"current": "zero-a10g"}},
    "host": f"https://{platform.HOST}",
    "subdomain": platform.HOST.partition(".")[0],
}
AVATAR = "<svg xmlns='http://www.w3.org/2000/svg'/>"
WATCH = """
window.flashes = [];
window.refused = [];
document.addEventListener("securitypolicyviolation", (event) => refused.push(event.blockedURI));
new MutationObserver(() => {
  const text = document.body?.innerText ?? "";
  if (/\\berror\\b|not found/i.test(text)) flashes.push(text.slice(0, 200));
}).observe(document, { childList: true, subtree: true, characterData: true });
"""


@pytest.fixture
def page(space, launch_browser, tmp_path):
    """A page of a browser that finds the app at *.hf.space, and at huggingface.co what the Hub says of a running Space.

    Its attribute `asked` are the addresses elsewhere that were asked for.
    """
    port = space.address.rpartition(":")[2]
    # Without https; and though a site that frames the app is elsewhere, and the app is here.
    reach = "--disable-features=HttpsUpgrades,LocalNetworkAccessChecks"
    rules = f"--host-resolver-rules=MAP *.hf.space 127.0.0.1:{port}"
    context = launch_browser(tmp_path / "profile", rules, reach)
    page = context.new_page()
    page.asked = []

    def answer(route):
        page.asked.append(route.request.url)
        what = {"content_type": "image/svg+xml", "body": AVATAR} if "avatar" in route.request.url else {"json": INFO}
        route.fulfill(headers={"Access-Control-Allow-Origin": "*"}, **what)

    page.route(re.compile("^https://"), answer)
    page.add_init_script(WATCH)
    yield page
    context.close()


def test_at_an_address_of_hf_space_nothing_flashes_and_nothing_but_fonts_is_refused(page):
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    with page.expect_response(lambda response: response.url.endswith("/map.json")) as points:
        page.goto(f"http://{platform.HOST}/?digit=4&target=9&seed=27")
        page.wait_for_selector(SETTLED, state="attached")
        page.locator("canvas.map").scroll_into_view_if_needed()
    assert points.value.json()["coast"] > 0
    page.wait_for_selector("#huggingface-space-header")
    assert max(pixels(page, "#result .muddle canvas")) > 200
    name, data = downloaded(page, page.get_by_role("link", name="GIF").click)
    assert name.endswith(".gif")
    assert data.startswith(b"GIF")
    open_tab(page, "About")
    assert f"https://huggingface.co/api/spaces/by-subdomain/{INFO['subdomain']}" in page.asked
    assert page.evaluate("flashes") == []
    assert [where for where in page.evaluate("refused") if not where.startswith(FONTS)] == []
    assert not errors


def test_in_a_frame_of_another_site_it_knows_where_it_is_and_tells_no_token(page):
    inner = f"http://{platform.HOST}/?digit=4&target=9&seed=27&__sign=a-token"
    outer = f'<iframe src="{inner}" width="1280" height="2000"></iframe>'
    page.route("http://another.example/", lambda route: route.fulfill(content_type="text/html", body=outer))
    page.goto("http://another.example/")
    frame = page.frame_locator("iframe")
    frame.locator(SETTLED).wait_for(state="attached")
    link = frame.get_by_role("link", name="GIF").get_attribute("href")
    assert link.startswith(f"http://{platform.HOST}/muddle.gif?digit=4")
    assert "a-token" not in link


def test_what_the_builder_installs_fits_together():
    """One resolve of the line that a Space's builder runs, against the package index, without installing."""
    matter = yaml.safe_load((ROOT / "README.md").read_text().split("---\n")[1])
    gradio = f"gradio[oauth,mcp]=={matter['sdk_version']}"
    line = ["-r", "requirements.txt", gradio, "uvicorn>=0.14.0", "websockets>=10.4", "spaces"]
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--quiet", "--disable-pip-version-check", *line]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 0, done.stderr
