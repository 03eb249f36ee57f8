"""Labels, targets and metrics: closed-form cases."""

import numpy as np
import pytest

from hairscan.errors import DataError
from hairscan.segment.spec import COVERAGE, FIRST_DIRECTION, ROOT, TIP
from hairscan.training.metrics import match_hairs
from hairscan.training.revise import revise_labels
from hairscan.training.targets import render_targets
from hairscan.training.vectors import part_of, read_samples
from hairscan.training.weak_labels import BACKGROUND, SHAFT, UNJUDGED, Labels, label_photo
from hairscan.types import N_DIRECTIONS


def test_layers_of_a_shaft_sum_to_one_and_point_along_it():
    angle = np.deg2rad(37.0)
    direction = np.array([np.cos(angle), np.sin(angle)])
    path = np.array([80.5, 80.5]) + np.outer([-50, 50], direction)
    target, weight = render_targets(np.zeros((160, 160), np.uint8), [path], [(True, True)])
    layers = target[FIRST_DIRECTION:, 40, 40]
    assert layers.sum() == pytest.approx(1.0, abs=0.01)
    angles = 2 * np.pi * np.arange(N_DIRECTIONS) / N_DIRECTIONS
    assert np.arctan2(layers @ np.sin(angles), layers @ np.cos(angles)) == pytest.approx(angle, abs=0.03)
    assert (weight == 1.0).all()
    root = np.unravel_index(target[ROOT].argmax(), target[ROOT].shape)
    assert np.allclose(root[::-1], (path[0] + 0.5) / 2 - 0.5, atol=0.8)
    assert target[TIP].max() > 0.9


def test_unjudged_cells_have_no_weight():
    labels = np.zeros((64, 64), np.uint8)
    labels[:20] = UNJUDGED
    labels[30:40, 30:40] = SHAFT
    target, weight = render_targets(labels, [], [])
    assert (weight[:, :10] == 0).all()
    assert (weight[:, 10:] == 1).all()
    assert target[COVERAGE].sum() == 25


def test_weak_label_follows_the_pixels_not_the_vector():
    rgb = np.full((300, 300, 3), 190, np.uint8)
    rgb[145:157, 80:200] = 40
    rough = np.array([[[82.0, 148.0], [196.0, 154.0]]])
    labels = label_photo(rgb, rough, np.array([False]), um_per_px=5.56)
    shaft = labels.image == SHAFT
    assert shaft[146:156, 90:190].mean() > 0.95
    assert shaft[:143].sum() == 0
    assert shaft[159:].sum() == 0


def test_dark_things_at_the_border_without_a_label_teach_nothing():
    rgb = np.full((300, 300, 3), 190, np.uint8)
    rgb[100:112, 0:90] = 40
    labels = label_photo(rgb, np.zeros((0, 2, 2)), np.zeros(0, bool), um_per_px=5.56)
    assert (labels.image[100:112, 0:88] == UNJUDGED).all()


def bowed_line(aside_px):
    along = np.linspace(0, 100, 21)
    return np.column_stack([50 + along, 100 + aside_px * np.sin(np.pi * along / 100)])


@pytest.mark.parametrize(("aside_px", "is_taken"), [(0.0, True), (9.0, True), (11.0, False)])
def test_a_trace_replaces_the_label_that_it_keeps_to(aside_px, is_taken):
    rough, trace = np.array([[50.0, 100.0], [150.0, 100.0]]), bowed_line(aside_px)
    labels = revise_labels(Labels(np.zeros((200, 200), np.uint8), [rough]), [trace], [0.4], um_per_px=5.0)
    assert labels.paths_px[0] is (trace if is_taken else rough)
    assert (labels.image == BACKGROUND).all()


def test_a_trace_the_other_way_round_replaces_no_label():
    rough = np.array([[50.0, 100.0], [150.0, 100.0]])
    labels = revise_labels(
        Labels(np.zeros((200, 200), np.uint8), [rough]), [bowed_line(0.0)[::-1]], [0.9], um_per_px=5.0
    )
    assert labels.paths_px[0] is rough


@pytest.mark.parametrize(("confidence", "teaches"), [(0.49, True), (0.5, False)])
def test_a_hair_that_nobody_labelled_teaches_nothing(confidence, teaches):
    image = np.full((200, 200), SHAFT, np.uint8)
    labelled = np.array([[50.0, 150.0], [150.0, 150.0]])
    labels = revise_labels(Labels(image, [labelled]), [bowed_line(0.0)], [confidence], um_per_px=5.0)
    assert (labels.image[94:107, 60:140] == (SHAFT if teaches else UNJUDGED)).all()
    assert (labels.image[125:, :] == SHAFT).all()
    assert (image == SHAFT).all()


def test_the_axis_of_a_labelled_hair_is_taught_beside_one_without_a_label():
    rough = np.array([[50.0, 100.0], [150.0, 100.0]])
    beside = bowed_line(0.0) + np.array([0.0, 6.0])
    labels = revise_labels(
        Labels(np.zeros((200, 200), np.uint8), [rough]), [bowed_line(0.0), beside], [0.9, 0.9], um_per_px=5.0
    )
    assert (labels.image[99:102, 60:140] == BACKGROUND).all()
    assert (labels.image[104:113, 60:140] == UNJUDGED).all()


def test_matching_prefers_more_matches_to_shorter_ones():
    found = np.array([[[0, 0], [10, 0]], [[30, 0], [40, 0]]], float)
    labels = np.array([[[28, 0], [38, 0]], [[60, 0], [70, 0]]], float)
    rows, columns = match_hairs(found, labels, 40.0)
    assert list(zip(rows, columns, strict=True)) == [(0, 0), (1, 1)]


def folder_with(path, names, vectors="", fields=None):
    """A folder of annotated photographs, the photographs themselves empty."""
    (path / "tiles").mkdir()
    for name in names:
        (path / "tiles" / name).write_bytes(b"")
    head = "tile,field,quadrant,kind,root_x_px,root_y_px,tip_x_px,tip_y_px\n"
    (path / "vectors.csv").write_text(head + (vectors or f"{names[0].split('.')[0]},a,1,single,1,2,3,4\n"))
    if fields is not None:
        (path / "fields.csv").write_text(fields)
    return path


def test_the_split_is_stable_and_keeps_copies_together(tmp_path):
    assert [part_of(key) for key in ("220128", "220908", "220106")] == ["validation", "tune", "train"]
    a, b = "230219_A001", "230219_B002"
    folder_with(
        tmp_path,
        [f"{a}_1.jpg", f"{a}_2.jpg", f"{b}_1.jpg"],
        f"{a}_1,{a},1,single,1,2,3,4\n",
        f"field,group,duplicate_of\n{a},230219,\n{b},230219,{a}\n",
    )
    samples = read_samples(tmp_path)
    assert [sample.field for sample in samples] == [a, a, b]
    assert len({sample.part for sample in samples}) == 1
    assert samples[0].vectors_px.tolist() == [[[1.0, 2.0], [3.0, 4.0]]]
    assert samples[1].vectors_px.shape == (0, 2, 2)
    assert {sample.um_per_px for sample in samples} == {2.78}


def test_there_is_no_default_scale(tmp_path):
    folder_with(tmp_path, ["a.jpg"])
    with pytest.raises(DataError, match=r"scale of a\.jpg: write it into a column um_per_px"):
        read_samples(tmp_path)
    assert read_samples(tmp_path, um_per_px=4.2)[0].um_per_px == 4.2


def test_a_date_like_that_of_a_mixed_group_is_a_group_elsewhere(tmp_path):
    fields = "field,group,um_per_px\na,230219,4\nb,230219,4\nc,230219,4\n"
    folder_with(tmp_path, ["a.jpg", "b.jpg", "c.jpg"], fields=fields)
    assert len({sample.part for sample in read_samples(tmp_path)}) == 1


@pytest.mark.parametrize(
    ("vectors", "fields", "words"),
    [
        ("a,a,1,single,1,2,3\n", None, "no number"),
        ("", "field,group\na,\n", "no group of a"),
        ("", "field\na\n", "lacks the columns group"),
        ("a,a,1,single,1,2,3,nan\n", None, "no number: nan or infinite"),
        ("a,a,1,single,1,00,2,00,3,00,4,00\n", None, "line 2: more cells than columns; write decimals with a point"),
        ("", "field,group,um_per_px\na,a,2,78\n", "line 2: more cells than columns"),
        ("", "field,group\na,a\na,b\n", "has 2 rows of 'a': keep one"),
        (
            "",
            "field,group\na,a\na.jpg,b\n",
            "names 'a.jpg', of which no photograph lies in tiles/: write",
        ),
    ],
)
def test_a_table_that_is_cut_off_is_named(tmp_path, vectors, fields, words):
    folder_with(tmp_path, ["a.jpg"], vectors, fields)
    with pytest.raises(DataError, match=words):
        read_samples(tmp_path, um_per_px=4.0)


def test_tables_of_spreadsheets_are_read_or_refused_in_one_line(tmp_path):
    table = folder_with(tmp_path, ["a.jpg"]) / "vectors.csv"
    text = table.read_text()
    table.write_text(text, encoding="utf-8-sig")
    assert len(read_samples(tmp_path, um_per_px=4.0)[0].kinds) == 1
    table.write_bytes(text.replace("single", "dünn").encode("cp1252"))
    with pytest.raises(DataError, match="no CSV in UTF-8"):
        read_samples(tmp_path, um_per_px=4.0)


def test_kinds_are_read_in_small_letters(tmp_path):
    folder_with(tmp_path, ["a.jpg"], "a,a,1,Abnormal ,1,2,3,4\n")
    assert read_samples(tmp_path, um_per_px=4.0)[0].kinds == ("abnormal",)


def test_one_photograph_has_one_file(tmp_path):
    folder_with(tmp_path, ["a.jpg", ".DS_Store"])
    assert [sample.name for sample in read_samples(tmp_path, um_per_px=4.0)] == ["a"]
    (tmp_path / "tiles" / "a.png").write_bytes(b"")
    with pytest.raises(DataError, match="2 files named a"):
        read_samples(tmp_path, um_per_px=4.0)
