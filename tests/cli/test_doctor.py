import json
import shutil
import sys

import pytest

from hairscan.cli import main
from hairscan.cli.doctor import examine
from hairscan.segment import model_folders


def test_a_damaged_network_is_named_and_the_exit_code_says_so(monkeypatch, tmp_path, capsys):
    folder = tmp_path / "default"
    folder.mkdir()
    (folder / "spec.json").write_text("{}")
    monkeypatch.setattr("hairscan.segment.model_folders", lambda: {"default": folder})
    monkeypatch.setattr(sys, "argv", ["hairscan", "doctor", "--json"])
    with pytest.raises(SystemExit) as ended:
        main()
    health = json.loads(capsys.readouterr().out)
    assert ended.value.code == 1
    assert not health["ready"]
    assert "damaged" in health["models"][0]["problem"]


def test_damaged_weights_for_torch_are_named(monkeypatch, tmp_path):
    folder = tmp_path / "default"
    shutil.copytree(model_folders()["default"], folder)
    (folder / "weights.safetensors").write_bytes(b"")
    monkeypatch.setattr("hairscan.segment.model_folders", lambda: {"default": folder})
    health = examine()
    assert not health.ready
    assert "weights.safetensors is missing or damaged" in health.models[0].problem


def test_no_network_is_not_ready(monkeypatch):
    monkeypatch.setattr("hairscan.segment.model_folders", dict)
    assert not examine().ready


def test_what_runs_is_listed_with_its_version():
    health = examine()
    assert health.libraries["numpy"]
    assert health.devices[-1] == "cpu"
