"""The copy of the audit log in a file: a line is whole, or an error."""

import os
from pathlib import Path

import pytest

from service.observe.audit_file import AuditFile


def test_a_line_of_which_the_disk_takes_a_part_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = AuditFile(tmp_path / "audit")
    file.append(b"{}")
    write = os.write
    monkeypatch.setattr("os.write", lambda descriptor, line: write(descriptor, line[:1]))
    with pytest.raises(OSError, match="the disk is full"):
        file.append(b"{}")
    assert (tmp_path / "audit").read_bytes() == b"{}\n{"
