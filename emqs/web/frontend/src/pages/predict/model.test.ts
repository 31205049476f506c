import { describe, expect, it } from "vitest";
import { byVolume, csvOf, fromAddress, partInView, toAddress, type Thing } from "./model";

const dataset = { shape: [12, 512, 3000] as [number, number, number] };
const view = (y: [number | null, number | null], x: [number | null, number | null]) => ({
  start: { z: null, y: y[0], x: x[0] },
  stop: { z: null, y: y[1], x: x[1] },
});

describe("the part that is predicted", () => {
  it("is what is in view, inside the volume", () => {
    const part = partInView(view([-20.5, 100.2], [40.7, 900]), { z: 6.5, y: 40, x: 470 }, dataset, 2 ** 20);
    expect(part).toEqual({ start: [6, 0, 40], stop: [7, 101, 900], cut: false });
  });
  it("is its middle, where that is too much", () => {
    const { start, stop, cut } = partInView(view([-99, 999], [0, 3000]), { z: 40, y: 256, x: 1500 }, dataset, 512 * 1000);
    expect(cut).toBe(true);
    expect([start, stop]).toEqual([[11, 0, 1000], [12, 512, 2000]]);
    const large = partInView(view([0, 5000], [0, 5000]), { z: 0, y: 0, x: 0 }, { shape: [1, 5000, 5000] }, 2 ** 20);
    expect(large.stop.map((v, axis) => v - (large.start[axis] ?? 0))).toEqual([1, 1024, 1024]);
  });
  it("lies around the centre along an axis that no panel shows", () => {
    const part = partInView(view([null, null], [100, 200]), { z: 3, y: 300, x: 150 }, dataset, 2 ** 20);
    expect([part.start, part.stop]).toEqual([[3, 44, 100], [4, 512, 200]]);
  });
});

it("an address holds the part and a threshold that is not the usual one", () => {
  const part = { start: [6, 0, 1] as [number, number, number], stop: [7, 9, 9] as [number, number, number] };
  for (const threshold of [0.5, 0.2]) {
    expect(fromAddress(JSON.parse(JSON.stringify(toAddress({ part, threshold }))))).toEqual({ part, threshold });
  }
  expect(toAddress(null)).toBeUndefined();
  for (const wrong of [null, 3, {}, { r: [1, 2, 3] }, { r: [1, 2, 3, 4, 5, "6"] }, { r: [0, 0, 0, 1, 1, -1] }]) {
    expect(fromAddress(wrong)).toBeNull();
  }
  expect(fromAddress({ r: [0, 0, 0, 1, 1, 1], t: 7 })?.threshold).toBe(0.5);
});

it("objects come the largest first, and as a table", () => {
  const thing = (label: number, volume_nm3: number) => ({ label, volume_nm3 }) as Thing;
  const things = [thing(1, 5), thing(2, 9), thing(3, 9)];
  expect(byVolume(things).map((one) => one.label)).toEqual([2, 3, 1]);
  expect(csvOf(things.slice(0, 2))).toBe("label,volume_nm3\r\n1,5\r\n2,9\r\n");
  expect(csvOf([])).toBe("label\r\n");
});
