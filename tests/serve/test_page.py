"""The page: its files, and in a real browser what people do with it."""

import base64
import re

import pytest
import served as servers
from browsers import browser
from served import TOKEN, picture

from reid.serve.page import TYPES, page_files

FILES = page_files()


def test_files():
    """All that the index and the scripts name is there, and of a known kind."""
    named = {name for file in FILES.values() for name in re.findall(r"/page/([\w.-]+)", file.content.decode())}

    assert named == FILES.keys() - {"index.html"}
    assert {file.content_type for file in FILES.values()} == set(TYPES.values())


def test_nothing_from_elsewhere():
    """No address of another site, no script or style within the page, and names only ever become text."""
    for name, file in FILES.items():
        text = file.content.decode()
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text), name
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", text), name
    index = FILES["index.html"].content.decode()
    assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=", index)


def luminance(colour):
    """Of #rgb or #rrggbb, as WCAG 2 defines it."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[n : n + 2], 16) / 255 for n in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", [0, 1])
def test_contrast(scheme):
    """Text has 4.5:1 against what it stands on, and edges of what can be used 3:1, in light and in dark (WCAG AA)."""
    blocks = re.findall(r":root \{(.*?)\}", FILES["style.css"].content.decode(), re.DOTALL)
    colours = dict(re.findall(r"--([\w-]+): (#\w+);", blocks[scheme]))

    def contrast(one, other):
        light, dark = sorted((luminance(colours[one]), luminance(colours[other])), reverse=True)
        return (light + 0.05) / (dark + 0.05)

    for text, ground in [
        *((text, ground) for text in ("ink", "soft") for ground in ("paper", "card", "tint")),
        ("on-accent", "accent"),
        ("bad", "card"),
        ("bad", "paper"),
        ("warn", "warn-tint"),
    ]:
        assert contrast(text, ground) >= 4.5, (text, ground)
    for edge, ground in [("edge", "card"), ("edge", "paper"), ("accent", "card"), ("accent", "paper")]:
        assert contrast(edge, ground) >= 3, (edge, ground)


@pytest.fixture(scope="module")
def chromium():
    """A browser."""
    with browser() as one:
        yield one


@pytest.fixture
def page(chromium, tmp_path):
    """The page of a server of its own, with the right to change, and what went wrong in it."""
    with servers.server(tmp_path) as one:
        context = chromium.new_context(viewport={"width": 390, "height": 844}, reduced_motion="reduce")
        opened = context.new_page()
        opened.set_default_timeout(15_000)
        opened.faults = []
        opened.on("pageerror", lambda error: opened.faults.append(str(error)))
        opened.server = one
        opened.goto(f"http://127.0.0.1:{one.port}/#token={TOKEN}")
        yield opened
        context.close()
        assert opened.faults == []


def upload(page, identity):
    """Search for a new picture of an identity."""
    page.set_input_files("#query-file", {"name": "x.png", "mimeType": "image/png", "buffer": picture(identity, 99)})
    page.wait_for_selector(".hit img[src]")


GIVE = """([how, where, files]) => {
  const carried = new DataTransfer();
  for (const [name, type, content] of files)
    carried.items.add(new File([Uint8Array.from(atob(content), (one) => one.charCodeAt(0))], name, { type }));
  const place = document.querySelector(where);
  const event = how === "paste"
    ? new ClipboardEvent("paste", { clipboardData: carried, bubbles: true, cancelable: true })
    : new DragEvent(how, { dataTransfer: carried, bubbles: true, cancelable: true });
  place.dispatchEvent(event);
  return [event.defaultPrevented, document.querySelectorAll(".drop.over").length];
}"""


def give(page, how, where, *files):
    """Drag files over a place, drop them on it, or paste them; whether the page took it, and how many frames show that."""
    coded = [(name, kind, base64.b64encode(content).decode()) for name, kind, content in files]
    return page.evaluate(GIVE, [how, where, coded])


def test_drop_and_paste(page):
    """A picture that is dropped anywhere, or pasted, is searched for, or added where images are added; text stays text."""
    page.wait_for_selector("#statistics dd")
    file = ("dropped.png", "image/png", picture(3, 99))
    assert give(page, "dragover", "#drop", file) == [True, 2]
    assert give(page, "drop", "#results", file) == [True, 0]
    page.wait_for_selector("#query-name >> text=dropped.png")
    page.wait_for_selector(".hit:first-child >> text=car-3")

    give(page, "paste", "body", ("", "text/plain", b"words"))
    give(page, "paste", "body", ("image.png", "image/png", picture(1, 99)))
    page.wait_for_selector("#query-name >> text=image.png")
    page.wait_for_selector(".hit:first-child >> text=car-1")
    page.wait_for_selector("#query-picture[src]:visible")
    assert give(page, "dragover", "#identity") == [False, 0]

    give(page, "drop", "body", ("x.txt", "text/plain", b"no picture"))
    page.wait_for_selector("#told.trouble >> text=Cannot read image upload: it looks like text.")
    assert not page.locator("#query-picture").is_visible()

    page.click("#show-add")
    give(page, "drop", "#add-drop", *((f"{n}.png", "image/png", picture(4, 400 + n)) for n in range(2)))
    page.wait_for_selector("#add-chosen >> text=2 files chosen")
    page.click("#add-start")
    page.wait_for_selector("#add-told >> text=2 of 2: 2 added")
    assert page.locator("#add-bar").evaluate("bar => bar.value / bar.max") == 1
    give(page, "paste", "body", file)
    assert page.locator("#add-chosen").inner_text() == "dropped.png"

    page.click("#show-browse")
    page.locator("#filter-panel summary").click()
    page.fill("#camera", "77")
    page.click("#apply")
    page.wait_for_selector("#told >> text=The gallery has no image that the filters leave.")
    page.fill("#camera", "first")
    page.click("#apply")
    assert page.evaluate("document.activeElement.matches('#camera:invalid')")


def first_name(page):
    """The first identity of the answer."""
    return page.locator(".hit h3").first.inner_text()


def test_search_filter_and_click_through(page):
    """A picture is found, a filter holds, a result is searched from, a timeline shows where else it was."""
    page.wait_for_selector("#statistics dd")
    upload(page, 3)
    assert first_name(page) == "car-3"
    assert "#" not in page.url

    page.locator("#filter-panel summary").click()
    page.fill("#camera", "1")
    page.click("#apply")
    page.locator(".hit figcaption", has_text="camera 0").first.wait_for(state="detached")
    cameras = page.locator(".hit figcaption span:first-child").all_inner_texts()
    assert set(cameras) == {"camera 1"}
    page.click("#filters button[type=reset]")
    page.wait_for_selector(".hit figcaption >> text=camera 0")

    page.locator(".hit", has_text="car-5").locator("figure > button").first.click()
    page.wait_for_selector("#query-name >> text=car-5")
    page.wait_for_selector(".hit:first-child >> text=car-5")

    page.get_by_label("Timeline of car-5").click()
    page.wait_for_selector("#timeline[open] .lane i")
    assert page.locator("#timeline .lane").count() == 3
    assert page.locator("#timeline-title").inner_text() == "car-5: 3 images, 3 cameras"
    page.keyboard.press("Escape")
    assert not page.locator("#timeline").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")  # nothing sticks out on a phone


def test_add_label_merge_remove(page):
    """Images are added with progress, named, made one identity with another, and taken out again."""
    page.click("#show-add")
    files = [{"name": f"{n}.png", "mimeType": "image/png", "buffer": picture(2, 300 + n)} for n in range(2)]
    page.set_input_files("#add-files", [*files, {"name": "<b>.txt", "mimeType": "text/plain", "buffer": b"no picture"}])
    page.fill("#add-identity", "<i>new</i>")
    page.click("#add-start")
    page.wait_for_selector("#add-told >> text=3 of 3: 2 added, 0 there already, 1 could not be added")
    assert page.locator("#add-problems").inner_text() == "<b>.txt: Cannot read image upload: it looks like text."

    page.click("#show-search")
    upload(page, 2)
    new = page.locator(".hit", has_text="<i>new</i>")
    new.locator("input[type=checkbox]").first.check()
    page.fill("#name", "named")
    page.click("#label")
    page.wait_for_selector("#told >> text=1 image is now named.")

    for name in ("named", "<i>new</i>"):
        page.locator(".hit", has_text=name).locator("input[type=checkbox]").first.check()
    page.fill("#name", "both")
    page.click("#merge")
    page.wait_for_selector("#told >> text=2 images are now both.")
    assert {image.identity for image in page.server.service.gallery.images({"id": [25, 26]})} == {"both"}

    page.locator(".hit", has_text="both").locator("input[type=checkbox]").first.check()
    page.click("#remove")
    assert page.evaluate("document.activeElement.value") == "no"  # Enter alone removes nothing
    page.click("#sure button[value=yes]")
    page.wait_for_selector("#told >> text=Removed.")
    assert page.server.service.statistics()["images"] == 25


def test_by_keyboard_alone(page):
    """Browse, pick, search, select and label without a pointer; what has the focus can be seen."""

    def reach(selector):
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                style = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
                return style == "solid"
        return False

    page.wait_for_selector("#statistics dd")
    assert reach("#show-browse")
    page.keyboard.press("Enter")
    page.wait_for_selector("#list.tiles img[src]")
    assert reach("figure > button")
    page.keyboard.press("Enter")
    page.wait_for_selector(".hit img[src]")
    assert reach(".hit figure > button")
    page.keyboard.press("Enter")
    page.wait_for_selector("#query-name:not(:has-text('image 1:'))")
    page.wait_for_selector("#results:not([aria-busy]) .hit img[src]")
    assert reach(".hit-head button")
    page.keyboard.press("Enter")
    page.wait_for_selector("#timeline[open] .lane i")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.matches('.hit-head button')")  # back to where it was
    assert reach(".pick input")
    page.keyboard.press("Space")
    assert reach("#name")
    page.keyboard.type("typed")
    page.keyboard.press("Enter")
    page.wait_for_selector("#told >> text=is now typed.")


def test_without_the_token(chromium, served):
    """What would change the gallery is not offered, until the token is given by hand."""
    page = chromium.new_page()
    page.goto(f"http://127.0.0.1:{served.port}/")
    page.wait_for_selector("#statistics dd")
    upload(page, 1)

    assert page.locator(".pick").count() == 0
    assert not page.locator("#show-add").is_visible()
    page.click("#key")
    page.fill("#token-value", TOKEN)
    page.keyboard.press("Enter")
    page.wait_for_selector(".pick")
    assert page.locator("#show-add").is_visible()
    page.close()
