"""A blind study: what the browser gets, what is kept, and what is made of the files of a class."""

import json
import shutil
import time

import cv2
import ipywidgets
import numpy as np
import pytest

import srhelpers as sr

TRUE = {"original": 4.6, "mine": 3.4, "lanczos": 2.2, "nearest": 1.2}


@pytest.fixture
def photos(random):
    return [random.integers(0, 256, (24, 32, 3), "uint8") for _ in range(4)]


def secret_method(image, size):
    return sr.degradations.resize(image, size, "lanczos")


@pytest.fixture
def study(photos, tmp_path):
    def make(rater="ada", **options):
        networks = {"lanczos": "lanczos", "mine": secret_method}
        return sr.opinions.Study(photos, networks, folder=tmp_path / "ratings", rater=rater, **options)

    return make


def rows(study):
    return [json.loads(line) for line in study.file.read_text("utf-8").splitlines()]


def parts(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from parts(child)


def buttons(widget):
    return {part.description.split()[-1]: part for part in parts(widget) if isinstance(part, ipywidgets.Button)}


def pictures(widget):
    return [bytes(part.value) for part in parts(widget) if isinstance(part, ipywidgets.Image)]


@pytest.fixture
def patient(monkeypatch):
    """Nobody waits before a click."""
    monkeypatch.setattr(sr.opinions, "HASTE", -1)


# --- what the rater sees


@pytest.mark.parametrize("pairs", [False, True])
def test_no_name_of_a_network_reaches_the_browser(study, pairs, patient):
    mine = study(pairs=pairs)
    widget, sent = mine.show(), []
    buttons(widget)["Begin"].click()
    for _ in range(len(mine.questions) - 1):
        sent += [repr(part.get_state()) for part in parts(widget)]
        next(iter(buttons(widget).values())).click()
    assert len(mine.remaining) == 1
    names = (
        "lanczos",
        "mine",
        "nearest",
        "original",
        "secret",
        *(photo for photo, _ in mine.questions if len(photo) > 1),
    )
    assert not [name for name in names if any(name in text for text in sent)]


def test_pictures_come_without_loss_and_calibration_first(study, photos, patient):
    mine = study()
    widget = mine.show()
    worst, best = (cv2_read(content) for content in pictures(widget))
    np.testing.assert_array_equal(best, photos[0])
    small = sr.degradations.bicubic(photos[0], (6, 8))
    np.testing.assert_array_equal(worst, sr.degradations.resize(small, (24, 32), "nearest"))
    buttons(widget)["Begin"].click()
    photo, (name,) = mine.remaining[0]
    np.testing.assert_array_equal(cv2_read(pictures(widget)[0]), mine.pictures[photo, name])


def cv2_read(content):
    return cv2.imdecode(np.frombuffer(content, "uint8"), cv2.IMREAD_COLOR)[..., ::-1]


def test_every_picture_is_asked_once_in_an_order_of_each_rater(study):
    ada, bob = study(), study("bob")
    every = {(str(n), (name,)) for n in (1, 2, 3) for name in TRUE}
    assert set(ada.questions) == set(bob.questions) == every
    assert len(ada.questions) == len(every)
    assert ada.questions != bob.questions
    assert ada.questions == study().questions


def test_pairs_are_asked_once_and_both_sides_are_used(study):
    asked = [shown for _, shown in study(pairs=True).questions]
    assert len(asked) == 18 == 3 * len({frozenset(shown) for shown in asked})
    assert 0 < sum(shown == tuple(sorted(shown)) for shown in asked) < 18


def test_large_photos_are_cut_and_gray_ones_are_shown(tmp_path, random):
    photos = [random.integers(0, 256, (24, 32), "uint8"), random.integers(0, 256, (400, 500, 3), "uint8")]
    mine = sr.opinions.Study(photos, {"bicubic": "bicubic"}, folder=tmp_path, rater="1", scale=3)
    assert mine.pictures["1", "original"].shape == mine.pictures["1", "bicubic"].shape == (318, 318, 3)
    np.testing.assert_array_equal(mine.pictures["0", "original"][..., 2], photos[0][:, :30])


def test_photos_of_one_name_are_told_apart(photos, tmp_path):
    files = [tmp_path / folder / "IMG_1.png" for folder in "abc"]
    for file, photo in zip(files, photos, strict=False):
        file.parent.mkdir()
        cv2.imwrite(str(file), photo[..., ::-1])
    mine = sr.opinions.Study(files, {"bicubic": "bicubic"}, folder=tmp_path, rater="1")
    assert len(set(mine.questions)) == 2 * 3
    for number in range(3):
        np.testing.assert_array_equal(mine.pictures[f"{number} IMG_1", "original"], photos[number])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rater": "../ada"}, "Expected a rater of letters"),
        ({"networks": {"original": "bicubic"}}, "names other than nearest and original"),
        ({"networks": {}}, "got 4 photos and no network"),
        ({"photos": []}, "Expected two photos or more"),
    ],
)
def test_what_cannot_be_asked(photos, tmp_path, changes, message):
    given = {"photos": photos, "networks": {"b": "bicubic"}, "rater": "ada", "folder": tmp_path} | changes
    with pytest.raises(ValueError, match=message):
        sr.opinions.Study(given.pop("photos"), given.pop("networks"), **given)


# --- what is kept


def test_each_click_is_in_the_file_at_once(study, patient):
    mine = study()
    widget = mine.show()
    buttons(widget)["Begin"].click()
    first = mine.remaining[0]
    assert not mine.file.exists()
    buttons(widget)["good"].click()
    assert [(row["photo"], tuple(row["shown"]), row["answer"]) for row in rows(mine)] == [(*first, 4)]
    assert any("2 of 12" in part.value for part in parts(widget) if isinstance(part, ipywidgets.HTML))


def test_a_double_click_answers_one_question(study):
    mine = study()
    widget = mine.show()
    buttons(widget)["Begin"].click()
    time.sleep(sr.opinions.HASTE + 0.1)
    for _ in range(2):
        buttons(widget)["fair"].click()
    assert len(rows(mine)) == 1


def test_a_study_goes_on_where_it_was_left_also_after_half_a_line(study):
    first = study()
    for grade in (1, 2, 3):
        first.answer(grade)
    with first.file.open("a") as file:
        file.write('{"study": "')  # the machine went down
    second = study()
    assert second.remaining == first.questions[3:]
    for _ in range(9):
        second.answer(5)
    assert second.remaining == []
    assert [row["answer"] for row in sr.opinions._rows(first.file)[0]] == [1, 2, 3, *[5] * 9]
    assert sr.opinions._rows(first.file)[1] == ["4"]


def test_an_interrupted_write_leaves_the_old_answers(study, monkeypatch):
    mine = study()
    mine.answer(3)
    monkeypatch.setattr(json, "dumps", lambda row: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        mine.answer(4)
    monkeypatch.undo()
    assert [row["answer"] for row in rows(mine)] == [3] and [*mine.file.parent.iterdir()] == [mine.file]


def test_other_networks_are_another_study(study, photos, tmp_path):
    mine = study()
    mine.answer(3)
    other = sr.opinions.Study(photos, {"bicubic": "bicubic"}, folder=mine.file.parent, rater="ada")
    assert other.remaining == other.questions
    assert other.file != mine.file


def test_at_the_end_there_is_the_table_and_the_file(study, patient):
    mine = study()
    widget = mine.show()
    buttons(widget)["Begin"].click()
    for _ in mine.questions:
        buttons(widget)["good"].click()
    shown = "".join(part.value for part in parts(widget) if isinstance(part, ipywidgets.HTML))
    assert "<th>lanczos</th>" in shown and str(mine.file) in shown
    assert pictures(widget) == [] and buttons(widget) == {}


# --- what a class makes


def rate(mine, random, *, turned=False):
    """Answers of somebody whose mean is the true grade of each network, but for a taste of their own."""
    taste = random.normal(0, 0.15)
    while mine.remaining:
        levels = [np.clip(TRUE[name] + taste, 1, 5) for name in mine.remaining[0][1]]
        if mine.pairs:
            mine.answer(int(random.random() < 1 / (1 + np.exp(levels[0] - levels[1]))))
        else:
            grade = 1 + int(random.binomial(4, (levels[0] - 1) / 4))
            mine.answer(6 - grade if turned else grade)


def test_thirty_raters_give_back_the_true_grades(study, random):
    for number in range(30):
        rate(study(f"student{number}"), random)
    answers, reports = sr.opinions.read(study().file.parent)
    assert reports == [] and len(answers) == 30 * 12
    table = sr.opinions.scores(answers)
    assert list(table.index) == list(TRUE)
    for network, grade in TRUE.items():
        assert table.loc[network, "from"] <= grade <= table.loc[network, "to"]
        assert table.loc[network, "to"] - table.loc[network, "from"] < 0.6
    assert set(table.raters) == {30} and set(table.answers) == {90}


def test_pairs_give_shares_that_add_up_and_the_true_order(study, random):
    for number in range(30):
        rate(study(f"student{number}", pairs=True), random)
    table = sr.opinions.scores(study(pairs=True).file.parent)
    assert list(table.index) == list(TRUE)
    assert table["share won"].sum() == pytest.approx(2)  # half of what each of the four takes part in
    assert (table["from"] < table["share won"]).all() and (table["share won"] < table["to"]).all()


def test_of_one_rater_the_interval_is_over_photos(study, random):
    mine = study()
    for grade in (1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 1, 2):
        mine.answer(grade)
    table = sr.opinions.scores(mine.file.parent)
    assert table["mean grade"].mean() == pytest.approx(33 / 12)
    assert (table["from"] <= table["mean grade"]).all() and (table["to"] > table["from"]).any()


def test_odd_files_are_named_and_do_not_count(study, photos, random):
    for number in range(3):
        rate(study(f"student{number}"), random)
    folder = study().file.parent
    clean, _ = sr.opinions.read(folder)

    one, two = (study(f"student{number}").file for number in (1, 2))
    copy = shutil.copy(one, folder / f"{one.stem} (1).jsonl")
    two.write_text(two.read_text("utf-8") + two.read_text("utf-8").splitlines()[0] + "\n" + two.read_text("utf-8")[:40])
    (folder / "report.pdf").write_bytes(b"%PDF\xff\n[1]\n5\n")
    (folder / "late").mkdir()
    (folder / "late" / "empty.jsonl").write_text("")
    other = sr.opinions.Study(photos, {"bicubic": "bicubic"}, folder=folder, rater="student2")
    other.answer(5)
    answers, reports = sr.opinions.read(folder)
    np.testing.assert_array_equal(answers.sort_values([*answers]), clean.sort_values([*clean]))
    assert sorted(reports) == sorted(
        [
            "late/empty.jsonl: no answers in it",
            "report.pdf: no answers in it",
            f"{copy.name}: student1 has another file, with as many answers or more",
            f"{two.name}: 1 answers twice",
            f"{two.name}: no answer in line 14",
            f"{other.file.name}: 1 answers of another study or rater",
        ]
    )
    with pytest.warns(UserWarning, match="no answer in line 14"):
        sr.opinions.scores(folder)


def test_a_rater_with_the_scale_upside_down_is_named_and_counts(study, random):
    for number in range(3):
        rate(study(f"student{number}"), random, turned=number == 1)
    answers, (report,) = sr.opinions.read(study().file.parent)
    assert report.startswith("student1: the original is worse (")
    assert set(answers.rater) == {"student0", "student1", "student2"}


def test_no_answers_yet(tmp_path):
    answers, reports = sr.opinions.read(tmp_path / "nothing")
    assert len(answers) == len(sr.opinions.scores(answers)) == 0 and reports == []
