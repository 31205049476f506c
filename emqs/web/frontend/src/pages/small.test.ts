import { expect, test } from "vitest";
import { program } from "./account/Tokens";
import { labelsOf } from "./datasets/AddDataset";
import { sizes } from "./datasets/numbers";
import { inNm, length, triple } from "./datasets/place";

test("browsers are named by what they call themselves", () => {
  const chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0 Safari/537.36";
  expect(program(chrome)).toBe("Chrome, Linux");
  expect(program(chrome.replace("Safari", "Edg"))).toBe("Edge, Linux");
  expect(program("python-httpx/0.1")).toBe("python-httpx/0.1");
  expect(program("")).toBe("Unknown program");
});

test("paths of segmentations have names, or get them", () => {
  expect(labelsOf(["/a.zarr"])).toBe("/a.zarr");
  expect(labelsOf(["cells = /a=b.zarr"])).toEqual({ cells: "/a=b.zarr" });
  expect(labelsOf(["/a.zarr", "/b.zarr"])).toEqual({ labels: "/a.zarr", labels2: "/b.zarr" });
});

test("voxel sizes are three numbers above 0", () => {
  expect(sizes("40, 5.5 5")).toEqual([40, 5.5, 5]);
  for (const wrong of ["40, 5", "40, 0, 5", "a, b, c", "40, 5, 5, 5", "Infinity 1 1"]) {
    expect(() => sizes(wrong)).toThrow("three numbers above 0");
  }
});

test("lengths and places as people read them", () => {
  expect([5, 2560, 1_500_000].map(length)).toEqual(["5 nm", "2.6 µm", "1.5 mm"]);
  expect(triple([12, 512, 1024])).toBe("12 × 512 × 1,024");
  expect(inNm([6.5, 100.5, 0.5], [20, 5, 5])).toEqual([120, 500, 0]); // the first voxel's middle is 0
});
