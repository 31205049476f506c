import { describe, expect, it } from "vitest";
import type { Dataset } from "../api/types";
import { compact, expanded, fitted } from "./state";

const NORMAL = {
  dimensions: { x: [5e-9, "m"] },
  position: [256, 256, 6],
  layout: "xy",
  layers: [
    { type: "image", name: "image", source: "precomputed://now" },
    { type: "segmentation", name: "labels", source: "precomputed://labels" },
  ],
};
const TOY = { shape: [12, 512, 512], voxel_size_nm: [20, 5, 5] } as unknown as Dataset;

describe("the state of the viewer", () => {
  it("is kept without what the server knows, and comes back with what it knows now", () => {
    const kept = compact({ ...NORMAL, crossSectionScale: 2 }, NORMAL);
    expect(JSON.stringify(kept)).not.toContain("precomputed");
    expect(kept).not.toHaveProperty("dimensions");
    expect(expanded(kept, NORMAL)).toEqual({ ...NORMAL, crossSectionScale: 2 });
  });
  it("leaves out layers that are gone, keeps own ones, and adds new ones", () => {
    const kept = { layers: [{ name: "gone" }, { name: "own", source: "precomputed://own" }] };
    const names = (expanded(kept, NORMAL).layers as { name: string }[]).map((layer) => layer.name);
    expect(names).toEqual(["own", "image", "labels"]);
  });
  it("shows at first the whole slice, and no segments", () => {
    const first = fitted(NORMAL, TOY, { clientWidth: 900, clientHeight: 542 });
    expect(first.crossSectionScale).toBeCloseTo(1.04); // 512 voxels into 542 - 30 pixels
    expect(first.layers).toEqual([NORMAL.layers[0], { ...NORMAL.layers[1], visible: false }]);
    const deep = { ...TOY, voxel_size_nm: [20, 8, 4] } as Dataset; // in voxels of 4 nm it is 1024 high
    expect(fitted(NORMAL, deep, { clientWidth: 900, clientHeight: 542 }).crossSectionScale).toBeCloseTo(2.08);
  });
});
