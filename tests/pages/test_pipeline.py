"""Pipeline: a live first screen, everything in the URL, steps by hand and playing, and sentences for what cannot be."""

from functools import partial

import pytest

from ddlab.pipeline.methods import METHODS
from ddlab.pipeline.schedules import SCHEDULES
from ddlab.registry.models import MODELS
from tests.pages.standalone import figures, open_alone

opened = partial(open_alone, "pipeline")
SECTIONS = 3  # figures: cuts, schedule, and the one that was chosen


def titles(at):
    return [figure["layout"]["title"]["text"].replace("<br>", " ") for figure in figures(at)]


def metrics(at):
    return {metric.label: metric.value for metric in at.metric}


def table(at, key):
    (found,) = [frame.value for frame in at.dataframe if key in frame.value.columns]
    return found


def told(at):
    return next(text.value for text in at.markdown if text.value.startswith(("Action", "Nothing has begun")))


def test_the_first_screen():
    at = opened()
    assert not at.exception and not at.error and not at.warning
    assert len(titles(at)) == SECTIONS
    assert titles(at)[0].startswith("Work of every sub-layer, cut in 4 modules")
    assert titles(at)[1].startswith("1F1B, 4 ranks, 8 micro")
    assert titles(at)[2].endswith("the paper has one point, m = 4")
    assert list(metrics(at)) == ["Time a batch", "Speed-up", "Bubble", "Memory, at most"]


def test_all_schedules_and_methods_stand_in_one_table():
    at = opened(part="methods")
    shown = table(at, "weight_versions")
    assert list(shown["title"]) == [entry.title for entry in (*SCHEDULES.values(), *METHODS.values())]
    row = shown.set_index("title").loc["1F1B"]
    assert metrics(at)["Bubble"] == row["bubble"] and metrics(at)["Speed-up"] == f"{row['speed_up']:.2f}×"


def test_one_question_at_a_time():
    assert len(opened(part="equations").get("latex")) == 3
    assert any("9.67 at 8 GPUs" in note.value for note in opened(part="paper").info)
    assert titles(opened(part="memory"))[2].startswith("Memory")


def test_the_url_names_what_is_shown():
    asked = {"model": "vgg9", "width": "0.5", "ranks": "3", "schedule": "interleaved", "chunks": "3"}
    asked |= {"micro_batches": "6", "batch": "48", "grouping": "equal", "rate": "100G", "bandwidth": "125M"}
    asked |= {"action": "5", "images": "dataset", "dataset": "digits", "reduction": "1/N", "part": "ways"}
    at = opened(**asked)
    assert not at.exception and not at.error and not at.warning
    assert titles(at)[0].startswith("Work of every sub-layer, cut in 9 modules")
    assert titles(at)[1].startswith("Interleaved 1F1B, 3 ranks, 6 micro")
    assert told(at).startswith("Action 5 of 108")
    assert "48 images on n machines and links of 125\u00a0MB/s" in titles(at)[2]
    for name, text in asked.items():
        assert at.query_params[name] in (text, [text]), name


def test_a_ratio_sets_the_time_of_transfers():
    at = opened(links="ratio", ratio="0.5", part="equations")
    text = next(part.value for part in at.markdown if "T_F = " in part.value)
    forward, transfer = (float(text.partition(f"{name} = ")[2].split()[0]) for name in ("T_F", "T_C"))
    assert transfer / forward == pytest.approx(0.5, rel=0.01)
    free = opened(links="ratio", ratio="0", part="ways")
    assert "links that take no time" in titles(free)[2]
    assert float(metrics(free)["Speed-up"][:-1]) > float(metrics(at)["Speed-up"][:-1])


def test_equations_agree_or_say_why():
    assert [note.value for note in opened(ranks="1", part="equations").success] == ["Equations and simulation agree."]
    reasons = next(part.value for part in opened(part="equations").markdown if part.value.startswith("- (12)"))
    assert "n − 1 borders" in reasons and "(n − 1)|T_B − T_F|" in reasons


def test_buttons_go_from_action_to_action():
    at = opened(ranks="2", micro_batches="2")
    assert told(at).startswith("Action 8 of 8")
    for icon, begins in (
        ("first_page", "Nothing has begun"),
        ("chevron_right", "Action 1 of 8"),
        ("chevron_right", "Action 2 of 8"),
        ("chevron_left", "Action 1 of 8"),
        ("last_page", "Action 8 of 8"),
    ):
        at.button(key=f"action picker {icon}").click().run()
        assert told(at).startswith(begins)


def test_playing_goes_on_to_the_end_and_stops():
    at = opened(ranks="2", micro_batches="2", action="5")
    at.button(key="action picker play").click().run()
    assert at.button(key="action picker play").label == "Pause"
    seen = [told(at)[:8]]
    for _ in range(5):  # as the browser asks, again and again
        at.run()
        seen.append(told(at)[:8])
    assert "Action 7" in seen and seen[-1] == "Action 8" and at.button(key="action picker play").label == "Play"


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"model": "cnn", "ranks": "8"}, "modules: must be at most the model's 5 sub-layers, got 8"),
        ({"micro_batches": "6"}, "batch\\_size: must be a multiple of the 6 micro-batches, got 64"),
        ({"schedule": "interleaved", "ranks": "3"}, "must be a multiple of the 3 ranks for Interleaved 1F1B, got 8"),
        ({"schedule": "interleaved", "ranks": "8", "micro_batches": "8"}, "sub-layers, got 16; choices: 1 to 10"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(asked, sentence):
    at = opened(**asked)
    assert not at.exception and len(at.error) == 1
    assert sentence.replace("\\", "") in at.error[0].value.replace("\\", "")
    assert not figures(at)


def test_a_schedule_that_is_not_possible_is_named_below_the_table():
    at = opened(model="cnn", ranks="4", part="methods")
    assert not at.error
    assert any(note.value.startswith("Interleaved 1F1B is not possible here") for note in at.caption)


@pytest.mark.parametrize("model", MODELS)
def test_every_network_can_be_cut_in_two(model):
    at = opened(model=model, ranks="2", micro_batches="4", part="ways")
    assert not at.exception and not at.error and len(figures(at)) == SECTIONS


@pytest.mark.parametrize("asked", [{"dataset": "signals"}, {"dataset": "ct_phantom", "model": "vgg3"}])
def test_signals_and_volumes_too(asked):
    at = opened(images="dataset", ranks="2", **asked)
    assert not at.exception and not at.error and len(figures(at)) == SECTIONS


def test_one_machine_has_no_cut_and_no_bubble():
    at = opened(ranks="1")
    assert not at.exception and not at.error
    assert metrics(at)["Bubble"] == "0.0\u00a0%" and metrics(at)["Speed-up"] == "1.00×"
