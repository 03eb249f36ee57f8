"""Which folders a command may write to: new ones, and those with an earlier result of its own."""

import json
import shutil

import pytest

from hairscan.batch.manifest import read_manifest
from hairscan.batch.out_folder import check_out, check_photos_apart
from hairscan.errors import OutputError

N_PHOTOS = 5
OF_A_RUN = {"hairscan_version": "0", "configuration": {"photos": "photos"}}
RECORDS = {
    "batch": ("run.json", OF_A_RUN),
    "unblind": ("run.json", OF_A_RUN),
    "score": ("run.json", {"hairscan_version": "0", "configuration": {"photo": "a.jpg"}}),
    "compare": ("comparison.json", {"refused": None}),
    "growth": ("growth.json", {"refused": "these are two sites"}),
}


def bytes_below(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(run, photos, out, words, **options):
    """Make sure that a run is refused with these words and nothing is written."""
    before = bytes_below(out)
    with pytest.raises(OutputError, match=words) as error:
        run(photos, out, **options)
    assert "\n" not in str(error.value)
    assert bytes_below(out) == before


@pytest.mark.parametrize("name", ["manifest.csv", "images.csv", "hairs.csv", "failures.csv", "timings.csv", "run.json"])
def test_a_file_that_no_run_wrote_is_never_replaced(photos, run, name):
    (photos / name).write_text("image,subject\np0.png,S1\n")
    refused(run, photos, photos, f"{name} is of no earlier result and would be replaced: name another folder")


def test_pictures_that_no_run_drew_are_never_removed(photos, run, tmp_path):
    (tmp_path / "out" / "overlays").mkdir(parents=True)
    shutil.copy(photos / "p0.png", tmp_path / "out" / "overlays" / "mine.png")
    refused(run, photos, tmp_path / "out", "mine.png is of no earlier result")


def test_a_run_among_its_photographs_goes_on(photos, run):
    run(photos, photos)
    done, _ = run(photos, photos)
    assert (done.n_measured, done.totals.photos) == (0, N_PHOTOS)


def test_a_manifest_that_was_filled_in_after_a_run_is_not_emptied_again(photos, run):
    run(photos, photos)
    path = photos / "manifest.csv"
    path.write_text("image,subject\np0.png,S1\n")
    refused(run, photos, photos, "says more of the photographs than their names")
    done, _ = run(None, photos, manifest=read_manifest(path))
    assert (done.n_measured, done.totals.photos) == (0, 1)


@pytest.mark.parametrize("left", ["everything", "no tables yet", "no hidden files"])
def test_a_run_that_was_stopped_or_moved_goes_on(phantoms, reference, run, contents, tmp_path, left):
    moved = shutil.copytree(reference, tmp_path / "elsewhere")
    if left == "no tables yet":
        for name in ("manifest.csv", "images.csv", "hairs.csv", "failures.csv", "run.json"):
            (moved / name).unlink()
    if left == "no hidden files":
        shutil.rmtree(moved / ".parts")
    done, _ = run(phantoms, moved)
    assert done.n_measured == (N_PHOTOS if left == "no hidden files" else 0)
    assert contents(moved) == contents(reference)


@pytest.mark.parametrize("linked", [False, True])
def test_photographs_among_the_overlays_are_refused(photos, run, linked):
    folder = photos / "overlays"
    folder.mkdir()
    shutil.move(photos / "p0.png", folder / "p0.png")
    name = "overlays/p0.png"
    if linked:
        name = "link.png"
        (photos / name).symlink_to(folder / "p0.png")
    (photos / "list.csv").write_text(f"image,um_per_px\n{name},5\n")
    words = f"{name} lies where pictures of .* are replaced: move it, or name another folder"
    refused(run, None, photos, words, manifest=read_manifest(photos / "list.csv"))
    if not linked:
        refused(run, photos, photos, words)


def test_a_photograph_that_cannot_be_looked_for_is_left_to_whoever_reads_it(tmp_path):
    (tmp_path / "overlays").mkdir()
    check_photos_apart(tmp_path, [tmp_path / ("x" * 300), tmp_path / "gone.png"])


@pytest.mark.parametrize("command", RECORDS)
def test_only_the_command_that_wrote_a_folder_writes_to_it_again(tmp_path, command):
    name, content = RECORDS[command]
    (tmp_path / name).write_text(json.dumps(content))
    (tmp_path / "hairs.csv").write_text("hair_id\n")
    (tmp_path / "images.csv").write_text("image,copy,duplicate,sha256\n" if command == "unblind" else "image,sha256\n")
    check_out(tmp_path, command, ["hairs.csv", name])
    for other in RECORDS.keys() - {command}:
        with pytest.raises(OutputError, match=f"holds a result of hairscan {command}: name another folder"):
            check_out(tmp_path, other, ["hairs.csv"])


@pytest.mark.parametrize("text", ["", "{", "[]", '{"other": 1}'])
def test_a_record_of_another_program_is_no_result(tmp_path, text):
    (tmp_path / "run.json").write_text(text)
    check_out(tmp_path, "compare", ["hairs.csv"])
    with pytest.raises(OutputError, match=r"run\.json is of no earlier result"):
        check_out(tmp_path, "batch", ["run.json"])


def test_a_run_that_was_stopped_before_its_tables_is_a_run(tmp_path):
    (tmp_path / ".parts").mkdir()
    with pytest.raises(OutputError, match="holds a result of hairscan batch"):
        check_out(tmp_path, "score", [])
