"""Shows the page in the languages of its visitors: what a browser asks for, and that nothing English is left."""

import re

import pytest

from testing.browser import WIDE, choose, run, wait_for_cards
from testing.pictures import samples

pytestmark = pytest.mark.filterwarnings("ignore")

# Names, units, terms of Milvus and of statistics: they stay as they are.
SAME = re.compile(
    "Likeness|Milvus|Lite|IVF|FLAT|COSINE|nprobe|nlist|small|cpu|bfloat|float|d|z|x|k|ms|kB|MB|B|px|PNG|ID|CSV|JSON"
    "|zip|tar|Python|mAP|[rR]ecall|app|py|tune|reindex"
)
COLLECT = """() => {
  const ofGradio = 'footer, [data-testid=status-tracker]';
  const names = 'bdi, code, pre, datalist, .lk-name, .lk-id, .lk-example, .lk-condition > select:first-child';
  const skipped = `${ofGradio}, ${names}`;
  const found = [];
  for (const node of document.querySelectorAll('body *')) {
    if (node.closest(skipped) || !node.checkVisibility({ visibilityProperty: true })) continue;
    const texts = [...node.childNodes].filter(each => each.nodeType === Node.TEXT_NODE).map(each => each.textContent);
    texts.push(...['aria-label', 'title', 'placeholder', 'alt', 'aria-valuetext'].map(each => node.getAttribute(each)));
    if (node.matches('select')) texts.push(...[...node.options].map(each => each.text));
    found.push(...texts.filter(Boolean));
  }
  return found;
}"""


def english_left(page):
    """Returns what has Latin letters beyond names and terms."""
    left = set()
    longest_first = sorted(samples(), key=len, reverse=True)
    for text in page.evaluate(COLLECT):
        rest = re.sub(r"likeness_\w+|drawn \d+\.png", "", text)
        for name in longest_first:
            rest = rest.replace(name, "")
        if not all(map(SAME.fullmatch, re.findall("[A-Za-z]+", rest))):
            left.add(text)
    return left


@pytest.mark.parametrize(
    ("locale", "language", "order", "title", "button"),
    [("ko-KR", "ko", "최신순", "검색 설정", "검색"), ("zh-Hant-HK", "zh-TW", "由新到舊", "搜尋設定", "搜尋")],
)
def test_the_page_follows_the_browser(server, visit, locale, language, order, title, button):
    page = visit(WIDE, "light", locale).open(server.url)
    page.locator(f"html[lang={language}]").wait_for(state="attached")
    assert page.locator("#filters option[value=added]").text_content() == order
    page.locator("#settings", has_text=title).wait_for()
    assert page.locator("#query .submit-button").inner_text() == button


LANGUAGES_OF = """async (tags) => {
  const { src } = document.querySelector('script[src$="/page.js"]');
  const { languageOf } = await import(src.replace('/page.js', '/shared/language.js'));
  return tags.map(languageOf);
}"""


def test_readers_of_a_language_that_there_is_not_get_english(server, browser):
    page = browser.open(server.url)
    page.locator("html[lang=en]").wait_for(state="attached")
    page.locator("#settings", has_text="Search settings").wait_for()
    tags = ["en-GB", "fr-FR", "zh-CN", "ko", "zh-TW", "zh-HK", "zh-Hant-HK", "", "nonsense-"]
    languages = ["en", "en", "en", "ko", "zh-TW", "zh-TW", "zh-TW", "en", "en"]
    assert page.evaluate(LANGUAGES_OF, tags) == languages


def test_whoever_takes_another_language_in_the_settings_gets_all_of_the_page_in_it(server, browser):
    page = browser.open(f"{server.url}/?q=a+rainbow")
    page.locator(".lk-timing").wait_for()
    page.evaluate("document.documentElement.lang = 'ko'")  # as Gradio's settings do
    page.locator("#filters option[value=added]", has_text="최신순").wait_for(state="attached")
    page.locator("#settings", has_text="검색 설정").wait_for()
    page.locator(".lk-timing").wait_for()
    cut_off = "Connection errored out"  # Gradio notes what was on its way when the page was loaded anew
    browser.problems[:] = [problem for problem in browser.problems if cut_off not in problem]


@pytest.mark.parametrize("locale", ["ko-KR", "zh-TW"])
def test_no_english_is_left_while_looking(server, visit, locale):
    page = visit(WIDE, "light", locale).open(server.url)
    wait_for_cards(page, 48)
    page.locator(".lk-chip.model[data-state=ready]").wait_for()
    page.locator(".lk-strip").click()
    page.locator("#filters .lk-disclosure").click()
    page.locator(".lk-condition").wait_for()
    page.locator("#accuracy input").nth(1).check(force=True)
    page.locator("#nprobe").wait_for()
    page.locator("#query textarea").focus()  # the page names the numbers once a control is used
    assert english_left(page) == set()
    assert re.search("[가-힣一-鿿]", page.locator(".lk-example").first.inner_text())

    page.locator(".lk-example").first.click()
    page.locator(".lk-timing").wait_for()
    page.locator(".lk-pick").first.check(force=True)
    page.locator(".lk-selection.selecting").wait_for()
    assert english_left(page) == set()
    page.locator(".lk-selection .danger").click()
    page.locator(".lk-discard[open]").wait_for()
    assert english_left(page) == set()
    page.keyboard.press("Escape")
    for opener, dialog in ((".lk-timing button", ".lk-explain"), (".lk-card .lk-open >> nth=1", ".lk-viewer")):
        page.locator(opener).click()
        page.locator(f"{dialog}[open]").wait_for()
        assert english_left(page) == set(), dialog
        page.keyboard.press("Escape")
    for place in ("tuning", "evaluation", "duplicates"):
        page.locator(".lk-library").click()
        page.locator(f"#{place} .drawn > button").click()
        page.locator(f"#{place} .lk-report-decision").wait_for()
        assert english_left(page) == set(), place
        page.keyboard.press("Escape")


@pytest.mark.parametrize("locale", ["ko-KR", "zh-TW"])
def test_no_english_is_left_while_adding(apps, visit, locale):
    picture, text = apps.picture(), apps.text_file()
    page = visit(WIDE, "light", locale).open(apps.changing().url)
    assert english_left(page) == set()
    choose(page, [picture, text])
    run(page, "done")
    page.locator(".lk-run-actions .lk-button").first.click()
    page.locator(".lk-receipts[open]").wait_for()
    assert english_left(page) == set()
    page.keyboard.press("Escape")
    page.locator(".lk-library").click()
    page.locator("#past-runs button").click()
    page.locator(".lk-past table").wait_for()
    assert english_left(page) == set()


@pytest.mark.parametrize("locale", ["ko-KR", "zh-TW"])
def test_no_english_is_left_on_the_banner(apps, visit, locale):
    page = visit(WIDE, "light", locale).open(apps.another_model().url)
    page.locator(".lk-fallback").wait_for()
    assert english_left(page) == set()


@pytest.mark.parametrize(("locale", "word"), [("ko-KR", "로그인하세요"), ("zh-TW", "請登入"), ("de-DE", "Sign in")])
def test_the_login_page_greets_in_the_visitors_language(apps, visit, locale, word):
    visitor = visit(WIDE, "light", locale)
    page = visitor.context.new_page()
    page.goto(apps.closed().url)
    page.locator(".lk-welcome > span:visible").wait_for()
    assert page.locator(".lk-welcome > span:visible").count() == 1
    assert word in page.locator(".lk-welcome > span:visible").inner_text()
