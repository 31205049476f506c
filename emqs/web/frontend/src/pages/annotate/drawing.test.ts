import { expect, test, vi } from "vitest";
import { makeDrawing } from "./drawing";

const at = (z: number, y: number, x: number) => ({ z, y, x });

test("a point is made by one place, a line by two, and its length is told meanwhile", () => {
  const finish = vi.fn();
  const drawing = makeDrawing([20, 5, 5], finish);
  drawing.place(at(1, 2, 3));
  expect(finish).toHaveBeenLastCalledWith({ kind: "point", points: [[1, 2, 3]], radius_nm: null });
  drawing.choose("line");
  drawing.place(at(0, 0, 0));
  drawing.move(at(0, 3, 4));
  expect(drawing.lengths.value).toEqual([25]);
  drawing.place(at(1, 0, 0));
  expect(finish).toHaveBeenLastCalledWith({ kind: "line", points: [[0, 0, 0], [1, 0, 0]], radius_nm: null });
  expect(drawing.first.value).toBeNull();
});

test("what was begun is given up by cancel, and by another tool", () => {
  const finish = vi.fn();
  const drawing = makeDrawing([20, 5, 5], finish);
  drawing.choose("sphere");
  drawing.place(at(0, 0, 0));
  drawing.cancel();
  drawing.place(at(0, 0, 1));
  expect(finish).not.toHaveBeenCalled();
  drawing.choose("box");
  expect(drawing.first.value).toBeNull();
  expect(drawing.preview.value).toBeNull();
});

test("a line that ends where it begins goes on", () => {
  const finish = vi.fn();
  const drawing = makeDrawing([20, 5, 5], finish);
  drawing.choose("line");
  drawing.place(at(0, 1, 1));
  drawing.place(at(0, 1, 1));
  expect(finish).not.toHaveBeenCalled();
  expect(drawing.first.value).toEqual([0, 1, 1]);
});
