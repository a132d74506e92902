"""Every lesson played through in a browser: light on a wide screen and dark on a phone, answered right and wrong.

Every step is played in one look and then seen in the other one, in which the next step is played. One lesson is played
with the keyboard alone; in one a place is pressed, a reload finds the answers again, and the trial trains for real (in
the others a recorded run stands for it: :mod:`tests.lessons.test_trials` trains them).
"""

import re
from itertools import cycle

import pytest

from ddlab.lessons import Prediction, Trial, recorded_facts, visitors
from ddlab.lessons.outcome import SAID
from ddlab.runs import list_runs
from tests.browser.test_accessibility import AXE, stays
from tests.browser.test_browser import settled
from tests.browser.test_newcomer import CLIPPED, LONG, nothing_wrong
from tests.lessons.answering import LESSONS, as_asked, right_answer, wrong_answer

pytestmark = pytest.mark.browser
TRAINED, BY_KEYBOARD = "1_vote_and_mean", "6_maps"
WIDE, PHONE = ("light", 1440), ("dark", 390)
PLACES = 200  # to reach with the tabulator at most
VERDICTS = {"right": SAID["right"], "wrong": re.compile(f"{SAID['near']}|{SAID['far']}")}
every_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.id)


@every_lesson
def test_a_lesson_is_played_through(lesson, open_browser):
    page = open_browser(f"/lessons?lesson={lesson.id}", width=1440, height=1000)
    hand = Keyboard(page) if lesson.id == BY_KEYBOARD else Mouse(page)
    facts, wishes, looks = recorded_facts(lesson), cycle(["right", "wrong"]), cycle([PHONE, WIDE])
    for number, step in enumerate(lesson.steps, 1):
        page.get_by_role("heading", name=step.title, exact=True).wait_for()
        settled(page)
        for asked in (part.content for part in step.parts if isinstance(part.content, Prediction)):
            sound(page)
            answer(hand, asked, facts[asked.run or lesson.front.first], next(wishes))
        for trial in (part.content for part in step.parts if isinstance(part.content, Trial)):
            train(hand, lesson, trial)
        sound(page)
        see(page, *next(looks))
        sound(page)
        if number < len(lesson.steps):
            hand.press(page.locator(".st-key-next button"))
    page.get_by_text("Your predictions:").wait_for()
    (me,) = visitors()
    assert set(me.of_lesson(lesson.id)) == {*lesson.of_kind(Prediction), *lesson.of_kind(Trial)}
    if lesson.id == TRAINED:
        takes_it_home(page)


def sound(page):
    """Nothing is refused, cut off or too pale to be read."""
    nothing_wrong(page)
    assert page.evaluate(CLIPPED) == [], page.url
    page.evaluate(AXE)
    assert not stays(page, "color-contrast"), page.url


def see(page, scheme, width):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 1000})
    page.wait_for_timeout(300)  # colours change gradually, and charts are drawn anew
    settled(page)


def answer(hand, asked, facts, wish):
    """Answer a prediction as wished, and wait for what happened."""
    page, right = hand.page, right_answer(asked, facts)
    given = right if wish == "right" else wrong_answer(asked, right)
    box = page.locator(f".st-key-prediction-{asked.name}")
    if asked.kind == "choice":
        hand.choose(box, list(asked.choice.values()).index(given))
    elif asked.kind == "point":
        hand.point(box, *given, facts.numbers.data.validation.image(asked.point)[0].shape[1:3])
    else:
        hand.slide(box, as_asked(asked, given))
    hand.press(box.locator("button:enabled", has_text="That is my answer"))
    box.get_by_text("Your prediction:").wait_for(timeout=LONG)
    box.get_by_text(VERDICTS[wish]).first.wait_for()
    settled(page)


def move(page, slider, value):
    """Move a slider that has the focus with the arrows."""
    steps = round((value - float(slider.input_value())) / float(slider.get_attribute("step")))
    for _ in range(abs(steps)):
        page.keyboard.press("ArrowRight" if steps > 0 else "ArrowLeft")
    settled(page)


def train(hand, lesson, trial):
    """Train for real in one lesson; in the others a recorded run stands for it, which a reload finds."""
    page = hand.page
    if lesson.id == TRAINED:
        page.get_by_text("4×4", exact=True).last.click()
        settled(page)
        hand.press(page.get_by_role("button", name="Train it"))
        page.get_by_text("The mean beats the vote here, too.").wait_for(timeout=LONG)
    else:
        hand.reach(page.get_by_role("button", name="Train it"))
        sound(page)
        visitors()[0].record(lesson.id, trial.name, "trial", lesson.front.runs[lesson.front.first])
        page.reload()
        page.get_by_role("button", name="Train again").wait_for()
    settled(page)


def takes_it_home(page):
    """The file tells of the run that was trained, and of every answer; nothing can be answered twice."""
    (run,) = list_runs()
    assert run.state().state == "finished" and run.name.startswith("Why a vote fails")
    assert run.experiment.decomposition.grid == (4, 4) and run.experiment.strategies == ("average", "majority")
    with page.expect_download() as download:
        page.get_by_role("button", name="What I did, as a file").click()
    text = download.value.path().read_text(encoding="utf-8")
    assert run.id in text and "The mean beats the vote here" in text and text.count("<svg") == 6
    page.goto(re.sub(r"at=\d", "at=2", page.url))
    page.locator(".ddlab-title", has_text="Your answer beside what happened").wait_for()
    assert page.get_by_role("button", name="That is my answer").count() == 0, "answered once, also after a reload"


class Mouse:
    """Plays with the mouse."""

    def __init__(self, page):
        self.page = page

    def reach(self, place):
        place.wait_for()

    def press(self, button):
        button.click()

    def choose(self, box, index):
        box.locator("label:has([type=radio])").nth(index).click()
        settled(self.page)

    def slide(self, box, value):
        slider = box.locator("[data-testid=stSlider] input")
        slider.focus()
        move(self.page, slider, value)

    def point(self, box, row, column, shape):
        plot = box.locator(".js-plotly-plot .nsewdrag").first
        plot.scroll_into_view_if_needed()
        frame = plot.bounding_box()
        x, y = (column + 0.5) / shape[1] * frame["width"], (row + 0.5) / shape[0] * frame["height"]
        self.page.mouse.click(frame["x"] + x, frame["y"] + y)


class Keyboard:
    """Plays with the keyboard alone: the tabulator goes from place to place."""

    def __init__(self, page):
        self.page = page

    def reach(self, place):
        place.wait_for()
        for _ in range(PLACES):
            if place.evaluate("place => place === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"the tabulator does not reach {place}")

    def press(self, button):
        self.reach(button)
        self.page.keyboard.press("Enter")

    def choose(self, box, index):
        self.reach(box.locator("[type=radio]").first)
        self.page.keyboard.press("Space")
        for _ in range(index):
            self.page.keyboard.press("ArrowDown")
        settled(self.page)

    def slide(self, box, value):
        slider = box.locator("[data-testid=stSlider] input")
        self.reach(slider)
        move(self.page, slider, value)

    def point(self, box, row, column, shape):
        for label, pixel in (("Row", row), ("Column", column)):
            self.reach(box.get_by_label(label, exact=True))
            self.page.keyboard.type(str(pixel))
        self.page.keyboard.press("Enter")
        settled(self.page)
