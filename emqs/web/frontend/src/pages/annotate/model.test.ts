import { expect, test } from "vitest";
import { distanceNm, drawn, inNm, measured, middle, shaped, type Triple } from "./model";

const SIZE: Triple = [20, 5, 4]; // nm along Z Y X

test("a length counts the edges of voxels along each axis", () => {
  expect(distanceNm([0, 0, 0], [3, 0, 0], SIZE)).toBe(60);
  expect(distanceNm([0, 0, 0], [0, 3, 5], SIZE)).toBe(25); // 15 and 20 nm
  expect(distanceNm([1, 12, 7], [4, 0, 27], SIZE)).toBeCloseTo(Math.sqrt(60 ** 2 + 60 ** 2 + 80 ** 2));
});

test("a sphere has its middle between the clicks and half of their distance as radius", () => {
  const sphere = shaped("sphere", [2, 10, 10], [2, 22, 30], SIZE);
  expect(sphere?.points).toEqual([[2, 16, 20]]);
  expect(sphere?.radius_nm).toBe(50); // half of hypot(60, 80)
  expect(measured(sphere as never, SIZE)).toEqual([100]);
  const shape = drawn(sphere as never, "a", SIZE);
  expect(shape).toMatchObject({ radii: { z: 2.5, y: 10, x: 12.5 } });
});

test("a box holds the voxels of both clicks, in whichever order, also within one slice", () => {
  const box = shaped("box", [6.5, 20.2, 30.9], [6.5, 10.7, 40], SIZE);
  expect(box?.points).toEqual([[6, 10, 30], [7, 21, 41]]);
  expect(measured(box as never, SIZE)).toEqual([20, 55, 44]);
});

test("two clicks on one place make no line and no sphere", () => {
  expect(shaped("line", [1, 2, 3], [1, 2, 3], SIZE)).toBeNull();
  expect(shaped("sphere", [1, 2, 3], [1, 2, 3], SIZE)).toBeNull();
});

test("places in nm count from the centre of the first voxel; the middle lies between the ends", () => {
  expect(inNm([0.5, 0.5, 1.5], SIZE)).toEqual([0, 0, 4]);
  expect(middle([[0, 2, 4], [1, 4, 8]])).toEqual({ z: 0.5, y: 3, x: 6 });
});
