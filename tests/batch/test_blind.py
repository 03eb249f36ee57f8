import csv
import hashlib
import json
import re
import shutil
import struct
import zlib
from dataclasses import replace
from functools import cache

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from hairscan.batch.blind import blind_photos
from hairscan.batch.blind_key import read_key
from hairscan.batch.burnt_in import cover_text
from hairscan.batch.manifest import read_manifest
from hairscan.batch.out_folder import check_batch_folder
from hairscan.batch.unblind import unblind_run
from hairscan.cli import app
from hairscan.endpoints.rows import HairRow, PhotoRow, column_names, csv_bytes
from hairscan.errors import BlindError, HairscanError, OutputError, ScaleError
from hairscan.phantom import render_scene, sample_scene
from hairscan.photo import judge_field, read_rgb
from hairscan.types import Ignored

SECRETS = ("S-Meyer", "S-Schulz", "exosome", "placebo", "week24", "baseline", "left", "right", "vertex", "2024-05-06")


@cache
def rendered(seed, width_px, height_px):
    rng = np.random.default_rng(seed)
    scene = sample_scene("clipped", rng, width_px=width_px, height_px=height_px, um_per_px=4.0, density_per_cm2=150)
    look = replace(scene.look, graphics=(), bubbles=0, glare=0, lens_radius=0.0, skin_rgb=(150.0, 140.0, 130.0))
    return render_scene(replace(scene, look=look), rng).rgb


def picture(seed, width_px=640, height_px=480):
    return rendered(seed, width_px, height_px).copy()


def png_chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def with_png_text(data, text):
    """PNG with a text chunk and XMP in front of its pixels."""
    extra = png_chunk(b"tEXt", b"Comment\0" + text) + png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + text)
    return data[:33] + extra + data[33:]


def with_exif(data, text, orientation=6):
    """JPEG with an EXIF block that holds an orientation and a description."""
    entries = [(0x010E, 2, len(text), 38), (0x0112, 3, 1, orientation)]
    ifd = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    tiff = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", 2) + ifd + struct.pack("<I", 0) + text
    block = b"Exif\0\0" + tiff
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + data[2:]


@pytest.fixture
def trial(tmp_path):
    """Folder of photographs whose names, metadata and manifest tell everything, and one that is cut off."""
    folder = tmp_path / "photos"
    folder.mkdir()
    rows = []
    for number, (subject, arm) in enumerate((("S-Meyer", "exosome"), ("S-Schulz", "placebo"))):
        for visit in ("baseline", "week24"):
            for side in ("left", "right"):
                k = len(rows)
                ending = (".png", ".jpg", ".tif")[k % 3]
                _, data = cv2.imencode(ending, picture(k, 240, 180)[:, :, ::-1])
                secret = f"{subject} {arm} {visit} {side} vertex".encode()
                data = data.tobytes()
                data = with_png_text(data, secret) if ending == ".png" else data
                data = with_exif(data, secret) if ending == ".jpg" else data
                name = f"{subject}_{visit}_{side}{ending}"
                (folder / name).write_bytes(data)
                rows.append([name, subject, arm, visit, side, "vertex", f"2024-05-0{6 + number}", "4.0"])
    rows[3][-1] = ""
    (folder / rows[3][0]).with_suffix(".json").write_text(json.dumps({"um_per_px": 3.5}))
    broken = folder / "S-Meyer_extra.png"
    broken.write_bytes((folder / rows[0][0]).read_bytes()[:20000])
    rows.append([broken.name, "S-Meyer", "exosome", "week24", "left", "vertex", "2024-05-06", "4.0"])
    header = ["image", "subject", "arm", "visit", "side", "site", "date", "um_per_px"]
    (folder / "manifest.csv").write_bytes(csv_bytes(header, *rows))
    return folder


@pytest.fixture
def blinded(trial, tmp_path):
    manifest = read_manifest(trial / "manifest.csv")
    return blind_photos(
        manifest, tmp_path / "blind", tmp_path / "key.json", np.random.default_rng(1), duplicates=0.5
    ).key


def run_of(folder, run, **changes):
    """Run folder as hairscan batch writes it, with the sha256 of the real copies and an invented density."""
    run.mkdir()
    images, hairs = [], []
    for number, row in enumerate(csv.DictReader((folder / "manifest.csv").open())):
        name = row["image"]
        cells = dict.fromkeys(column_names(PhotoRow), "")
        cells |= {"image": name, "um_per_px": row["um_per_px"], "density_per_cm2": str(100 + number)}
        cells["sha256"] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        images.append(cells | changes.get(name, {}))
        hairs.append({**dict.fromkeys(column_names(HairRow), ""), "image": name, "hair_id": str(number)})
    failed = images.pop()
    (run / "images.csv").write_bytes(csv_bytes(column_names(PhotoRow), *(list(row.values()) for row in images)))
    (run / "hairs.csv").write_bytes(csv_bytes(column_names(HairRow), *(list(row.values()) for row in hairs[:-1])))
    failure = [failed["image"], "PhotoError", "too dark"]
    (run / "failures.csv").write_bytes(csv_bytes(["image", "error", "message"], failure))
    (run / "timings.csv").write_bytes(csv_bytes(["image", "read_s"], *([row["image"], "0.1"] for row in images)))
    (run / "run.json").write_text('{"hairscan_version": "0"}')
    (run / "overlays").mkdir()
    for row in images:
        (run / "overlays" / row["image"]).write_bytes(row["image"].encode())
    return failed["image"]


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_nothing_in_the_folder_tells_subject_arm_visit_or_side(blinded, tmp_path):
    folder = tmp_path / "blind"
    everything = b"".join(path.name.encode() + path.read_bytes() for path in folder.rglob("*"))
    for secret in SECRETS:
        assert secret.encode() not in everything
    assert {path.name for path in folder.iterdir()} == {"manifest.csv", *(copy.copy_name for copy in blinded.copies)}
    assert all(re.fullmatch(r"[b-df-hj-np-tv-xz]{8}\.png", copy.copy_name) for copy in blinded.copies)
    assert len({path.stat().st_mtime_ns for path in [folder, *folder.iterdir()]}) == 1
    for copy in blinded.copies:
        data, kinds, at = (folder / copy.copy_name).read_bytes(), [], 8
        while at < len(data):
            length, kind = struct.unpack_from(">I4s", data, at)
            kinds.append(kind)
            at += 12 + length
        assert set(kinds) == {b"IHDR", b"IDAT", b"IEND"}
    table = rows(folder / "manifest.csv")
    assert list(table[0]) == ["image", "um_per_px"]
    assert [row["image"] for row in table] == sorted(row["image"] for row in table)


def test_copies_have_the_pixels_that_are_measured(blinded, trial, tmp_path):
    scales = {row["image"]: row["um_per_px"] for row in rows(tmp_path / "blind" / "manifest.csv")}
    for copy in blinded.copies:
        rgb, sha256 = read_rgb(trial / copy.cells["image"])
        seen, copy_sha256 = read_rgb(tmp_path / "blind" / copy.copy_name)
        np.testing.assert_array_equal(seen, rgb)
        assert (sha256, copy_sha256) == (copy.original_sha256, copy.sha256)
        assert scales[copy.copy_name] == ("4" if copy.cells["um_per_px"] else "3.5")


def test_key_knows_every_photograph_its_duplicates_and_the_one_without_a_copy(blinded, tmp_path):
    assert read_key(tmp_path / "key.json") == blinded
    assert (tmp_path / "key.json").stat().st_mode & 0o077 == 0
    first = [copy.cells["image"] for copy in blinded.copies if not copy.duplicate]
    second = [copy.cells["image"] for copy in blinded.copies if copy.duplicate]
    assert len(first) == len(set(first)) == 8
    assert set(second) < set(first)
    assert len(second) == len(set(second)) in (3, 4)  # half of nine, one of which may be the broken one
    assert [photo.cells["image"] for photo in blinded.uncopied] == ["S-Meyer_extra.png"]


def test_order_and_codes_depend_on_chance_only(trial, tmp_path):
    manifest = read_manifest(trial / "manifest.csv")

    def orders(seed, name):
        key = blind_photos(manifest, tmp_path / name, tmp_path / f"{name}.json", np.random.default_rng(seed)).key
        return [copy.cells["image"] for copy in sorted(key.copies, key=lambda copy: copy.copy_name)]

    assert orders(5, "a") == orders(5, "b") != orders(6, "c")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_unblinding_gives_names_manifest_and_duplicates_back(blinded, trial, tmp_path):
    failed = run_of(tmp_path / "blind", tmp_path / "run")
    unblind_run(tmp_path / "run", tmp_path / "key.json", tmp_path / "out")
    copies = {copy.copy_name: copy for copy in blinded.copies}
    measured = {row["image"]: row for row in rows(tmp_path / "run" / "images.csv")}
    table = rows(tmp_path / "out" / "images.csv")
    header = rows(trial / "manifest.csv")[0].keys()
    assert list(table[0])[: len(header) + 2] == [*header, "copy", "duplicate"]
    assert len(table) == len(measured) == len(copies) - 1
    for row in table:
        copy = copies[row["copy"]]
        assert {name: row[name] for name in header} | {"um_per_px": ""} == copy.cells | {"um_per_px": ""}
        assert row["um_per_px"] == (copy.cells["um_per_px"] or "3.5")
        assert row["duplicate"] == str(int(copy.duplicate))
        assert row["density_per_cm2"] == measured[row["copy"]]["density_per_cm2"]
    known = [row["image"] for row in rows(trial / "manifest.csv")]
    assert [known.index(row["image"]) for row in table] == sorted(known.index(row["image"]) for row in table)
    for name in ("hairs", "timings"):
        assert [row["copy"] for row in rows(tmp_path / "out" / f"{name}.csv")] == [row["copy"] for row in table]
    failures = [(row["image"], row["copy"]) for row in rows(tmp_path / "out" / "failures.csv")]
    assert failures == [(copies[failed].cells["image"], failed), ("S-Meyer_extra.png", "")]
    assert (tmp_path / "out" / "run.json").read_bytes() == (tmp_path / "run" / "run.json").read_bytes()
    for path in (tmp_path / "out" / "overlays").iterdir():
        assert copies[path.read_text()].cells["image"].rsplit(".", 1)[0] == path.stem


def test_a_run_and_an_unblinded_one_never_replace_each_other(blinded, trial, tmp_path):
    run_of(tmp_path / "blind", tmp_path / "run")
    for _ in range(2):
        unblind_run(tmp_path / "run", tmp_path / "key.json", tmp_path / "out")
    with pytest.raises(OutputError, match="holds a result of hairscan unblind: name another folder"):
        check_batch_folder(tmp_path / "out", read_manifest(trial / "manifest.csv"))
    other = shutil.copytree(tmp_path / "run", tmp_path / "other")
    with pytest.raises(OutputError, match="holds a result of hairscan batch: name another folder"):
        unblind_run(tmp_path / "run", tmp_path / "key.json", other)


def test_a_wrong_key_a_changed_copy_and_an_unfinished_run_are_refused(blinded, trial, tmp_path):
    folder, run = tmp_path / "blind", tmp_path / "run"
    failed = run_of(folder, run)
    manifest = read_manifest(trial / "manifest.csv")
    blind_photos(manifest, tmp_path / "other", tmp_path / "other.json", np.random.default_rng(2))
    with pytest.raises(BlindError, match="is not the key of"):
        unblind_run(run, tmp_path / "other.json", tmp_path / "out")
    (run / "failures.csv").write_text("image,error,message\n")
    with pytest.raises(BlindError, match=rf"lacks 1 of {len(blinded.copies)} copies \({failed}\)"):
        unblind_run(run, tmp_path / "key.json", tmp_path / "out")
    shutil.rmtree(run)
    changed = min(copy.copy_name for copy in blinded.copies)
    run_of(folder, run, **{changed: {"sha256": "0" * 64}})
    with pytest.raises(BlindError, match=f"{changed} is not the copy that was made"):
        unblind_run(run, tmp_path / "key.json", tmp_path / "out")
    with pytest.raises(OutputError, match="another folder"):
        unblind_run(run, tmp_path / "key.json", run)
    with pytest.raises(OutputError, match=r"manifest\.csv is of no earlier result and would be replaced"):
        unblind_run(run, tmp_path / "key.json", trial)
    with pytest.raises(BlindError, match="no run folder"):
        unblind_run(folder, tmp_path / "key.json", tmp_path / "out")
    with pytest.raises(BlindError, match="is no key"):
        unblind_run(run, run / "run.json", tmp_path / "out")
    with pytest.raises(BlindError, match="cannot read the key"):
        unblind_run(run, tmp_path / "nowhere.json", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("where", ["blind/key.json", "blind/../blind/deep/key.json"])
def test_a_key_inside_the_folder_is_refused(where, trial, tmp_path):
    with pytest.raises(BlindError, match="beside the copies"):
        blind_photos(
            read_manifest(trial / "manifest.csv"), tmp_path / "blind", tmp_path / where, np.random.default_rng()
        )
    assert not (tmp_path / "blind").exists()


def test_nothing_is_ever_replaced(trial, tmp_path):
    manifest, rng = read_manifest(trial / "manifest.csv"), np.random.default_rng()
    (tmp_path / "key.json").write_text("old")
    with pytest.raises(OutputError, match="never replaced"):
        blind_photos(manifest, tmp_path / "blind", tmp_path / "key.json", rng)
    with pytest.raises(OutputError, match="not empty"):
        blind_photos(manifest, trial, tmp_path / "new.json", rng)
    with pytest.raises(OutputError, match="no folder"):
        blind_photos(manifest, tmp_path / "blind", tmp_path / "nowhere" / "key.json", rng)
    assert (tmp_path / "key.json").read_text() == "old"
    assert not (tmp_path / "blind").exists()
    assert len(list(trial.iterdir())) == 11


def test_a_wrong_scale_is_told_before_anything_is_copied(trial, tmp_path):
    (sidecar,) = trial.glob("*.json")
    sidecar.write_text('{"um_per_px": "five"}')
    copied = []
    with pytest.raises(ScaleError, match="um_per_px must be a number"):
        blind_photos(
            read_manifest(trial / "manifest.csv"),
            tmp_path / "blind",
            tmp_path / "key.json",
            np.random.default_rng(),
            watch=copied.append,
        )
    assert copied == []
    assert not (tmp_path / "blind").exists()


def test_the_copies_of_another_process_stay(trial, tmp_path):
    def other_process(image):
        (tmp_path / "blind").mkdir(exist_ok=True)
        (tmp_path / "blind" / "theirs.png").write_text("theirs")

    manifest = read_manifest(trial / "manifest.csv")
    with pytest.raises(OutputError, match="cannot write to"):
        blind_photos(manifest, tmp_path / "blind", tmp_path / "key.json", np.random.default_rng(), watch=other_process)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["blind", "photos"]
    assert [path.name for path in (tmp_path / "blind").iterdir()] == ["theirs.png"]


def test_an_uncertainty_of_the_scale_that_copies_cannot_tell_is_named(trial, tmp_path):
    (sidecar,) = trial.glob("*.json")
    sidecar.write_text('{"um_per_px": 3.5, "um_per_px_sd": 0.3}')
    manifest = read_manifest(trial / "manifest.csv")
    found = blind_photos(manifest, tmp_path / "blind", tmp_path / "key.json", np.random.default_rng())
    (name,) = found.sd_lost
    assert name.rpartition(".")[0] == sidecar.stem


def test_nothing_is_left_when_no_photograph_can_be_read(trial, tmp_path):
    lines = (trial / "manifest.csv").read_text().splitlines()
    (trial / "broken.csv").write_text(f"{lines[0]}\n{lines[-1]}\n")
    with pytest.raises(BlindError, match="no photograph can be read"):
        blind_photos(
            read_manifest(trial / "broken.csv"), tmp_path / "blind", tmp_path / "key.json", np.random.default_rng()
        )
    assert not (tmp_path / "blind").exists()
    assert not (tmp_path / "key.json").exists()


def test_the_commands_say_what_they_did(trial, tmp_path):
    runner = CliRunner()
    arguments = [str(trial / "manifest.csv"), "--out", str(tmp_path / "b"), "--key", str(tmp_path / "k.json")]
    result = runner.invoke(app, ["blind", *arguments, "--duplicates", "0.25", "--seed", "3"])
    assert result.exit_code == 1  # one photograph has no copy
    assert "S-Meyer_extra.png is cut off" in result.output
    assert "10, 2 of them duplicates" in result.output
    run_of(tmp_path / "b", tmp_path / "run")
    rest = ["--key", str(tmp_path / "k.json"), "--out", str(tmp_path / "out")]
    result = runner.invoke(app, ["unblind", str(tmp_path / "run"), *rest])
    assert result.exit_code == 0, result.output
    assert len(rows(tmp_path / "out" / "images.csv")) == 9
    again = runner.invoke(app, ["blind", *arguments])
    assert isinstance(again.exception, HairscanError)


def burn(rgb, lines, foot_xy, *, size, tone, ground, opacity):
    """Burn lines of text on a translucent box into the picture, and say which pixels the letters took."""
    letters = np.zeros(rgb.shape[:2], np.uint8)
    pitch, (x, y) = int(38 * size), foot_xy
    for k, line in enumerate(lines):
        cv2.putText(letters, line, (x, y + k * pitch), cv2.FONT_HERSHEY_SIMPLEX, size, 1, max(round(1.4 * size), 1))
    x0, y0, width, height = cv2.boundingRect(letters)
    box = rgb[max(y0 - 7, 0) : y0 + height + 7, max(x0 - 5, 0) : x0 + width + 5]
    box[:] = np.rint((1 - opacity) * box + opacity * np.array(ground)).astype(np.uint8)
    rgb[letters > 0] = tone
    return letters > 0


BURNT_IN = {
    "header": (["MEYER A382  2024/05/06 09:18  left"], (6, 20), 0.5, (250, 250, 250), (60, 60, 66), 0.75),
    "label": (["left"], (300, 430), 0.9, (255, 255, 255), (44, 44, 46), 0.8),
    "text box": (["RC2", "C=15.352 mm", "A=18.754 mm^2"], (150, 180), 0.9, (20, 16, 220), (255, 255, 255), 0.28),
    "black on white": (["S-017 week 24"], (60, 300), 0.7, (10, 10, 10), (250, 250, 250), 1.0),
}


@pytest.mark.parametrize("style", BURNT_IN)
@pytest.mark.parametrize("seed", range(3))
def test_burnt_in_text_is_covered_and_its_cover_is_not_judged(style, seed):
    rgb = picture(seed)
    lines, foot_xy, size, tone, ground, opacity = BURNT_IN[style]
    letters = burn(rgb, lines, foot_xy, size=size, tone=tone, ground=ground, opacity=opacity)
    rgb = cv2.imdecode(cv2.imencode(".jpg", rgb, [cv2.IMWRITE_JPEG_QUALITY, 85])[1], cv2.IMREAD_UNCHANGED)
    covered, mask = cover_text(rgb)
    np.testing.assert_array_equal(covered[~mask], rgb[~mask])
    assert len(np.unique(covered[mask])) == 1
    assert mask[letters].all()
    _, _, width, height = cv2.boundingRect(letters.astype(np.uint8))
    assert mask.sum() < (width + 90) * (height + 60)
    assert (judge_field(covered).ignored[mask] == Ignored.JUDGED).mean() < 0.05


@pytest.mark.parametrize("kind", ["clipped", "short", "light", "vellus", "long", "dense"])
def test_hair_and_skin_are_left_alone(kind):
    rng = np.random.default_rng(12)
    scene = sample_scene(kind, rng, width_px=640, height_px=480, um_per_px=5.0)
    rgb = render_scene(replace(scene, look=replace(scene.look, graphics=("circle", "ruler"))), rng).rgb
    covered, mask = cover_text(rgb)
    assert not mask.any()
    np.testing.assert_array_equal(covered, rgb)
