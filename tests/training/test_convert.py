"""LabelMe and COCO files of a clinic become a folder that training reads, or a list of what to mend."""

import csv
import json
from dataclasses import replace
from unicodedata import normalize
from urllib.parse import quote

import cv2
import numpy as np
import pytest

from hairscan.errors import DataError, OutputError, ScaleError
from hairscan.training import convert
from hairscan.training.annotations import Layout
from hairscan.training.convert import find_photos, read_subjects, unannotated_photos, write_training_folder
from hairscan.training.example import example_of_sample
from hairscan.training.vectors import PARTS, check_parts, read_samples, split_groups

SIZE_PX = (160, 120)
HAIR = [[30.5, 40.5], [90.5, 60.5]]


def write_photo(path, seed):
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    cv2.imwrite(str(path), np.clip(rng.normal(170, 12, (*SIZE_PX[::-1], 3)), 0, 255).astype(np.uint8))


def line(*points, label="single", shape_type="line"):
    return {"label": label, "points": list(points), "shape_type": shape_type, "group_id": None, "flags": {}}


def write_labelme(path, shapes, image=None, **more):
    content = {"version": "5.5.0", "flags": {}, "shapes": shapes, "imagePath": image or f"{path.stem}.png"}
    path.write_text(json.dumps({**content, "imageData": None, **more}))


def write_coco(path, images, annotations, keypoints=("root", "bend", "tip")):
    content = {
        "images": [{"id": n, "file_name": name} for n, name in enumerate(images)],
        "annotations": [
            {"id": n, "image_id": image, "category_id": 1, "keypoints": points, "bbox": [0, 0, 1, 1]}
            for n, (image, points) in enumerate(annotations)
        ],
        "categories": [{"id": 1, "name": "premium", "keypoints": list(keypoints)}],
    }
    path.write_text(json.dumps(content))


@pytest.fixture
def clinic(tmp_path):
    """Folder of fifty photographs of ten persons, a LabelMe file beside each."""
    source = tmp_path / "clinic"
    source.mkdir()
    for number in range(50):
        write_photo(source / f"p{number:02}.png", number)
        write_labelme(source / f"p{number:02}.json", [line(*HAIR)], imageWidth=SIZE_PX[0], imageHeight=SIZE_PX[1])
    return source


def test_fifty_photographs_become_a_folder_with_three_parts(clinic, tmp_path):
    subjects = {f"p{number:02}": f"person {number % 10}" for number in range(50)}
    photos, problems = find_photos(clinic, Layout.LABELME, subjects)
    assert problems == []
    out = tmp_path / "set"
    write_training_folder(photos, out, um_per_px=4.2)
    samples = read_samples(out, um_per_px=99.0)
    check_parts(samples, out)
    assert len(samples) == 50
    assert {sample.um_per_px for sample in samples} == {4.2}
    parts_of_person = {}
    for sample in samples:
        parts_of_person.setdefault(subjects[sample.name], set()).add(sample.part)
    assert all(len(parts) == 1 for parts in parts_of_person.values())
    assert (out / "tiles" / "p07.png").read_bytes() == (clinic / "p07.png").read_bytes()
    # LabelMe counts from the corner of the first pixel, hairscan from its centre.
    assert samples[0].vectors_px.tolist() == [[[30, 40], [90, 60]]]
    assert samples[0].kinds == ("single",)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clinic", "set"]


def test_the_network_sees_every_photograph_at_its_own_scale(clinic, tmp_path):
    photos, _ = find_photos(clinic, Layout.LABELME)
    write_training_folder(photos, tmp_path / "set", um_per_px=11.12)
    sample = read_samples(tmp_path / "set", um_per_px=2.78)[0]
    example = example_of_sample(sample, um_per_px=5.56)
    assert example.rgb.shape == (2 * SIZE_PX[1], 2 * SIZE_PX[0], 3)
    assert example.paths_px[0].tolist() == [[60.5, 80.5], [180.5, 120.5]]


def test_a_coco_file_gives_the_same_hairs(tmp_path):
    for number in range(3):
        write_photo(tmp_path / "coco" / "images" / f"p{number}.png", number)
    straight = [30, 40, 2, 60, 50, 2, 90, 60, 2]
    no_bend_marked = [30, 40, 2, 0, 0, 0, 90, 60, 1]
    bent = [30, 40, 2, 60, 90, 2, 90, 60, 2]
    images = [f"images/p{number}.png" for number in range(3)]
    write_coco(tmp_path / "coco" / "all.json", images, [(0, straight), (0, no_bend_marked), (1, bent)])
    photos, problems = find_photos(tmp_path / "coco" / "all.json", Layout.COCO)
    assert problems == []
    write_training_folder(photos, tmp_path / "set", um_per_px=4.0)
    samples = read_samples(tmp_path / "set", um_per_px=4.0)
    assert samples[0].vectors_px.tolist() == [[[30, 40], [90, 60]]] * 2
    assert samples[0].kinds == ("premium", "premium")
    # What no straight vector describes is neither taught nor judged.
    assert samples[1].vectors_px.tolist() == [[[30, 40], [60, 90]], [[60, 90], [90, 60]]]
    assert samples[1].kinds == ("abnormal", "abnormal")
    assert samples[2].vectors_px.shape == (0, 2, 2)


def test_every_problem_is_named_at_once(tmp_path):
    source = tmp_path / "clinic"
    for number, name in enumerate(("a", "b", "c", "deep/a")):
        write_photo(source / f"{name}.png", number)
    (source / "same.png").write_bytes((source / "b.png").read_bytes())
    write_photo(tmp_path / "elsewhere.png", 9)
    write_labelme(source / "a.json", [line(*HAIR), line(*HAIR, label="patch", shape_type="polygon"), line([3, 3])])
    write_labelme(source / "b.json", [line([5, 5], [161, 20])])
    write_labelme(source / "c.json", [line(*HAIR)], imageWidth=1600, imageHeight=1200)
    write_labelme(source / "deep" / "a.json", [line(*HAIR)])
    write_labelme(source / "gone.json", [line(*HAIR)])
    write_labelme(source / "nul.json", [line(*HAIR)], image="a\0.png")
    write_labelme(source / "out.json", [line(*HAIR)], image="..\\elsewhere.png")
    write_labelme(source / "same.json", [line(*HAIR)])
    write_labelme(source / "torn.json", [line(*HAIR)])
    (source / "torn.json").write_text((source / "torn.json").read_text()[:60])
    (source / "other.json").write_text('{"um_per_px": 4.2}')
    (source / "text.png").write_text("not a picture")
    write_labelme(source / "text.json", [line(*HAIR)])
    _, problems = find_photos(source, Layout.LABELME, dict.fromkeys(("a", "b", "same"), "x"))
    expected = [
        ("a.json", "shape 2 ('patch') is a polygon"),
        ("a.json", "shape 3 ('single') has fewer than two points"),
        ("b.json", "b.png is 160 x 120 px, and 1 hairs reach outside"),
        ("c.json", "c.png is 160 x 120 px, not 1600 x 1200 as annotated"),
        ("c.json", "c.png is not in the table of subjects"),
        ("deep/a.json", "a.png has the name of a.png"),
        ("gone.json", "its photograph gone.png is missing"),
        ("nul.json", "lies outside"),
        ("other.json", "is no labelme annotation file (shapes: Field required)"),
        ("out.json", "elsewhere.png' lies outside"),
        ("same.json", "same.png is the same photograph as b.png"),
        ("text.json", "text.png"),
        ("torn.json", "is no labelme annotation file"),
    ]
    assert [problem.split(": ")[0] for problem in problems] == [file for file, _ in expected]
    for problem, (_, words) in zip(problems, expected, strict=True):
        assert words in problem
        assert "\n" not in problem


def test_hairs_drawn_twice_or_without_a_length_are_named(tmp_path):
    write_photo(tmp_path / "a.png", 0)
    again = [line(*HAIR), line(*HAIR[::-1]), line([10.5, 20.5], [50, 50]), line([10.5, 20.5], [50, 50])]
    write_labelme(tmp_path / "a.json", [line(*HAIR), *again, line([30, 30], [30.4, 30.6]), line([7, 7], [7, 7])])
    assert find_photos(tmp_path, Layout.LABELME)[1] == [
        *(
            f"a.json: shape {n} ('single') has fewer than two points that differ: draw every hair as a line or "
            "linestrip, root first, or delete it"
            for n in (6, 7)
        ),
        "a.json: hairs of a.png are drawn twice, with their roots at (30, 40), (90, 60), (10, 20) px: "
        "delete one of each",
    ]


def test_a_path_that_stands_still_at_a_point_has_no_piece_there(clinic, tmp_path):
    write_labelme(clinic / "p00.json", [line([30, 30], [60, 90], [60, 90], [90, 30], [90, 30], shape_type="linestrip")])
    photos, problems = find_photos(clinic, Layout.LABELME)
    assert problems == []
    write_training_folder(photos, tmp_path / "set", um_per_px=4.2)
    vectors_px = read_samples(tmp_path / "set")[0].vectors_px
    assert len(vectors_px) == 2
    assert (vectors_px[:, 0] != vectors_px[:, 1]).any(axis=1).all()


COMPOSED, APART = normalize("NFC", "Müller é"), normalize("NFD", "Müller é")


@pytest.mark.parametrize(
    ("on_disk", "written"),
    [
        ("visit 1/head 2.png", "visit%201/head%202.png"),
        (f"{COMPOSED}.png", f"{APART}.png"),
        (f"{APART}/{APART}.png", f"{COMPOSED}/{COMPOSED}.png"),
        (f"{APART}.png", f"{quote(COMPOSED)}.png"),
        ("50%20.png", "50%20.png"),
    ],
)
def test_names_are_found_however_they_are_encoded(tmp_path, on_disk, written):
    write_photo(tmp_path / on_disk, 0)
    write_labelme(tmp_path / "a.json", [line(*HAIR)], image=written)
    for name in (on_disk, written):
        table = tmp_path / "subjects.csv"
        table.write_text(f"image,subject\n{name},S1\n", encoding="utf-8")
        photos, problems = find_photos(tmp_path, Layout.LABELME, read_subjects(table))
        assert problems == []
        assert [(photo.image.name, photo.subject) for photo in photos] == [(on_disk.split("/")[-1], "S1")]
        assert photos[0].image.is_file()
        assert unannotated_photos(tmp_path, photos) == []


def test_a_name_that_differs_in_more_than_its_encoding_is_missing(tmp_path):
    write_photo(tmp_path / "Muller.png", 0)
    write_labelme(tmp_path / "a.json", [line(*HAIR)], image="M%C3%BCller.png")
    (problem,) = find_photos(tmp_path, Layout.LABELME)[1]
    assert problem.startswith("a.json: its photograph M%C3%BCller.png is missing")


def test_ids_that_a_merged_file_gives_twice_are_named(tmp_path):
    for number in range(2):
        write_photo(tmp_path / f"p{number}.png", number)
    write_coco(tmp_path / "all.json", ["p0.png", "p1.png"], [(0, [30, 40, 2, 0, 0, 0, 90, 60, 2])])
    content = json.loads((tmp_path / "all.json").read_text())
    content["images"][1]["id"] = 0
    content["categories"] *= 2
    (tmp_path / "all.json").write_text(json.dumps(content))
    photos, problems = find_photos(tmp_path / "all.json", Layout.COCO)
    assert photos == []
    assert [problem.split(": ", 1)[1] for problem in problems] == [
        f"gives the id {key} to 2 {what} entries: export the files that were joined one by one"
        for key, what in ((0, "image"), (1, "category"))
    ]


def test_labels_are_read_in_small_letters_and_misspelt_ones_named(tmp_path):
    write_photo(tmp_path / "a.png", 0)
    labels = ("Abnormal", " PREMIUM ", "hair", "singel")
    shapes = [line([30, 40 + 5 * n], [90, 60], label=label) for n, label in enumerate(labels)]
    write_labelme(tmp_path / "a.json", shapes)
    (tmp_path / "a.json").write_bytes(b"\xef\xbb\xbf" + (tmp_path / "a.json").read_bytes())
    photos, problems = find_photos(tmp_path, Layout.LABELME)
    assert [hair.kind for photo in photos for hair in photo.hairs] == ["abnormal", "premium", "hair"]
    assert problems == ["a.json: shape 4 is labelled 'singel': did you mean single?"]


def test_subjects_may_have_points_in_the_names_of_their_photographs(tmp_path):
    (tmp_path / "subjects.csv").write_text("image,subject\ns.0,A\ns.1,B\ns.2.PNG,C\n")
    assert read_subjects(tmp_path / "subjects.csv") == {"s.0": "A", "s.1": "B", "s.2": "C"}


def test_a_hidden_photograph_is_named_before_anything_is_written(tmp_path):
    write_photo(tmp_path / ".h.png", 0)
    write_labelme(tmp_path / "h.json", [line(*HAIR)], image=".h.png")
    assert find_photos(tmp_path, Layout.LABELME)[1] == ["h.json: .h.png is hidden by its name: rename it"]


def test_what_is_wrong_with_keypoints_is_named(tmp_path):
    write_photo(tmp_path / "a.png", 0)
    whole = [30, 40, 2, 60, 50, 2, 90, 60, 2]
    annotations = [(0, whole), (0, whole[:6]), (0, [0, 0, 0, *whole[3:]]), (7, whole), (0, [5, 5, 2] * 3)]
    write_coco(tmp_path / "all.json", ["a.png"], annotations)
    _, problems = find_photos(tmp_path, Layout.COCO)
    assert [problem.split(": ")[1] for problem in problems] == [
        "annotation 1 has 6 numbers for 3 keypoints",
        "annotation 2 has no root",
        "annotation 3 is of an image 7 that is not listed",
        "annotation 4 has its root and tip on one point",
    ]
    write_coco(tmp_path / "all.json", ["a.png"], [(0, whole)], keypoints=("start", "bend", "end"))
    assert "name its keypoints root and tip" in find_photos(tmp_path, Layout.COCO)[1][0]


def test_a_folder_without_annotations_or_hairs_is_refused(tmp_path):
    with pytest.raises(DataError, match="no annotation file"):
        find_photos(tmp_path / "nowhere", Layout.COCO)
    write_photo(tmp_path / "a.png", 0)
    write_labelme(tmp_path / "a.json", [])
    with pytest.raises(DataError, match="tells of no hair"):
        find_photos(tmp_path, Layout.LABELME)


def test_nothing_is_left_where_something_goes_wrong(clinic, tmp_path, monkeypatch):
    photos, _ = find_photos(clinic, Layout.LABELME)
    before = sorted(tmp_path.iterdir())

    def fail(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(convert.shutil, "copyfile", fail)
        with pytest.raises(OutputError, match="No space left"):
            write_training_folder(photos, tmp_path / "set", um_per_px=4.2)
    with pytest.raises(ScaleError):
        write_training_folder(photos, tmp_path / "set", um_per_px=0.0)
    with pytest.raises(OutputError, match="is there already"):
        write_training_folder(photos, clinic, um_per_px=4.2)
    with pytest.raises(DataError, match="photographs of 2 subjects cannot be split"):
        write_training_folder(photos[:2], tmp_path / "set", um_per_px=4.2)
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("count", [3, 4, 10, 50, 400])
def test_every_part_gets_its_share_of_the_groups(count):
    split = split_groups(f"person {number}" for number in range(count))
    counts = [list(split.values()).count(part) for part in PARTS]
    assert sum(counts) == count
    assert min(counts) >= 1
    assert counts[1:] == pytest.approx([0.15 * count, 0.10 * count], abs=1.0)


def test_the_table_of_subjects_is_read_by_name(tmp_path):
    table = tmp_path / "subjects.csv"
    table.write_text("﻿image,subject,visit\nvisit 1/a.jpg,S1 ,1\nb,S2,1\n")
    assert read_subjects(table) == {"a": "S1", "b": "S2"}
    table.write_text("image,subject\na.jpg,S1\nx/a.png,S2\n")
    with pytest.raises(DataError, match="two subjects"):
        read_subjects(table)
    table.write_text("image,subject\na.jpg\n")
    with pytest.raises(DataError, match="filled in every row"):
        read_subjects(table)


def edit_fields(folder, **values):
    """Give the first row of fields.csv other values."""
    with (folder / "fields.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    rows[0].update(values)
    with (folder / "fields.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"part": "test"}, "puts p00 into 'test'"),
        ({"part": "tune", "group": "p01"}, "puts 'p01' into two parts"),
        ({"um_per_px": "4,2"}, "no number"),
        ({"um_per_px": "-1"}, "no possible scale"),
    ],
)
def test_a_table_edited_by_hand_is_checked(clinic, tmp_path, values, words):
    photos, _ = find_photos(clinic, Layout.LABELME)
    write_training_folder(photos, tmp_path / "set", um_per_px=4.2)
    if "group" in values:
        samples = {sample.name: sample.part for sample in read_samples(tmp_path / "set", um_per_px=4.2)}
        values = {**values, "part": next(part for part in PARTS if part != samples["p01"])}
    edit_fields(tmp_path / "set", **values)
    with pytest.raises((DataError, ScaleError), match=words):
        read_samples(tmp_path / "set", um_per_px=4.2)


def test_a_part_without_photographs_is_named(clinic, tmp_path):
    photos, _ = find_photos(clinic, Layout.LABELME)
    write_training_folder(photos, tmp_path / "set", um_per_px=4.2)
    samples = [s for s in read_samples(tmp_path / "set", um_per_px=4.2) if s.part == "train"]
    with pytest.raises(DataError, match="no photographs of the part validation and tune"):
        check_parts(samples, tmp_path / "set")


@pytest.mark.parametrize("part", ["train", "tune"])
def test_a_part_of_bald_photographs_alone_is_named(clinic, tmp_path, part):
    photos, _ = find_photos(clinic, Layout.LABELME)
    write_training_folder(photos, tmp_path / "set", um_per_px=4.2)
    samples = [
        replace(sample, vectors_px=sample.vectors_px[:0], kinds=sample.kinds[:0]) if sample.part == part else sample
        for sample in read_samples(tmp_path / "set", um_per_px=4.2)
    ]
    with pytest.raises(DataError, match=f"photographs of the part {part} in .* have no hair"):
        check_parts(samples, tmp_path / "set")


def test_vectors_of_a_photograph_that_is_not_there_are_not_passed_over(clinic, tmp_path):
    photos, _ = find_photos(clinic, Layout.LABELME)
    write_training_folder(photos, tmp_path / "set", um_per_px=4.2)
    (tmp_path / "set" / "tiles" / "p03.png").unlink()
    with pytest.raises(DataError, match="names 'p03'"):
        read_samples(tmp_path / "set", um_per_px=4.2)
