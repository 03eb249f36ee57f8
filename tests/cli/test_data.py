"""What `data convert` says, and what training says to a folder that cannot be split."""

import json

import cv2
import numpy as np
import pytest

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture
def clinic(tmp_path):
    """Four photographs with one hair each, as LabelMe leaves them."""
    folder = tmp_path / "clinic"
    folder.mkdir()
    for number in range(4):
        picture = np.clip(np.random.default_rng(number).normal(170, 12, (90, 120, 3)), 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / f"p{number}.png"), picture)
        shape = {"label": "single", "points": [[30, 30], [80, 40]], "shape_type": "line"}
        (folder / f"p{number}.json").write_text(json.dumps({"shapes": [shape], "imagePath": f"p{number}.png"}))
    return folder


@pytest.fixture
def convert(hairscan, clinic, tmp_path):
    """Run `data convert`, by default on the whole clinic, and make sure that a refusal writes nothing."""

    def run(*options, source=clinic, layout="labelme", um_per_px=4.2):
        out = tmp_path / "set"
        before = sorted(path.name for path in tmp_path.iterdir())
        code, printed, err = hairscan(
            "data", "convert", source, "--format", layout, "--um-per-px", um_per_px, "--out", out, *options
        )
        if code:
            assert sorted(path.name for path in tmp_path.iterdir()) == before
        return code, printed, err

    return run


def test_what_was_written_is_told_part_by_part(convert, tmp_path):
    code, out, err = convert()
    assert code == 0
    lines = out.splitlines()
    assert [line.split()[:5] for line in lines[:3]] == [
        ["train", "2", "photographs", "of", "2"],
        ["validation", "1", "photographs", "of", "1"],
        ["tune", "1", "photographs", "of", "1"],
    ]
    assert "single 4" in lines[3]
    assert "left out" not in out
    assert err.startswith("note: every photograph was taken to be of another person")
    assert (tmp_path / "set" / "fields.csv").read_text().splitlines()[0] == "field,group,part,um_per_px"


@pytest.mark.parametrize("is_one_file", [False, True])
def test_photographs_that_nobody_annotated_are_named(convert, clinic, is_one_file):
    for number in range(5):
        (clinic / f"q{number}.png").write_bytes((clinic / "p0.png").read_bytes())
    source = clinic
    if is_one_file:
        source = clinic / "all.json"
        hair = {"category_id": 1, "keypoints": [30, 30, 2, 80, 40, 2]}
        content = {
            "images": [{"id": n, "file_name": f"p{n}.png"} for n in range(4)],
            "annotations": [{"id": n, "image_id": n, **hair} for n in range(3)],
            "categories": [{"id": 1, "name": "single", "keypoints": ["root", "tip"]}],
        }
        source.write_text(json.dumps(content))
    code, out, _ = convert(source=source, layout="coco" if is_one_file else "labelme")
    assert code == 0
    assert (
        "left out    5 photographs that no annotation names: q0.png, q1.png, q2.png and 2 more; "
        "where one is bald, save an annotation without a hair\n"
    ) in out
    assert ("bare        1 photographs without a hair, taken to be bald: p3\n" in out) == is_one_file


def test_with_subjects_there_is_nothing_to_note(convert, tmp_path):
    table = tmp_path / "subjects.csv"
    table.write_text("image,subject\n" + "".join(f"p{number}.png,S{number % 3}\n" for number in range(4)))
    assert convert("--subjects", table)[::2] == (0, "")


def test_too_few_subjects_are_one_line(convert, tmp_path):
    table = tmp_path / "subjects.csv"
    table.write_text("image,subject\n" + "".join(f"p{number}.png,S{number % 2}\n" for number in range(4)))
    code, out, err = convert("--subjects", table)
    assert (code, out) == (2, "")
    assert err.startswith("error: photographs of 2 subjects cannot be split")
    assert err.count("\n") == 1


def test_every_problem_is_a_line_and_nothing_is_written(convert, clinic):
    (clinic / "p1.png").unlink()
    (clinic / "p2.json").write_text("{")
    code, out, err = convert()
    assert (code, out) == (2, "")
    first, second, last = err.splitlines()
    assert first.startswith("p1.json: its photograph p1.png is missing")
    assert second.startswith("p2.json: is no labelme annotation file")
    assert last.startswith("error: 2 problems in ")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"um_per_px": 0}, "0 um/px (user) is no possible scale"),
        ({"um_per_px": 900}, "900 um/px (user) is no possible scale"),
        ({"layout": "voc"}, "'voc' is not one of"),
        ({"layout": "coco"}, "is no coco annotation file"),
    ],
)
def test_options_that_cannot_be_meant_are_named(convert, options, words):
    code, out, err = convert(**options)
    assert (code, out) == (2, "")
    assert words in " ".join(err.split())


def test_a_source_that_is_not_there_is_named(convert, tmp_path):
    assert "no annotation file" in convert(source=tmp_path / "nowhere")[2]


def test_a_folder_that_cannot_be_split_is_not_trained_on(hairscan, tmp_path):
    (tmp_path / "tiles").mkdir()
    (tmp_path / "tiles" / "a.png").write_bytes(b"")
    (tmp_path / "vectors.csv").write_text("tile,root_x_px,root_y_px,tip_x_px,tip_y_px\na,1,2,3,4\n")
    (tmp_path / "fields.csv").write_text("field,group,um_per_px\na,a,5\n")
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("name: small\n")
    code, out, err = hairscan("train", recipe, "--data", tmp_path, "--out", tmp_path / "run")
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert "has no photographs of the part" in err
    assert not (tmp_path / "run").exists()
