import { describe, expect, it } from "vitest";
import { fromAddress, toAddress } from "./address";
import {
  csvOf, EMPTY, extentOf, NO_FILTERS, nmOf, patchOf, questionOf, regionInView, sameQuestion, segmentsIn, stateOf, voxelAt,
  withExample, withoutExample,
} from "./model";
import type { Embedding, Example, SearchState } from "./types";

const a: Example = { z: 1, y: 20, x: 30, dataset: "toy" };
const b: Example = { z: 2, y: 40, x: 60, dataset: "toy" };
const far: Example = { z: 2, y: 40, x: 60, dataset: "brain" };
const BRAIN = {
  shape: [4, 100, 200], voxel_size_nm: [40, 5, 5] as [number, number, number],
  origin_nm: [0, 10, 0] as [number, number, number],
};

describe("examples", () => {
  it("are of one kind, the last that was said", () => {
    let state = withExample(EMPTY, "positives", a);
    state = withExample(state, "positives", a);
    expect(state.positives).toEqual([a]);
    state = withExample(state, "negatives", a);
    expect([state.positives, state.negatives]).toEqual([[], [a]]);
    expect(withoutExample(state, "negatives", { ...a }).negatives).toEqual([]);
  });
  it("lie in the voxel that a position is in", () => {
    expect(voxelAt({ z: 1.99, y: 0, x: 199.5 }, BRAIN.shape)).toEqual({ z: 1, y: 0, x: 199 });
    expect(voxelAt({ z: 4, y: 0, x: 0 }, BRAIN.shape)).toBeNull();
    expect(voxelAt({ z: 0, y: -0.01, x: 0 }, BRAIN.shape)).toBeNull();
  });
});

describe("questions", () => {
  const state: SearchState = { positives: [a, far], negatives: [b], filters: { ...NO_FILTERS, inside: ["7"], exact: true } };
  it("name other datasets where examples come from, and search the open one alone", () => {
    const question = questionOf(state, "toy");
    expect(question.positives).toEqual([{ z: 1, y: 20, x: 30 }, { z: 2, y: 40, x: 60, dataset: "brain" }]);
    expect(question.datasets).toEqual(["brain"]);
    expect(question.only).toEqual(["toy"]);
  });
  it("search several datasets when asked to", () => {
    const both = { ...state, filters: { ...state.filters, datasets: ["toy", "brain"] } };
    expect(questionOf(both, "toy").only).toBeUndefined();
    expect(questionOf({ ...EMPTY, positives: [a] }, "toy")).toEqual({ positives: [{ z: 1, y: 20, x: 30 }], negatives: [], k: 48 });
  });
  it("and states are made of each other", () => {
    expect(stateOf(questionOf(state, "toy"), "toy")).toEqual(state);
    const both = { ...state, filters: { ...state.filters, datasets: ["toy", "brain"] } };
    expect(stateOf(questionOf(both, "toy"), "toy")).toEqual(both);
  });
  it("are the same whatever page, and differ by a voxel", () => {
    const question = questionOf(state, "toy");
    expect(sameQuestion(question, { ...question, k: 7, after: 9, distance_nm: undefined })).toBe(true);
    expect(sameQuestion(question, questionOf({ ...state, negatives: [{ ...b, x: 61 }] }, "toy"))).toBe(false);
  });
});

describe("addresses", () => {
  const kept = {
    state: { positives: [a, far], negatives: [b], filters: { ...NO_FILTERS, distance_nm: 0, datasets: ["brain"] } },
    shown: 96, saved: "id", marks: { "toy/1/2/3": "wrong" as const },
  };
  it("hold a search", () => {
    const text = JSON.stringify(toAddress(kept, "toy"));
    expect(fromAddress(JSON.parse(text), "toy")).toEqual(kept);
    expect(toAddress({ state: EMPTY, shown: 0, saved: null, marks: {} }, "toy")).toBeUndefined();
  });
  it("that make no sense give what is left", () => {
    expect(fromAddress("x", "toy")).toBeNull();
    const odd = { p: [[1, 2], [1, -2, 3], [1, 2, 3.5], "a", [1, 2, 3, 4]], f: { k: -1, region: { start: [1] } }, shown: "9", m: { a: "b" } };
    expect(fromAddress(odd, "toy")).toEqual({
      state: { ...EMPTY, positives: [{ z: 1, y: 2, x: 3, dataset: "toy" }] }, shown: 0, saved: null, marks: {},
    });
  });
});

describe("places", () => {
  const grid: Embedding = {
    patch: 80, stride: [1, 40, 40], grid: [12, 11, 11], above: 0, planes: "xy", voxel_size_nm: [20, 5, 5], places: 1452,
    complete: true, fingerprint: "",
  };
  it("are compared by the patch of the grid around them", () => {
    // patches start at 0, 40, 80: their middles are 39.5, 79.5, ..., and 59.5 is as near to both of its neighbours
    expect(patchOf({ z: 3, y: 59, x: 60 }, grid)).toEqual({ z: 3, y: 40, x: 80 });
    expect(patchOf({ z: 3, y: 0, x: 511 }, grid)).toEqual({ z: 3, y: 40, x: 440 });
  });
  it("have nm in the middle of their voxel", () => {
    expect(nmOf({ z: 1, y: 2, x: 3 }, BRAIN)).toEqual([40, 20, 15]);
    expect(extentOf(BRAIN)).toEqual({ start: [0, 10, 0], stop: [120, 505, 995] });
  });
  it("in view become a region, whole along the axis one looks", () => {
    const view = { start: { z: null, y: -5, x: 10 }, stop: { z: null, y: 50.5, x: 300 } };
    // x from 10: voxel 10 begins there, half a voxel before its middle
    expect(regionInView(view, BRAIN)).toEqual({ start: [0, 10, 47.5], stop: [120, 260, 995] });
    const all = { start: { z: null, y: -5, x: -1 }, stop: { z: null, y: 500, x: 300 } };
    expect(regionInView(all, BRAIN)).toBeNull();
  });
});

it("segments are read from any list of numbers", () => {
  expect(segmentsIn(" 5, 6;7\n5 x 18446744073709551615")).toEqual(["5", "6", "7", "18446744073709551615"]);
});

it("a table has a line for each match, empty where nothing is known", () => {
  const placed = { z: 1, y: 1.5, x: 2.5, z_nm: 20, y_nm: 7.5, x_nm: 12.5 };
  const match = { rank: 1, dataset: "toy", z: 1, y: 2, x: 3, placed, z_nm: 20, y_nm: 7.5, x_nm: 12.5, hamming: 4, score: 0.5, probability: null };
  expect(csvOf([match])).toBe("rank,dataset,z,y,x,z_nm,y_nm,x_nm,hamming,score,probability\r\n1,toy,1,1.5,2.5,20,7.5,12.5,4,0.5,\r\n");
  expect(csvOf([])).toBe("rank,dataset,hamming,score,probability\r\n");
});
