import { expect, test } from "vitest";
import { fieldsOf, valueOf, type Schema, type SettingField } from "./schema";

// As pydantic writes them.
const SCHEMA: Schema = {
  properties: {
    layer: { type: "string", pattern: "^a$" },
    batch: { type: "integer", default: 512, minimum: 1 },
    size: { type: "number", exclusiveMinimum: 0 },
    unit: { type: "string", enum: ["px", "nm"], default: "px" },
    weights: { anyOf: [{ type: "string" }, { type: "null" }], default: null },
    start: { type: "array", prefixItems: [{ type: "integer" }, { type: "integer" }, { type: "integer" }] },
    places: { type: "array", items: { type: "array" }, default: [] },
    fast: { type: "boolean", default: false },
  },
  required: ["layer", "size", "start"],
};

function field(name: string): SettingField {
  return fieldsOf(SCHEMA).find((one) => one.name === name) as SettingField;
}

test("fields have kinds, defaults and choices", () => {
  const told = fieldsOf(SCHEMA).map(({ name, kind, required, initial }) => [name, kind, required, initial]);
  expect(told).toEqual([
    ["layer", "text", true, ""],
    ["batch", "integer", false, "512"],
    ["size", "number", true, ""],
    ["unit", "choice", false, "px"],
    ["weights", "text", false, ""],
    ["start", "list", true, ""],
    ["places", "json", false, "[]"],
    ["fast", "check", false, "false"],
  ]);
  expect(field("unit").options).toEqual(["px", "nm"]);
});

test("what is typed becomes what the server wants", () => {
  expect(valueOf(field("layer"), " image ")).toBe("image");
  expect(valueOf(field("size"), "1,5")).toBe(1.5);
  expect(valueOf(field("batch"), "64")).toBe(64);
  expect(valueOf(field("start"), "1, 2;3")).toEqual([1, 2, 3]);
  expect(valueOf(field("places"), "[[1,2,3]]")).toEqual([[1, 2, 3]]);
  expect(valueOf(field("fast"), "true")).toBe(true);
  expect(valueOf(field("weights"), "")).toBeUndefined();
});

test.each([
  ["layer", "", "layer is missing."],
  ["size", "many", "size must be a number, got “many”."],
  ["batch", "1.5", "batch must be a number, got “1.5”."],
  ["start", "1, 2", "start must be 3 numbers, got “1, 2”."],
  ["start", "1, 2, x", "start must be 3 numbers, got “1, 2, x”."],
  ["places", "[", "places is no JSON."],
])("%s = “%s” is refused: %s", (name, text, message) => {
  expect(() => valueOf(field(name), text)).toThrow(message);
});
