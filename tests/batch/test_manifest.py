import os
from pathlib import Path

import pytest

from hairscan.batch.manifest import left_out_text, manifest_of_folder, read_manifest
from hairscan.errors import ManifestError


@pytest.fixture
def written(tmp_path):
    """Write a manifest beside the photographs a.jpg, b.jpg, c.jpg and d.jpg."""
    for name in "abcd":
        (tmp_path / f"{name}.jpg").write_bytes(b"a photo")

    def write(text):
        path = tmp_path / "manifest.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def problems(path):
    with pytest.raises(ManifestError) as refused:
        read_manifest(path)
    assert "\n" not in str(refused.value)
    return refused.value.problems or (str(refused.value),)


def test_a_manifest_is_read_in_its_own_order_with_its_own_columns(written, tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "e.jpg").write_bytes(b"a photo")
    text = f"visit,image,um_per_px\n0, b.jpg ,2.5\n\n12,sub\\e.jpg,\n12,{tmp_path / 'a.jpg'},\n"
    manifest = read_manifest(written(text))
    assert manifest.columns == ("visit", "image", "um_per_px")
    assert [row.image for row in manifest.rows] == ["b.jpg", "sub\\e.jpg", str(tmp_path / "a.jpg")]
    assert [row.place for row in manifest.rows] == [str(tmp_path / n) for n in ("b.jpg", "sub/e.jpg", "a.jpg")]
    assert [row.um_per_px for row in manifest.rows] == [2.5, None, None]
    assert [row.line for row in manifest.rows] == [2, 4, 5]


def test_the_mark_that_excel_puts_in_front_is_dropped(written):
    assert read_manifest(written(b"\xef\xbb\xbfimage\r\na.jpg\r\n")).columns == ("image",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty: its first line must name the columns"),
        ("\n \n", "is empty: its first line must name the columns"),
        ("image,arm\n", "names no photograph"),
        ("subject,arm\nS1,x\n", "line 1: there is no column 'image'"),
        ("image,weight\na.jpg,3\n", "line 1: unknown column 'weight': a manifest has image, subject, arm"),
        ("image,arm,arm\na.jpg,x,y\n", "line 1: column 'arm' is there 2 times"),
        ("image;arm\na.jpg;x\n", "line 1: its columns are separated by semicolons: save it as comma-separated CSV"),
        ("image\tarm\na.jpg\tx\n", "line 1: its columns are separated by tabs"),
        ("image,arm\na.jpg,x\nb.jpg\n", "line 3: 1 cell where the first line has 2 columns"),
        ("image,arm\na.jpg,x,y\n", "line 2: 3 cells where the first line has 2 columns"),
        ("image,arm\na.jpg,x\nmissing.jpg,x\n", "line 3: missing.jpg is missing; it was looked for in"),
        ("image\n.\n", "line 2: . is a folder"),
        ("image,arm\n,x\n", "line 2: no image is named"),
        ("image,arm\na.jpg,x\na.jpg,x\n", "line 3 is the same as line 2"),
        ("image,visit\na.jpg,1\n./a.jpg,2\n", "line 3: ./a.jpg is in line 2 already"),
        ("image,um_per_px\na.jpg,wide\n", "line 2: um_per_px 'wide' is not a number"),
        ("image,um_per_px\na.jpg,0\n", "line 2: um_per_px '0' cannot be: 0 um/px (manifest) is no possible scale"),
        ("image,um_per_px\na.jpg,nan\n", "line 2: um_per_px 'nan' is not a number"),
        ("image,um_per_px\na.jpg,2_7\n", "line 2: um_per_px '2_7' is not a number"),
        ("image,um_per_px\na.jpg,２.７８\n", "line 2: um_per_px '２.７８' is not a number"),
        ('image,um_per_px\na.jpg,"2,78"\n', "line 2: um_per_px '2,78' is not a number"),
        ("image,um_per_px\na.jpg,1e9\n", "line 2: um_per_px '1e9' cannot be"),
        ("image,days_since_clipping\na.jpg,1_0\n", "line 2: days_since_clipping '1_0' is not a number of days"),
        ("image,days_since_clipping\na.jpg,٣\n", "line 2: days_since_clipping '٣' is not a number of days"),
        ("image,days_since_clipping\na.jpg,-1\n", "line 2: days_since_clipping '-1' is not a number of days"),
        ("image,date\na.jpg,31.12.2026\n", "line 2: date '31.12.2026' is not a date as 2026-03-31"),
        ("image,date\na.jpg,2026-02-30\n", "line 2: date '2026-02-30' is not a date"),
        ("image,subject,arm\na.jpg,S1,x\nb.jpg,S1,y\n", "line 3: subject S1 is in arm 'y' and, in line 2, in 'x'"),
        (
            "image,device,um_per_px\na.jpg,F,2.5\nb.jpg,G,3\nc.jpg,F,2.6\n",
            "line 4: device F has 2.6 um/px and, in line 2, 2.5",
        ),
        (
            "image,subject,visit,date\na.jpg,S1,0,2026-02-01\nb.jpg,S1,12,2026-01-01\n",
            "line 3: subject S1, visit 12 on 2026-01-01 is before visit 0 on 2026-02-01 (line 2)",
        ),
        (
            "image,subject,visit,date\na.jpg,S1,week 4,2026-02-01\nb.jpg,S1,Baseline,2026-02-02\n",
            "line 2: subject S1, visit week 4 on 2026-02-01 is before visit Baseline on 2026-02-02 (line 3)",
        ),
        ('image,arm\na.jpg,"x\nb.jpg,y\n', "is not CSV"),
        ("image,arm\na.jpg,Plac\xe9bo\n".encode("latin-1"), "is not UTF-8 (line 2): save it as"),
        ("image\na.jpg\n".encode("utf-16"), "is not UTF-8 (line 1): save it as"),
        (b"PK\x03\x04 and so on", "is a spreadsheet, not CSV: save it as"),
        (
            "image\nnowhere://bucket/a.jpg\nnowhere://bucket/b.jpg\n",
            "line 2: nowhere://bucket/a.jpg cannot be read here",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_line(written, text, words):
    found = problems(written(text))
    assert len(found) == 1
    assert words in found[0]


@pytest.mark.parametrize(
    "text",
    [
        "image,subject,arm,side\na.jpg,S1,x,left\nb.jpg,S1,y,right\n",
        "image,subject,arm\na.jpg,S1,x\nb.jpg,S2,y\nc.jpg,S1,\n",
        "image,subject,visit,date\na.jpg,S1,12,2026-03-01\nb.jpg,S1,0,2026-01-01\nc.jpg,S2,0,2026-05-01\n",
        "image,subject,visit,date\na.jpg,S1,month 6,2026-07-01\nb.jpg,S1,week 12,2026-03-26\n",
        "image,device,um_per_px\na.jpg,F,2.5\nb.jpg,F,2.50\nc.jpg,F,\nd.jpg,,3\n",
    ],
    ids=["split scalp", "two subjects", "rows in any order", "weeks and months", "one scale"],
)
def test_what_is_right_is_let_pass(written, text):
    assert read_manifest(written(text)).rows


@pytest.mark.parametrize("text", ["2.78", "+2.78", "2.", ".5", "27e-1", "2.7E+0", "02.70"])
def test_a_decimal_number_is_a_scale(written, text):
    (row,) = read_manifest(written(f"image,um_per_px\na.jpg,{text}\n")).rows
    assert row.um_per_px == float(text)


def test_all_problems_are_listed_at_once_in_the_order_of_their_lines(written):
    text = "image,suject,subject,arm,date\na.jpg,,S1,x,soon\ngone.jpg,,S1,y,2026-01-01\nb.jpg\na.jpg,,S2,x,2026-01-01\n"
    path = written(text)
    assert [problem.split(":")[0] for problem in problems(path)] == [f"line {n}" for n in (1, 2, 3, 3, 4, 5)]
    with pytest.raises(ManifestError, match=r"manifest.csv has 6 problems, and nothing was measured: line 1"):
        read_manifest(path)


@pytest.mark.parametrize("name", ["p1.jpg", "p1.TIF", "p1.heic"])
def test_a_photograph_is_no_manifest(tmp_path, name):
    (tmp_path / name).write_bytes(b"\xff\xd8\xff")
    with pytest.raises(ManifestError, match=f"^{name} is a photograph: measure it with 'hairscan score', or give its"):
        read_manifest(tmp_path / name)


def test_a_manifest_that_is_not_there(tmp_path):
    with pytest.raises(ManifestError, match="does not exist: give a folder of photographs or a manifest"):
        read_manifest(tmp_path / "manifest.csv")


def test_a_folder_gives_its_photographs_and_no_overlays(tmp_path):
    for name in ("b.JPG", "sub/a.png", "sub/c.tiff", "overlays/z.jpg", "notes.txt", ".hidden.jpg", ".cache/d.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    for mark in ("done/run.json", "begun/.parts/x.json"):
        (tmp_path / mark).parent.mkdir(parents=True)
        (tmp_path / mark).write_bytes(b"")
        overlay = tmp_path / mark.split("/")[0] / "overlays" / "o.png"
        overlay.parent.mkdir()
        overlay.write_bytes(b"")
    manifest = manifest_of_folder(tmp_path)
    assert [row.image for row in manifest.rows] == ["b.JPG", "overlays/z.jpg", "sub/a.png", "sub/c.tiff"]
    assert manifest.columns == ("image",)


def test_a_folder_that_cannot_be_read_is_refused(tmp_path, monkeypatch):
    (tmp_path / "a.png").touch()
    (tmp_path / "closed").mkdir()

    def list_folder(place, scandir=os.scandir):
        if Path(place).name == "closed":
            raise PermissionError(13, "Permission denied", str(place))
        return scandir(place)

    monkeypatch.setattr(os, "scandir", list_folder)
    with pytest.raises(ManifestError, match=r"closed cannot be read \(Permission denied\)"):
        manifest_of_folder(tmp_path)


def test_linked_folders_are_walked_once(tmp_path):
    photos, elsewhere = tmp_path / "photos", tmp_path / "elsewhere"
    for folder in (photos, elsewhere):
        folder.mkdir()
        (folder / "a.png").touch()
    (photos / "linked").symlink_to(elsewhere)
    (photos / "round").symlink_to(photos)
    assert [row.image for row in manifest_of_folder(photos).rows] == ["a.png", "linked/a.png"]


def test_pictures_that_hairscan_draws_are_no_photographs(tmp_path):
    for name in ("a.jpg", "a-calibration.png", "b-calibration.png", "pair/blink.png", "pair/b.png", "blink.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "pair" / "comparison.json").touch()
    # Where no photograph b lies, b-calibration.png is one.
    images = [row.image for row in manifest_of_folder(tmp_path).rows]
    assert images == ["a.jpg", "b-calibration.png", "blink.png", "pair/b.png"]


def test_a_photograph_under_two_paths_is_there_twice(written, tmp_path):
    (tmp_path / "sub").mkdir()
    path = written("image\na.jpg\nsub/../a.jpg\n")
    assert problems(path) == ("line 3: sub/../a.jpg is in line 2 already",)


def test_a_folder_without_photographs(tmp_path):
    with pytest.raises(ManifestError, match="there is no photograph"):
        manifest_of_folder(tmp_path)


def test_every_ending_of_a_jpeg_is_a_photograph(tmp_path):
    for name in ("a.jfif", "b.JPE", "c.jpeg"):
        (tmp_path / name).write_bytes(b"")
    manifest = manifest_of_folder(tmp_path)
    assert [row.image for row in manifest.rows] == ["a.jfif", "b.JPE", "c.jpeg"]
    assert manifest.left_out == ()


def test_pictures_of_other_kinds_are_named_by_a_folder(tmp_path):
    for name in ("a.png", "sub/IMG_1.HEIC", "b.webp", "notes.txt", "clip.mov", ".hidden.heic"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    manifest = manifest_of_folder(tmp_path)
    assert [row.image for row in manifest.rows] == ["a.png"]
    assert manifest.left_out == ("b.webp", "sub/IMG_1.HEIC")
    (tmp_path / "a.png").unlink()
    with pytest.raises(
        ManifestError, match=r"there is no photograph .*: 2 files were left out, .*: b\.webp, sub/IMG_1"
    ):
        manifest_of_folder(tmp_path)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["a.dcm"], "1 file was left out, as it is not JPEG, PNG or TIFF: a.dcm - convert it first"),
        (["a", "b"], "2 files were left out, as they are not JPEG, PNG or TIFF: a, b - convert them first"),
        (
            list("abcde"),
            "5 files were left out, as they are not JPEG, PNG or TIFF: a, b, c and 2 more - convert them first",
        ),
    ],
)
def test_what_is_said_of_pictures_that_are_left_out_is_short(names, words):
    assert left_out_text(names) == words
