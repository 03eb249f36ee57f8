"""`hairscan trial` on invented run folders."""

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

pytest.importorskip("pandas")
pytest.importorskip("jinja2")

from hairscan.cli import app, main
from hairscan.report.trial_files import earlier_files

DESIGN = {
    "title": "Invented trial",
    "layout": "parallel",
    "control": "placebo",
    "treatments": ["prp"],
    "visits": {"0": 0, "12": 12},
    "baseline": "0",
    "primary_visit": "12",
    "endpoints": ["density_per_cm2"],
}


@pytest.fixture
def run(tmp_path):
    """A run folder of twelve subjects."""
    rng = np.random.default_rng(0)
    lines = ["image,subject,arm,visit,um_per_px,area_cm2,hair_count,density_per_cm2,flags"]
    for number in range(12):
        arm, base = ("placebo", "prp")[number % 2], rng.normal(150, 20)
        for visit in ("0", "12"):
            density = base + (0 if visit == "0" else rng.normal(20 * (number % 2), 5))
            lines.append(f"{number}-{visit}.png,S{number:02d},{arm},{visit},2.78,0.1,15,{density:.2f},")
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "images.csv").write_text("\n".join(lines) + "\n")
    (folder / "failures.csv").write_text("image,error,message\n")
    (folder / "run.json").write_text('{"hairscan_version": "0.1.0", "models": [], "devices": ["cpu"]}')
    return folder


@pytest.fixture
def design(tmp_path):
    """Write a design with changes and give its path."""

    def write(**changes):
        path = tmp_path / "design.yaml"
        path.write_text(yaml.safe_dump({**DESIGN, **changes}))
        return path

    return write


def call(run, design, out):
    return CliRunner().invoke(app, ["trial", str(run), "--design", str(design), "--out", str(out)])


def test_report_and_tables_are_written(run, design, tmp_path):
    out = tmp_path / "report"
    result = call(run, design(), out)
    assert result.exit_code == 0, result.output
    assert "less that of placebo" in result.output
    assert (out / "report.html").stat().st_size > 10_000
    assert (out / "tables" / "effects.csv").is_file()
    assert (out / "adhair.xpt").is_file()


@pytest.mark.filterwarnings("error")
def test_what_cannot_be_estimated_is_said_and_not_printed_as_a_number(run, design, tmp_path):
    table = (run / "images.csv").read_text().splitlines()
    (run / "images.csv").write_text("\n".join(table[:5]) + "\n")  # one subject in each arm
    result = call(run, design(), tmp_path / "report")
    assert result.exit_code == 0, result.output
    assert "not estimable" in result.output
    assert "nan" not in result.output.lower()


def test_the_same_run_gives_the_same_bytes_and_old_tables_go(run, design, tmp_path):
    out, again = tmp_path / "a", tmp_path / "b"
    call(run, design(), out)
    call(run, design(responder={"endpoint": "density_per_cm2", "change": 10}), again)
    (again / "tables" / "pairs.csv").write_text("of an earlier design")
    (again / "note.txt").write_text("mine")
    assert (again / "figures" / "responders.svg").is_file()
    call(run, design(), again)
    files = {path.relative_to(out) for path in out.rglob("*") if path.is_file()}
    assert {path.relative_to(again) for path in again.rglob("*") if path.is_file()} == {
        *files,
        (again / "note.txt").relative_to(again),
    }
    different = [path for path in files if (out / path).read_bytes() != (again / path).read_bytes()]
    assert different == []


def test_files_that_no_report_wrote_stay(run, design, tmp_path):
    """A folder of a paper: its own tables and figures outlive the first report and the second."""
    out = tmp_path / "paper"
    mine = [*("tables/table1.csv", "tables/pairs.csv", "figures/figure1.png", "figures/means-of-mine.svg")]
    for name in mine:
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text("mine")
    call(run, design(), out)
    assert [(out / name).read_text() for name in mine] == ["mine"] * len(mine)
    (out / "tables" / "pairs.csv").unlink()
    call(run, design(), out)
    assert [(out / name).read_text() for name in mine if name != "tables/pairs.csv"] == ["mine"] * 3


def test_a_file_that_no_report_wrote_is_not_replaced(run, design, tmp_path, monkeypatch, capsys):
    mine = tmp_path / "paper" / "tables" / "effects.csv"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    argv = ["hairscan", "trial", str(run), "--design", str(design()), "--out", str(tmp_path / "paper")]
    monkeypatch.setattr("sys.argv", argv)
    with pytest.raises(SystemExit) as leave:
        main()
    assert leave.value.code == 2
    assert capsys.readouterr().err == (
        f"error: {mine} is of no earlier report and would be replaced: name another folder\n"
    )
    assert [path.name for path in (tmp_path / "paper").rglob("*")] == ["tables", "effects.csv"]
    assert mine.read_text() == "mine"


def test_every_file_of_a_report_is_known_to_the_next(run, design, tmp_path):
    images = (run / "images.csv").read_text().splitlines()
    again = [f"again-{line.rstrip(',')[:-1]}{number % 9 + 1}," for number, line in enumerate(images[1:])]
    (run / "images.csv").write_text("\n".join([*images, *again]) + "\n")
    out = tmp_path / "report"
    call(run, design(responder={"endpoint": "density_per_cm2", "change": 10}), out)
    written = {path for folder in ("tables", "figures") for path in (out / folder).iterdir()}
    assert any("bland-altman" in path.name for path in written)
    assert any("published" in path.name for path in written)
    assert earlier_files(out) == written


def test_a_hypothesis_without_data_is_printed_as_not_estimable(run, design, tmp_path):
    """No width of the treated arm was measured: the hypotheses stand there, and those after them are not tested."""
    head, *lines = (run / "images.csv").read_text().splitlines()
    widths = [line + ("," if ",prp," in line else f",{50 + number % 7}") for number, line in enumerate(lines)]
    (run / "images.csv").write_text("\n".join([f"{head},mean_width_um", *widths]) + "\n")
    out = tmp_path / "report"
    result = call(run, design(endpoints=["mean_width_um", "density_per_cm2"]), out)
    assert result.exit_code == 0, result.output
    printed = result.output[result.output.index("mean_width_um") :]
    width, density = printed.split("density_per_cm2")
    assert "not estimable" in width
    assert "not tested" in density
    assert "not tested: one before it in the fixed sequence" in (out / "tables" / "effects.csv").read_text()
    assert "cannot be estimated" in (out / "report.html").read_text()


def test_every_problem_has_a_line_and_nothing_is_written(run, design, tmp_path, monkeypatch, capsys):
    path = design(treatments=["prp", "exosome"], visits={"0": 0, "12": 12, "24": 24})
    out = tmp_path / "report"
    monkeypatch.setattr("sys.argv", ["hairscan", "trial", str(run), "--design", str(path), "--out", str(out)])
    with pytest.raises(SystemExit) as leave:
        main()
    assert leave.value.code == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("error: ") for line in lines)
    assert not out.exists()


def test_without_control_it_says_what_cannot_be_told(run, design, tmp_path):
    result = call(run, design(control=None, treatments=["placebo", "prp"]), tmp_path / "report")
    assert result.exit_code == 0, result.output
    assert "no control arm" in result.output
