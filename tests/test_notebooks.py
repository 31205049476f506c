"""The notebooks of the documentation run, from the first cell to the last, on toy data."""

from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "docs" / "notebooks"


def test_there_are_notebooks_without_output() -> None:
    import json

    files = sorted(FOLDER.glob("*.ipynb"))
    assert len(files) == 2
    for file in files:
        cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
        assert all(not cell.get("outputs") for cell in cells)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["search_by_example", "a_volume"])
def test_a_notebook_runs(name: str, tmp_path: Path) -> None:
    nbformat = pytest.importorskip("nbformat", reason="needs the extra docs")
    nbclient = pytest.importorskip("nbclient", reason="needs the extra docs")
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    resources = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(notebook, timeout=300, resources=resources).execute()
    assert any(cell.get("outputs") for cell in notebook.cells if cell.cell_type == "code")
