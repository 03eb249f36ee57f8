"""What the tests of the command line share."""

import sys

import pytest

from hairscan.cli import main


@pytest.fixture
def hairscan(monkeypatch, capsys):
    """Run the command line and give its exit code, stdout and stderr."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["hairscan", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, *capsys.readouterr()

    return run
