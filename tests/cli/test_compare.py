import json

import pytest

from hairscan.errors import VisitError


def test_a_refusal_is_one_line_and_is_kept_beside_the_photographs(hairscan, photo_file, tmp_path, monkeypatch):
    def refuse(*arguments, **options):
        raise VisitError("these are two sites: compare one")

    monkeypatch.setattr("hairscan.visits.compare_photos", refuse)
    code, out, err = hairscan("compare", photo_file, photo_file, "--um-per-px", 5, "--out", tmp_path / "two")
    assert (code, out, err) == (2, "", "error: these are two sites: compare one\n")
    document = json.loads((tmp_path / "two" / "comparison.json").read_text())
    assert document["refused"] == "these are two sites: compare one"
    assert [path.name for path in (tmp_path / "two").iterdir()] == ["comparison.json"]


def test_a_mistake_in_the_call_leaves_an_earlier_result(hairscan, photo_file, tmp_path):
    out = tmp_path / "two"
    code, _, _ = hairscan("compare", photo_file, tmp_path / "gone.png", "--um-per-px", 5, "--out", out)
    assert code == 2
    assert "gone.png" in json.loads((out / "comparison.json").read_text())["refused"]
    (out / "hairs.csv").write_text("of an earlier result")
    for wrong in ((tmp_path / "lost.png", "--um-per-px", 5), (photo_file, "--um-per-px", 0)):
        code, _, _ = hairscan("compare", photo_file, *wrong, "--out", out)
        assert code == 2
    assert "gone.png" in json.loads((out / "comparison.json").read_text())["refused"]
    assert (out / "hairs.csv").exists()


def test_the_same_file_twice_is_refused(hairscan, photo_file):
    code, _, err = hairscan("compare", photo_file, photo_file, "--um-per-px", 5)
    assert code == 2
    assert "same photograph" in err
    assert err.count("\n") == 1


def test_a_missing_photograph_is_named(hairscan, photo_file, tmp_path):
    code, _, err = hairscan("compare", photo_file, tmp_path / "gone.png", "--um-per-px", 5)
    assert code == 2
    assert "gone.png" in err


def test_pairs_of_visits_need_photographs_to_be_drawn_from(hairscan):
    code, _, err = hairscan("evaluate", "--visits", "--phantoms", 0)
    assert code == 2
    assert "--data" in err


@pytest.mark.parametrize("verb", [("compare",), ("growth", "--hours", 48)])
@pytest.mark.parametrize("command", ["batch", "score"])
def test_the_tables_of_a_run_are_neither_replaced_nor_removed(hairscan, photo_file, tmp_path, verb, command):
    out = tmp_path / "run"
    out.mkdir()
    configuration = {"photos": "photos"} if command == "batch" else {"photo": "a.png"}
    (out / "run.json").write_text(json.dumps({"hairscan_version": "0", "configuration": configuration}))
    (out / "hairs.csv").write_text("image\na.png\n")
    # The same photograph twice is refused later, and a refusal removes hairs.csv.
    code, printed, err = hairscan(*verb, photo_file, photo_file, "--um-per-px", 5, "--out", out)
    assert (code, printed) == (2, "")
    assert err == f"error: {out} holds a result of hairscan {command}: name another folder\n"
    assert sorted(path.name for path in out.iterdir()) == ["hairs.csv", "run.json"]
