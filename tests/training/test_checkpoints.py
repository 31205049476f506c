"""Checkpoints are whole, whatever happens while one is written."""

from pathlib import Path

import pytest
import torch

from emqs.training.callbacks import WholeFiles


def test_a_disk_that_is_full_leaves_the_checkpoint_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "checkpoints" / "last.ckpt"
    WholeFiles().save_checkpoint({"epoch": 1}, path)
    write = Path.write_bytes

    def half(self: Path, content: memoryview) -> int:
        write(self, bytes(content[: len(content) // 2]))
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", half)
        with pytest.raises(OSError, match="No space left"):
            WholeFiles().save_checkpoint({"epoch": 2}, path)
    assert torch.load(path, weights_only=True) == {"epoch": 1}
    assert [file.name for file in path.parent.iterdir()] == ["last.ckpt"]
    WholeFiles().save_checkpoint({"epoch": 2}, path)
    assert torch.load(path, weights_only=True) == {"epoch": 2}
