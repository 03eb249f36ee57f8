"""The page: whole, self-contained, and true to the figures; the pictures show what they say."""

from html.parser import HTMLParser

import numpy as np
import pytest

from hairscan.training.bootstrap import Figure
from hairscan.training.metrics import Verdict
from hairscan.training.page import render_page
from hairscan.training.pictures import COLOURS, draw_panel
from hairscan.training.tables import Column, Evaluation, tables_of
from hairscan.training.worst import ErrorPicture, error_of

VOID = {"meta", "img"}


class Reader(HTMLParser):
    """Checks that every element that is opened is closed, and keeps what it read."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.text = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture
def evaluation():
    figure = Figure(value=0.9, low=0.85, high=0.95)
    unknown = Figure(value=float("nan"), low=float("nan"), high=float("nan"))
    sizes = {"photographs": 4}
    return Evaluation(
        hairscan_version="0",
        model="a <b> & c",
        sha256="f" * 64,
        device="cpu",
        command="hairscan evaluate --data 'my data'",
        part="validation",
        photos={
            "model": Column(sizes=sizes, figures={"f1": figure, "recall_premium": figure, "width_premium_um": unknown}),
            "median_count": Column(sizes=sizes, figures={"bias": figure}),
        },
    )


@pytest.fixture
def picture():
    grey = np.full((60, 80, 3), 120, np.uint8)
    return ErrorPicture("tile", 3, 4, 2, 1, grey, grey)


def read(text):
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


def test_the_page_is_whole_and_needs_nothing_beside_it(evaluation, picture):
    text = render_page(evaluation, [(10.0, 11.0), (250.0, 240.0)], [picture], [picture])
    page = read(text)
    assert text.startswith("<!DOCTYPE html>")
    assert page.all("html") == [{"lang": "en"}]
    assert len(page.all("title")) == 2
    assert page.all("script") == page.all("link") == []
    assert "http" not in text
    images = page.all("img")
    assert len(images) == 4
    assert all(image["src"].startswith("data:image/jpeg;base64,") and image["alt"] for image in images)
    assert len(page.all("circle")) == 2
    words = "".join(page.text)
    assert "Do not pass it on" in words
    assert "a <b> & c" in words
    assert "f" * 64 in words
    assert "hairscan evaluate --data 'my data'" in words
    assert "tile: 4 annotated, 3 found; 2 missed, 1 wrong" in words


def test_without_photographs_there_is_nothing_to_keep_to_oneself(evaluation, picture):
    page = read(render_page(evaluation, [], [], [picture]))
    assert "Do not pass it on" not in "".join(page.text)
    assert page.all("svg") == []
    assert len(page.all("img")) == 2


def test_the_tables_of_the_page_are_those_that_are_printed(evaluation):
    [table] = tables_of(evaluation)
    assert table.headings == ("figure", "a <b> & c", "always the median count")
    assert table.rows == (
        ("photographs", "4", "4"),
        ("F1", "0.900\n0.850 to 0.950", ""),
        ("recall of premium hairs", "0.900\n0.850 to 0.950", ""),
        ("mean width of premium hairs, µm", "", ""),
    )
    words = "".join(read(render_page(evaluation, [], [], [])).text)
    assert all(cell in words for row in table.rows for cell in row)


def test_a_dot_lies_where_its_counts_are(evaluation):
    page = read(render_page(evaluation, [(0.0, 0.0), (30.0, 15.0), (60.0, 60.0)], [], []))
    x, y = np.array([(float(dot["cx"]), float(dot["cy"])) for dot in page.all("circle")]).T
    assert x[1] - x[0] == pytest.approx(x[2] - x[1])
    assert y[0] - y[1] == pytest.approx((y[0] - y[2]) / 4)


def test_a_panel_shows_every_hair_in_the_colour_of_its_verdict():
    rgb = np.full((600, 1600, 3), 128, np.uint8)
    paths = [np.array([[200.0, y], [1000.0, y]]) for y in (100.0, 300.0, 500.0)]
    verdicts = np.array([Verdict.ALONE, Verdict.MATCHED, Verdict.NOT_JUDGED], np.uint8)
    panel = draw_panel(rgb, paths, verdicts)
    assert panel.shape == (300, 800, 3)
    for y_px, verdict in zip((50, 150, 250), verdicts, strict=True):
        assert tuple(panel[y_px, 200]) == COLOURS[Verdict(int(verdict))]
    # The cross: off the line, on its middle, of the missed hair only.
    assert tuple(panel[54, 304]) == COLOURS[Verdict.ALONE]
    assert tuple(panel[154, 304]) == (128, 128, 128)
    assert (rgb == 128).all()


def test_the_error_of_a_picture_is_that_of_its_count_and_its_misses():
    assert error_of(10, 10, 10) == 0
    assert error_of(10, 10, 8) == 2
    assert error_of(12, 10, 10) == 2
    assert error_of(0, 3, 0) == 6
