"""Labels keep lying on their image: inputs of public bug reports, by the command a user types.

Sources are written, and targets read, by other libraries than emqs.
"""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tensorstore
import tifffile
import zarr
from support.command_lines import Run

SHAPE = (6, 10, 14)


def labels(dtype: str = "uint32", seed: int = 0) -> np.ndarray:
    """Some labels whose axes cannot be mistaken for each other."""
    return np.random.default_rng(seed).integers(1, 200, SHAPE).astype(dtype)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(tmp_path)
    return Run(tmp_path, monkeypatch, capfd)


def stated(path: str) -> dict[str, list[float]]:
    """Scale and translation of the first level of an OME-Zarr image, as the file has them."""
    image = zarr.open_group(path, mode="r").attrs["ome"]["multiscales"][0]  # type: ignore[index,call-overload]
    assert [axis["name"] for axis in image["axes"]] == ["z", "y", "x"]
    assert {axis.get("unit") for axis in image["axes"]} == {"nanometer"}
    steps = image["datasets"][0]["coordinateTransformations"]
    return {step["type"]: step[step["type"]] for step in steps}


def stored(path: str) -> np.ndarray:
    return np.asarray(zarr.open_group(path, mode="r")["0"][:])  # type: ignore[index]


def put_json(path: Path, content: Any) -> None:  # noqa: ANN401 (what a file holds)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def test_hdf5_stored_x_first_with_axistags(run: Run) -> None:
    tags = json.dumps({"axes": [{"key": key, "typeFlags": 2} for key in "xyz"]})
    with h5py.File("seg.h5", "w") as file:
        array = file.create_dataset("exported_data", data=labels().T)
        array.attrs["axistags"] = tags
    said = run("task=convert source=seg.h5 target=seg.zarr")
    assert "6 x 10 x 14 voxels" in said
    assert "equal to the source (compared as h5py reads the source" in said
    np.testing.assert_array_equal(stored("seg.zarr"), labels())


def test_hdf5_resolution_in_micrometres(run: Run) -> None:
    with h5py.File("seg.h5", "w") as file:
        array = file.create_dataset("seg", data=labels())
        array.attrs["resolution"] = [0.04, 0.008, 0.008]
        array.attrs["unit"] = "um"
    run("task=convert source=seg.h5 target=seg.zarr")
    assert stated("seg.zarr")["scale"] == pytest.approx([40, 8, 8])


@pytest.mark.slow
def test_cremi_offset_is_kept(run: Run) -> None:
    with h5py.File("seg.h5", "w") as file:
        array = file.create_dataset("volumes/labels/neuron_ids", data=labels("uint64"))
        array.attrs["resolution"] = [40.0, 4.0, 4.0]
        array.attrs["offset"] = [1480.0, 3644.0, 3644.0]
    run("task=convert source=seg.h5 target=seg.zarr")
    assert stated("seg.zarr") == {
        "scale": [40, 4, 4], "translation": [1480, 3644, 3644],
    }  # fmt: skip
    run("task=convert source=seg.zarr target=back.h5")
    with h5py.File("back.h5") as file:
        (name,) = file
        assert file[name].attrs["resolution"].tolist() == [40, 4, 4]
        assert file[name].attrs["offset"].tolist() == [1480, 3644, 3644]


@pytest.mark.slow
def test_ome_zarr_whose_size_stands_at_the_image(run: Run) -> None:
    group = zarr.open_group("in.zarr", mode="w", zarr_format=2)
    group.create_array("0", data=labels(), chunks=SHAPE)
    group.attrs["multiscales"] = [
        {
            "version": "0.4",
            "axes": [{"name": n, "type": "space", "unit": "micrometer"} for n in "zyx"],
            "datasets": [
                {
                    "path": "0",
                    "coordinateTransformations": [{"type": "scale", "scale": [1, 1, 1]}],
                }
            ],
            "coordinateTransformations": [{"type": "scale", "scale": [0.04, 0.008, 0.008]}],
        }
    ]
    said = run("task=convert source=in.zarr target=seg.h5")
    assert "compared as zarr reads the source and h5py the target" in said
    with h5py.File("seg.h5") as file:
        (name,) = file
        assert file[name].attrs["resolution"] == pytest.approx([40, 8, 8])
        np.testing.assert_array_equal(file[name][:], labels())


def test_a_level_of_n5_with_downsampling_factors(run: Run) -> None:
    for number, factors in (("s0", None), ("s1", [2, 2, 1])):
        array = labels(seed=int(number[1]))
        spec = {
            "driver": "n5", "kvstore": f"file://{Path.cwd()}/in.n5/{number}/",
            "metadata": {
                "dimensions": list(SHAPE[::-1]), "blockSize": [5, 5, 5], "dataType": "uint32",
                "compression": {"type": "gzip"},
            },
        }  # fmt: skip
        tensorstore.open(spec, create=True).result().write(array.T).result()
        file = Path("in.n5", number, "attributes.json")
        more = {} if factors is None else {"downsamplingFactors": factors}
        more["pixelResolution"] = {"dimensions": [8.0, 8.0, 40.0], "unit": "nm"}  # type: ignore[assignment]
        file.write_text(json.dumps({**json.loads(file.read_text()), **more}))
    run("task=convert source=in.n5 input.dataset=s1 target=seg.zarr")
    assert stated("seg.zarr")["scale"] == [40, 16, 16]
    np.testing.assert_array_equal(stored("seg.zarr"), labels(seed=1))


def precomputed(path: Path, offset: list[int], size: list[float]) -> None:
    """A segmentation that tensorstore writes."""
    spec = {
        "driver": "neuroglancer_precomputed", "kvstore": f"file://{path}/",
        "multiscale_metadata": {"type": "segmentation", "data_type": "uint32", "num_channels": 1},
        "scale_metadata": {
            "size": list(SHAPE[::-1]), "voxel_offset": offset, "resolution": size,
            "chunk_size": [8, 8, 8], "encoding": "compressed_segmentation",
            "compressed_segmentation_block_size": [8, 8, 8],
        },
    }  # fmt: skip
    store = tensorstore.open(spec, create=True).result()
    store[..., 0].write(labels().T).result()


@pytest.mark.slow
def test_the_offset_of_precomputed_is_kept_both_ways(run: Run) -> None:
    precomputed(run.folder / "in", [256, 512, -3], [4, 4, 40])
    said = run("task=convert source=in target=seg.zarr")
    assert "compared as tensorstore reads the source" in said
    assert stated("seg.zarr") == {"scale": [40, 4, 4], "translation": [-120, 2048, 1024]}
    np.testing.assert_array_equal(stored("seg.zarr"), labels())
    run("task=convert source=seg.zarr target=back output.format=precomputed")
    info = json.loads(Path("back/info").read_text())
    assert info["scales"][0]["voxel_offset"] == [256, 512, -3]
    assert info["scales"][0]["resolution"] == [4, 4, 40]
    # tensorstore, like a plain web server, looks for chunks by their plain names
    spec = {"driver": "neuroglancer_precomputed", "kvstore": f"file://{run.folder}/back/"}
    spec["fill_missing_data_reads"] = False  # type: ignore[assignment]
    back = tensorstore.open(spec, read=True).result()
    np.testing.assert_array_equal(back.read().result()[..., 0].T, labels())


@pytest.mark.slow
def test_a_region_lies_where_it_lay(run: Run) -> None:
    precomputed(run.folder / "in", [256, 512, -3], [4, 4, 40])
    run("task=convert source=in target=part.zarr input.region=[[2,5],[1,9],[3,14]]")
    assert stated("part.zarr")["translation"] == [-120 + 80, 2048 + 4, 1024 + 12]
    np.testing.assert_array_equal(stored("part.zarr"), labels()[2:5, 1:9, 3:14])


@pytest.mark.parametrize(
    "ending",
    [
        "nrrd",
        *(
            pytest.param(ending, marks=pytest.mark.slow)
            for ending in ("precomputed", "h5", "nii", "n5", "zarr")
        ),
    ],
)
def test_size_and_origin_come_back_from_each_format(ending: str, run: Run) -> None:
    precomputed(run.folder / "in", [256, 512, -3], [4, 8, 40])
    run(f"task=convert source=in target=seg.{ending}")
    run(f"task=convert source=seg.{ending} target=back.zarr")
    assert stated("back.zarr")["scale"] == pytest.approx([40, 8, 4])
    assert stated("back.zarr")["translation"] == pytest.approx([-120, 4096, 1024])
    np.testing.assert_array_equal(stored("back.zarr"), labels())


def test_a_mask_whose_white_is_zero(run: Run) -> None:
    """One bit, MinIsWhite: the structure is white, as masks show it, and so it is stored as 0."""
    mask = labels() > 150
    with tifffile.TiffWriter("mask.tif") as file:
        for plane in mask:
            file.write(~plane, photometric="miniswhite", compression="zlib")
    run("task=convert source=mask.tif target=seg.npy")
    np.testing.assert_array_equal(np.load("seg.npy"), mask)


# what nobody states


@pytest.mark.slow
def test_an_unknown_size_is_never_a_number(run: Run) -> None:
    np.save("seg.npy", labels())
    said = run("task=convert source=seg.npy target=seg.zarr")
    assert "the voxel size is unknown" in said
    image = zarr.open_group("seg.zarr", mode="r").attrs["ome"]["multiscales"][0]  # type: ignore[index,call-overload]
    assert {axis.get("unit") for axis in image["axes"]} == {None}
    for target in ("back.h5", "back.n5", "back.nrrd", "back.nii"):
        assert "the voxel size is unknown" in run(f"task=convert source=seg.zarr target={target}")
    with h5py.File("back.h5") as file:
        (name,) = file
        assert "resolution" not in file[name].attrs
    failed = run.fails("task=convert source=seg.npy target=seg output.format=precomputed")
    assert "input.voxel_size_nm" in failed
    assert not Path("seg").exists()


@pytest.mark.slow
def test_formats_that_keep_no_size_or_origin_say_so(run: Run) -> None:
    precomputed(run.folder / "in", [256, 512, -3], [4, 4, 40])
    said = run("task=convert source=in target=seg.npy")
    assert "npy keeps no voxel size (40 x 4 x 4 nm, Z Y X)" in said
    assert "npy keeps no origin (-120 x 2048 x 1024 nm, Z Y X)" in said


# what the user says wins, with a note


def test_the_users_word_wins_and_is_noted(run: Run) -> None:
    tags = json.dumps({"axes": [{"key": key} for key in "zyx"]})
    with h5py.File("seg.h5", "w") as file:
        array = file.create_dataset("seg", data=labels().T)
        array.attrs["axistags"] = tags  # wrongly
        array.attrs["resolution"], array.attrs["unit"] = [1.0, 1.0, 1.0], "nm"
        array.attrs["offset"] = [7.0, 7.0, 7.0]
    said = run(
        "task=convert source=seg.h5 target=seg.zarr input.axes=xyz "
        "input.voxel_size_nm=[40,8,8] input.origin_nm=[-40,16,0]"
    )
    assert "Note: input.axes=x,y,z wins over z,y,x, the axes that" in said
    assert "Note: input.voxel_size_nm=[40,8,8] wins over 1 x 1 x 1 nm" in said
    assert "Note: input.origin_nm=[-40,16,0] wins over" in said
    assert stated("seg.zarr") == {"scale": [40, 8, 8], "translation": [-40, 16, 0]}
    np.testing.assert_array_equal(stored("seg.zarr"), labels())


def test_a_reader_that_errs_is_contradicted(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reader of HDF5 takes X for Z; the second opening does not."""
    from emqs.volumes.formats import hdf5

    tags = json.dumps({"axes": [{"key": key} for key in "xyz"]})
    with h5py.File("seg.h5", "w") as file:
        file.create_dataset("seg", data=labels().T).attrs["axistags"] = tags
    monkeypatch.setattr(hdf5, "_names", lambda *_: ["z", "y", "x"])
    failed = run.fails("task=convert source=seg.h5 target=seg.zarr")
    assert "opened twice, by emqs and by h5py" in failed
    assert "(14, 10, 6) or (6, 10, 14)" in failed
    assert not Path("seg.zarr").exists()


@pytest.mark.slow
def test_a_channel_is_chosen(run: Run) -> None:
    group = zarr.open_group("in.zarr", mode="w", zarr_format=2)
    group.create_array("0", data=np.stack([labels(), labels(seed=1)]), chunks=(1, *SHAPE))
    axes = [{"name": "c", "type": "channel"}]
    axes += [{"name": n, "type": "space", "unit": "nanometer"} for n in "zyx"]
    steps = [{"type": "scale", "scale": [1, 40, 8, 8]}]
    level = {"path": "0", "coordinateTransformations": steps}
    group.attrs["multiscales"] = [{"version": "0.4", "axes": axes, "datasets": [level]}]
    group.attrs["omero"] = {"channels": [{"label": "1"}, {"label": "561"}]}
    assert "give input.select={c: 0}" in run.fails("task=convert source=in.zarr target=a.zarr")
    for number, entry in enumerate(("561", "'561'", "0", "'1'")):
        said = run(
            "task=convert source=in.zarr", f"target={number}.zarr", f"input.select={{c:{entry}}}"
        )
        assert "compared as zarr reads the source" in said
        is_second = entry in ("561", "'561'")
        np.testing.assert_array_equal(stored(f"{number}.zarr"), labels(seed=int(is_second)))
    failed = run.fails("task=convert source=in.zarr target=a.zarr input.select={c:1}")
    assert "\"input.select={c: '1'}\" or \"input.select={c: '561'}\"" in failed
    failed = run.fails("task=convert source=in.zarr target=a.zarr input.select={c:1e3}")
    assert "was read as 1000.0. Put a name in quotes: \"input.select={c: '...'}\"" in failed


def test_a_level_of_a_pyramid_in_a_tiff(run: Run) -> None:
    metadata = {"axes": "ZYX", **{f"PhysicalSize{axis}": 0.008 for axis in "ZYX"}}
    options = {"photometric": "minisblack", "tile": (16, 16)}
    with tifffile.TiffWriter("a.ome.tif") as file:
        file.write(labels("uint16"), subifds=1, metadata=metadata, **options)
        file.write(labels("uint16")[:, ::2, ::2], subfiletype=1, **options)
    said = run("task=convert source=a.ome.tif target=a.zarr input.scale=1")
    assert "compared as tifffile reads the source" in said
    assert stated("a.zarr")["scale"] == [8, 16, 16]
    np.testing.assert_array_equal(stored("a.zarr"), labels("uint16")[:, ::2, ::2])


@pytest.mark.parametrize(
    "name",
    [
        "1e3",
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in ("2024_05_01", "007", "a (1), b=2 #3", "Gro\u0308\u00dfe")
        ),
    ],
)
def test_a_name_is_that_name(name: str, run: Run) -> None:
    Path(name).mkdir()
    np.save(Path(name) / "seg.npy", labels())
    run("task=convert", f"source={name}/seg.npy", f"target={name}/seg.zarr")
    np.testing.assert_array_equal(stored(f"{name}/seg.zarr"), labels())
    run("task=convert", f"source={name}/seg.npy", f"target={name}.x", "output.format=zarr")
    np.testing.assert_array_equal(stored(f"{name}.x"), labels())


def test_composed_names_are_decomposed_ones(run: Run) -> None:
    Path("Gro\u0308\u00dfe").mkdir()
    np.save("Gro\u0308\u00dfe/seg.npy", labels())
    run("task=convert", "source=Gr\u00f6\u00dfe/seg.npy", "target=seg.zarr")
    np.testing.assert_array_equal(stored("seg.zarr"), labels())


@pytest.mark.slow
def test_cloud_volume_reads_what_is_written_for_neuroglancer(run: Run) -> None:
    cloudvolume = pytest.importorskip("cloudvolume")
    size_nm = [40, 4, 8]
    np.save("seg.npy", labels("uint64"))
    run(
        "task=convert source=seg.npy target=seg output.format=precomputed "
        "input.origin_nm=[-120,2048,1024] input.voxel_size_nm=[40,4,8]"
    )
    opened = cloudvolume.CloudVolume("file://seg", progress=False, cache=False)
    assert opened.layer_type == "segmentation"
    assert list(opened.resolution) == size_nm[::-1]
    assert list(opened.voxel_offset) == [128, 512, -3]
    read = np.asarray(opened[:, :, :])[..., 0]
    np.testing.assert_array_equal(read.transpose(2, 1, 0), labels("uint64"))
