"""Names and paths on a command line stay what they are."""

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from emqs.runs.names import quoted, split

NAMES = [
    "2024_05_01", "1e3", "007", "1_000", "3.10", "true", "nan", "a b", "a (1).tif", "x=y",
    "a,b.tif",
    "#1", "it's", "back\\slash\\", "Größe", "Gro\u0308ße", "/data/run #2/v (3).zarr", "s3://a/b",
    "plain/name-1.zarr", "{x}", "8_8_40",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_hydra_reads_the_name(name: str) -> None:
    (argument,) = quoted([f"volume={name}"])
    override = OverridesParser.create().parse_override(argument)
    assert override.value() == name or str(override.value()) == name
    assert str(override.value()) == name


@pytest.mark.parametrize("name", NAMES)
def test_hydra_reads_the_names_of_a_list(name: str) -> None:
    if "," in name or "'" in name:
        return  # must be quoted by hand
    (argument,) = quoted([f"store=[{name}, b]"])
    value = OverridesParser.create().parse_override(argument).value()
    assert [str(part) for part in value] == [name, "b"]


def test_a_sweep_keeps_its_commas() -> None:
    assert quoted(["-m", "source=a,1e3"]) == ["-m", "source=a,'1e3'"]
    override = OverridesParser.create().parse_override("source=a,'1e3'")
    assert list(override.sweep_string_iterator()) == ["a", "'1e3'"]
    assert quoted(["-m", "source=glob(*)"]) == ["-m", "source=glob(*)"]


@pytest.mark.parametrize(
    "argument",
    ["volume=null", "volume=", "volume='1e3'", 'volume="a b"', "volume=${paths.images}/1 (2)",
     "lr=1e3", "batch_size=007", "--help", "dataset=VNC", "input.region=[[0,1],[0,1],[0,1]]"],
)  # fmt: skip
def test_what_needs_no_quotes_stays(argument: str) -> None:
    assert quoted([argument]) == [argument]


def test_split() -> None:
    assert split("a,[b,c],'d,e',f(1,2)") == ["a", "[b,c]", "'d,e'", "f(1,2)"]
