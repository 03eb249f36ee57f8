import json
import sys

import pytest

from hairscan.cli import main
from hairscan.cli.doctor import examine


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


def test_no_network_is_not_ready(monkeypatch):
    monkeypatch.setattr("hairscan.segment.model_folders", dict)
    assert not examine().ready


def test_what_runs_is_listed_with_its_version():
    health = examine()
    assert health.libraries["numpy"]
    assert "cpu" in health.devices
