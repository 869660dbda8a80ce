"""Opens each page of a folder in headless Chromium, narrow and wide, light and dark: nothing may be reported as an error, nothing may
make the page scroll sideways. Writes a picture of each into a folder, for a person to look at."""

import base64
import sys
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

WIDTHS = (360, 1400)
SCHEMES = ("light", "dark")
# A picture is no higher than this; a page may be.
HIGHEST = 12_000


def browser(chromium: str, driver: str) -> webdriver.Chrome:
    options = Options()
    options.binary_location = chromium
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(options=options, service=Service(driver))


def look(chrome: webdriver.Chrome, page: Path, width: int, scheme: str, pictures: Path) -> list[str]:
    """What is wrong with a page."""
    chrome.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False},
    )
    media = [{"name": "prefers-color-scheme", "value": scheme}]
    chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": media})
    chrome.get(page.resolve().as_uri())
    wrong = [entry["message"] for entry in chrome.get_log("browser") if entry["level"] != "INFO"]
    asked = [entry["message"] for entry in chrome.get_log("performance") if '"Network.requestWillBeSent"' in entry["message"]]
    if len(asked) > 1:
        wrong.append(f"it asks for {len(asked) - 1} other resources")
    # What is in closed details is looked at as well.
    script = "document.querySelectorAll('details').forEach(part => part.open = arguments[0])"
    for is_open in (True, False):
        chrome.execute_script(script, is_open)
        needs = chrome.execute_script("return document.documentElement.scrollWidth")
        if needs > width:
            wrong.append(f"it needs {needs} pixels{' with all parts open' if is_open else ''}")
    back = chrome.execute_script("return getComputedStyle(document.body).backgroundColor")
    is_dark = sum(int(part) for part in back.removeprefix("rgb(").rstrip(")").split(",")) < 384
    if is_dark != (scheme == "dark"):
        wrong.append(f"its background is {back}")
    height = min(chrome.execute_script("return document.documentElement.scrollHeight"), HIGHEST)
    clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
    shot = chrome.execute_cdp_cmd("Page.captureScreenshot", {"clip": clip, "captureBeyondViewport": True})
    (pictures / f"{page.stem}-{width}-{scheme}.png").write_bytes(base64.b64decode(shot["data"]))
    return [f"{page.name} at {width} pixels, {scheme}: {what}" for what in wrong]


def main() -> None:
    folder, pictures, chromium, driver = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4]
    pages = sorted(folder.glob("*.html"))
    if not pages:
        sys.exit(f"{folder} has no page")
    pictures.mkdir(parents=True, exist_ok=True)
    chrome = browser(chromium, driver)
    try:
        wrong = [
            what
            for page in pages
            for width in WIDTHS
            for scheme in SCHEMES
            for what in look(chrome, page, width, scheme, pictures)
        ]
    finally:
        chrome.quit()
    for what in wrong:
        print(what, file=sys.stderr)
    print(f"{len(pages)} pages looked at, {len(wrong)} faults; pictures are in {pictures}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
