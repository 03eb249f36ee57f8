"""What the command line says to input that cannot be measured, or hardly."""

import csv
import hashlib
import json
import shutil
import struct
import subprocess
import sys
import zlib
from dataclasses import replace

import cv2
import numpy as np
import pytest

from hairscan.phantom import render_scene, sample_scene
from hairscan.segment import model_folders
from hairscan.segment.spec import N_CHANNELS

pytestmark = pytest.mark.filterwarnings("error")

HEIGHT_PX, WIDTH_PX = 320, 400
UM_PER_PX = 5.0


def write_picture(path, picture):
    cv2.imwrite(str(path), picture[..., ::-1] if picture.ndim == 3 else picture)
    return path


def png_chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_bytes(width_px, height_px, pixels):
    """Grey PNG of this size by its header, whatever the pixels are."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width_px, height_px, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + png_chunk(b"IDAT", pixels) + png_chunk(b"IEND", b"")


def bomb_bytes(side_px):
    """Whole, valid PNG of one grey, a thousandth of its pixels in size."""
    packer = zlib.compressobj(9)
    row = b"\0" + b"\x80" * side_px
    return png_bytes(side_px, side_px, b"".join(packer.compress(row) for _ in range(side_px)) + packer.flush())


@pytest.fixture(scope="module")
def bare_skin():
    """Skin of a phantom on which nothing grows."""
    rng = np.random.default_rng(4)
    scene = sample_scene("clipped", rng, width_px=WIDTH_PX, height_px=HEIGHT_PX, um_per_px=UM_PER_PX, density_per_cm2=0)
    return render_scene(replace(scene, hairs=()), rng).rgb


@pytest.fixture(scope="module")
def scalp():
    """Phantom with hairs."""
    rng = np.random.default_rng(5)
    scene = sample_scene("clipped", rng, width_px=WIDTH_PX, height_px=HEIGHT_PX, um_per_px=UM_PER_PX)
    return render_scene(scene, rng).rgb


@pytest.fixture
def refused(hairscan, tmp_path):
    """Run `score` and make sure that it measured nothing, wrote nothing and said why in one line."""

    def run(photo, *options):
        code, out, err = hairscan("score", photo, *options, "--json", "--out", tmp_path / "run")
        assert (code, out) == (2, "")
        assert err.startswith("error: ")
        assert err.endswith("\n")
        assert err.count("\n") == 1
        assert not (tmp_path / "run").exists()
        return err

    return run


@pytest.fixture
def scored(hairscan):
    """Run `score` and give its result; it must succeed and say nothing on stderr."""

    def run(photo, *options):
        code, out, err = hairscan("score", photo, *options, "--json")
        assert (code, err) == (0, "")
        return json.loads(out)["photo"]

    return run


@pytest.fixture
def network_sees(monkeypatch, segmenter):
    """Replace what the network computes: `maps` gives the maps of a shape."""

    def see(maps):
        class Backend:
            device = "cpu"
            batch = 1

            def run(self, images):
                return maps((1, N_CHANNELS, images.shape[2] // 2, images.shape[3] // 2)).astype(np.float32)

        seeing = replace(segmenter, backend=Backend())
        monkeypatch.setattr("hairscan.cli.one_photo.load_model", lambda model, device: seeing)

    return see


@pytest.fixture
def network_sees_nothing(network_sees):
    network_sees(np.zeros)


# Files


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "does not exist; check the path"),
        (b"", "is empty (0 bytes)"),
        (b"a note, not a picture\n" * 50, "is not a JPEG, PNG or TIFF picture; export it"),
        (png_bytes(1, 1, zlib.compress(b"\0\x80")), "needs at least 64 px on each side"),
        (png_bytes(40_000, 40_000, zlib.compress(b"\0")), "crop or reduce it"),
        (png_bytes(300, 300, zlib.compress(b"\x09" * 301 * 300)), "is damaged"),
        (png_bytes(300, 300, zlib.compress(b"\0")), "is damaged"),
    ],
    ids=["missing", "empty", "text", "one pixel", "40000 x 40000", "unknown filter", "too few rows"],
)
def test_a_file_that_is_no_photograph(refused, tmp_path, content, words):
    path = tmp_path / "a.jpg"
    if content is not None:
        path.write_bytes(content)
    assert words in refused(path, "--um-per-px", UM_PER_PX)


def test_a_folder(refused, tmp_path):
    assert "is a folder; give a photo" in refused(tmp_path)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
@pytest.mark.parametrize("kept", [0.02, 0.4, 0.95, 0.999])
def test_a_photograph_that_was_cut_off(refused, tmp_path, scalp, suffix, kept):
    path = write_picture(tmp_path / f"a{suffix}", scalp)
    path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    assert "opy it again" in refused(path, "--um-per-px", UM_PER_PX)


def test_a_decompression_bomb_is_refused_before_it_is_unpacked(refused, tmp_path, monkeypatch):
    path = tmp_path / "bomb.png"
    path.write_bytes(bomb_bytes(12_000))
    assert path.stat().st_size < 12_000**2 / 500
    monkeypatch.setattr("hairscan.photo.read.decode_picture", lambda data: pytest.fail("was unpacked"))
    assert "above the limit of 120 megapixels" in refused(path, "--um-per-px", UM_PER_PX)


# Photographs that show nothing, or no scalp


@pytest.mark.parametrize(("level", "words"), [(0, "is black"), (255, "is white"), (128, "one flat colour")])
def test_a_black_white_or_grey_photograph(refused, tmp_path, level, words):
    path = write_picture(tmp_path / "a.png", np.full((HEIGHT_PX, WIDTH_PX, 3), level, np.uint8))
    assert words in refused(path, "--um-per-px", UM_PER_PX)


@pytest.mark.parametrize(("sigma_px", "flag"), [(9, "out-of-focus"), (30, "focus-unknown")])
def test_a_blurred_photograph_says_so(scored, tmp_path, scalp, network_sees_nothing, sigma_px, flag):
    path = write_picture(tmp_path / "a.png", cv2.GaussianBlur(scalp, (0, 0), sigma_px))
    assert flag in scored(path, "--um-per-px", UM_PER_PX)["flags"]


def test_no_hair_is_an_answer_with_an_exact_upper_limit(scored, tmp_path, bare_skin, network_sees_nothing):
    path = write_picture(tmp_path / "a.png", bare_skin)
    photo = scored(path, "--um-per-px", UM_PER_PX, "--um-per-px-sd", 0, "--out", tmp_path / "run")
    assert (photo["hair_count"], photo["density_per_cm2"], photo["density_low_per_cm2"]) == (0, 0, 0)
    # Poisson: the mean from which no event at all has a chance of 2.5 %
    assert photo["density_high_per_cm2"] == pytest.approx(-np.log(0.025) / photo["area_cm2"], rel=1e-9)
    assert (photo["mean_width_um"], photo["terminal_fraction"]) == (None, None)
    assert "no-hair" in photo["flags"]
    assert (tmp_path / "run" / "overlays" / "a.png").is_file()


def test_bare_skin_has_next_to_no_hair(scored, tmp_path, bare_skin):
    assert scored(write_picture(tmp_path / "a.png", bare_skin), "--um-per-px", UM_PER_PX)["hair_count"] <= 1


def noise():
    return np.random.default_rng(0).integers(0, 256, (HEIGHT_PX, WIDTH_PX, 3), dtype=np.uint8)


def gradient():
    return np.tile(np.linspace(20, 230, WIDTH_PX).astype(np.uint8)[None, :, None], (HEIGHT_PX, 1, 3))


def checkerboard():
    fields = np.add.outer(np.arange(HEIGHT_PX) // 32, np.arange(WIDTH_PX) // 32) % 2
    return np.dstack([(fields * 180 + 30).astype(np.uint8)] * 3)


def page_of_text():
    page = np.full((HEIGHT_PX, WIDTH_PX, 3), 245, np.uint8)
    for y_px in range(30, HEIGHT_PX, 30):
        cv2.putText(page, "Dear Sir or Madam, thank you", (10, y_px), 0, 0.7, (20, 20, 20), 2, cv2.LINE_AA)
    return page


def clouds():
    rng = np.random.default_rng(1)
    layers = [k * cv2.GaussianBlur(rng.normal(0, 1, (HEIGHT_PX, WIDTH_PX, 3)), (0, 0), k) for k in (1, 4, 16, 64)]
    return cv2.normalize(sum(layers), None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


@pytest.mark.parametrize("draw", [noise, gradient, checkerboard, page_of_text, clouds])
@pytest.mark.parametrize("scale", [(), ("--um-per-px", UM_PER_PX)], ids=["no scale", "5 um"])
def test_what_is_no_scalp_is_refused_in_a_line_or_flagged(hairscan, tmp_path, draw, scale):
    path = write_picture(tmp_path / "a.png", draw())
    code, out, err = hairscan("score", path, *scale, "--json")
    if code:
        assert (code, out, err.count("\n")) == (2, "", 1)
    else:
        assert err == ""
        assert set(json.loads(out)["photo"]["flags"]) - {"scale-missing"}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("draw", [noise, gradient, checkerboard])
def test_whatever_the_network_sees_there_is_an_answer_without_a_warning(scored, network_sees, tmp_path, draw, seed):
    def maps(shape):
        rng = np.random.default_rng(seed)
        field = [cv2.GaussianBlur(rng.random(shape[2:]), (0, 0), rng.choice([1.0, 2.0, 3.0])) for _ in range(shape[1])]
        steep = [(part - part.mean()) / part.std() / 3 for part in field]
        return np.clip(steep, 0, 1)[None]

    network_sees(maps)
    photo = scored(write_picture(tmp_path / "a.png", draw()), "--um-per-px", UM_PER_PX, "--out", tmp_path / "run")
    with (tmp_path / "run" / "hairs.csv").open(newline="") as file:
        assert photo["hair_count"] == sum(row["counted"] == "1" for row in csv.DictReader(file))


# Scale and area


@pytest.mark.parametrize("text", ["2_7", "2,78", "nan", "inf", "five", "\u0662"])
def test_what_is_no_number(refused, photo_file, text):
    assert refused(photo_file, "--um-per-px", text).startswith(
        f"error: {text!r} is not a number: write it with a point"
    )


@pytest.mark.parametrize("um_per_px", ["0", "-1", "0.01", "500"])
def test_a_scale_that_cannot_be(refused, photo_file, um_per_px):
    err = refused(photo_file, "--um-per-px", um_per_px)
    assert f"error: {um_per_px} um/px (user) is no possible scale" in err
    assert "0.2 to 50 um/px is accepted" in err


@pytest.mark.parametrize("sd", ["-1", "9"])
def test_an_uncertainty_that_cannot_be(refused, photo_file, sd):
    assert "no possible scale uncertainty" in refused(photo_file, "--um-per-px", "5", "--um-per-px-sd", sd)


def test_an_uncertainty_without_a_scale(refused, photo_file):
    assert "give um_per_px as well" in refused(photo_file, "--um-per-px-sd", "1")


@pytest.mark.parametrize("text", ["{", '{"um_per_px": 0}', '{"um_per_px": "five"}', '{"um_per_px": NaN}'])
def test_a_sidecar_that_says_no_scale(refused, photo_file, text):
    photo_file.with_suffix(".json").write_text(text)
    refused(photo_file)


def test_more_skin_than_a_close_up_shows(refused, tmp_path, scalp):
    path = write_picture(tmp_path / "a.png", np.tile(scalp, (4, 4, 1)))
    assert "80 x 64 mm of scalp, above the limit of 10 cm2: check the scale" in refused(path, "--um-per-px", "50")


def test_without_a_scale_there_are_counts_and_pixels_and_a_way_to_give_one(
    hairscan, scored, photo_file, network_sees_nothing
):
    photo = scored(photo_file)
    assert [name for name, value in photo.items() if value is not None and name.endswith(("_um", "_cm2", "_mm"))] == []
    assert photo["hair_count"] == 0
    assert "scale-missing" in photo["flags"]
    assert "give --um-per-px" in hairscan("score", photo_file)[1]


@pytest.mark.parametrize(
    ("area", "words"),
    [
        ("round", "write whole, circle:1.0cm2"),
        ("", "write whole"),
        ("circle:-1cm2", "write whole"),
        ("circle:0cm2", "smaller than a pixel"),
        ("rect:1x", "write whole"),
        ("circle:9cm2", "the largest that fits is circle:0.0176cm2"),
        ("rect:100x1mm", "the largest that fits is rect:2.00x1.50mm"),
        ("circle:0.001cm2@5000,10", "is outside the picture of 400 x 300 px"),
    ],
)
def test_an_area_that_is_malformed_or_not_in_the_picture(refused, photo_file, area, words):
    assert words in refused(photo_file, "--um-per-px", "5", "--area", area)


def test_an_area_in_cm2_without_a_scale(refused, photo_file):
    assert "needs a scale: give --um-per-px" in refused(photo_file, "--area", "circle:0.01cm2")


# Output, model, device


@pytest.mark.parametrize("below", ["", "run"])
def test_an_output_folder_that_is_a_file_is_said_before_the_photo_is_read(hairscan, tmp_path, below):
    (tmp_path / "taken").write_text("mine")
    code, out, err = hairscan("score", tmp_path / "missing.png", "--json", "--out", tmp_path / "taken" / below)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "is a file; name another folder" in err
    assert (tmp_path / "taken").read_text() == "mine"


def test_a_table_that_cannot_be_replaced_leaves_the_folder_as_it_was(
    hairscan, photo_file, tmp_path, network_sees_nothing
):
    (tmp_path / "run" / "images.csv").mkdir(parents=True)
    code, out, err = hairscan("score", photo_file, "--json", "--out", tmp_path / "run")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "images.csv is a folder there" in err
    assert [path.name for path in (tmp_path / "run").rglob("*")] == ["images.csv"]


@pytest.fixture
def model(tmp_path):
    """Copy of the shipped model's folder, to be damaged."""
    folder = tmp_path / "model"
    shutil.copytree(model_folders()["default"], folder, ignore=shutil.ignore_patterns("*.safetensors"))
    return folder


def cut_weights(folder):
    weights = folder / "model.onnx"
    weights.write_bytes(weights.read_bytes()[: weights.stat().st_size // 2])


def change_spec(folder, **facts):
    spec = json.loads((folder / "spec.json").read_text())
    (folder / "spec.json").write_text(json.dumps({**spec, **facts}))


def cut_weights_of_right_hash(folder):
    cut_weights(folder)
    change_spec(folder, sha256=hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest())


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (cut_weights, "missing or damaged"),
        (cut_weights_of_right_hash, "cannot be loaded: restore the file"),
        (lambda folder: (folder / "model.onnx").unlink(), "missing or damaged"),
        (lambda folder: (folder / "spec.json").unlink(), "give one of default"),
        (lambda folder: (folder / "spec.json").write_text("{"), "spec.json is damaged (Invalid JSON: "),
        (lambda folder: change_spec(folder, sha256="0" * 64), "its sha256 is not the one in spec.json"),
        (lambda folder: change_spec(folder, channels=["hair"]), "another version of hairscan"),
        (lambda folder: change_spec(folder, multiple=7), "spec.json is damaged (multiple: a power of two"),
        (lambda folder: change_spec(folder, hair_threshold="0,5"), "(hair_threshold: Input should be a valid"),
        (lambda folder: change_spec(folder, multiple=2), "cannot be run on cpu"),
    ],
    ids=[
        *("cut", "cut, right hash", "no weights", "no spec", "broken spec", "wrong hash", "other maps"),
        *("impossible shape", "no number", "other shape"),
    ],
)
def test_a_damaged_model(refused, photo_file, model, damage, words):
    damage(model)
    assert words in refused(photo_file, "--um-per-px", "5", "--model", model, "--device", "cpu")


@pytest.mark.parametrize("name", ["spec.json", "model.onnx"])
def test_a_model_that_may_not_be_read(refused, photo_file, model, forbid, name):
    forbid(model / name)
    said = refused(photo_file, "--um-per-px", "5", "--model", model, "--device", "cpu")
    assert f"error: {model / name} cannot be read: Permission denied" in said


def test_a_model_folder_that_may_not_be_looked_into(refused, photo_file, model, forbid):
    forbid(model)
    said = refused(photo_file, "--um-per-px", "5", "--model", model, "--device", "cpu")
    assert f"error: {model} cannot be read: Permission denied" in said


def test_a_model_of_an_unknown_name(refused, photo_file):
    assert "error: no model 'nothing-of-that-name': give one of" in refused(
        photo_file, "--model", "nothing-of-that-name"
    )


def test_an_unknown_device(refused, photo_file):
    assert "unknown device 'tpu': use auto, cpu or cuda" in refused(photo_file, "--device", "tpu")


# The program as it is started


def run_program(*arguments):
    done = subprocess.run([sys.executable, "-m", "hairscan", *map(str, arguments)], capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def test_the_program_refuses_a_damaged_photograph_in_one_line(tmp_path, scalp):
    path = write_picture(tmp_path / "a.jpg", scalp)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2] + bytes(400) + data[len(data) // 2 + 400 :])
    code, out, err = run_program("score", path, "--um-per-px", UM_PER_PX, "--json", "--out", tmp_path / "run")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("error: a.jpg is damaged")
    assert not (tmp_path / "run").exists()


def test_the_program_says_nothing_on_stderr_where_it_found_no_edge(tmp_path):
    code, out, err = run_program("score", write_picture(tmp_path / "a.png", gradient()), "--um-per-px", 5, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["photo"]["hair_count"] == 0


def test_a_mistake_of_the_program_is_not_hidden(hairscan, photo_file, monkeypatch):
    def break_down(path, **options):
        raise ZeroDivisionError

    monkeypatch.setattr("hairscan.cli.one_photo.score_one", break_down)
    with pytest.raises(ZeroDivisionError):
        hairscan("score", photo_file)
