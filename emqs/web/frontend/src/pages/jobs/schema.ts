// Settings of a kind of job: fields from their JSON schema, and values from what was typed.
import { t } from "../../i18n";

interface Node {
  type?: string;
  const?: unknown;
  enum?: string[];
  default?: unknown;
  description?: string;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  anyOf?: Node[];
  prefixItems?: Node[];
  items?: Node;
}

export interface Schema {
  description?: string;
  properties?: Record<string, Node>;
  required?: string[];
}

export interface SettingField {
  name: string;
  kind: "text" | "number" | "integer" | "choice" | "check" | "list" | "json";
  required: boolean;
  initial: string;
  options: string[]; // of a choice
  length: number; // of a list of numbers
}

export function fieldsOf(schema: Schema): SettingField[] {
  return Object.entries(schema.properties ?? {}).map(([name, node]) => {
    const bare = node.anyOf?.find((one) => one.type !== "null") ?? node;
    const initial = node.default === undefined || node.default === null ? "" : plain(node.default);
    return {
      name,
      kind: kindOf(bare),
      required: schema.required?.includes(name) ?? false,
      initial,
      options: bare.enum ?? [],
      length: bare.prefixItems?.length ?? 0,
    };
  });
}

function kindOf(node: Node): SettingField["kind"] {
  if (node.enum !== undefined) return "choice";
  if (node.type === "boolean") return "check";
  if (node.type === "number" || node.type === "integer") return node.type;
  if (node.type === "array") {
    const parts = node.prefixItems ?? [];
    return parts.length > 0 && parts.every((part) => part.type === "number" || part.type === "integer") ? "list" : "json";
  }
  return node.type === "string" ? "text" : "json";
}

function plain(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

// Return the value of a field as the server wants it; undefined: not set.
export function valueOf(field: SettingField, text: string): unknown {
  const typed = text.trim();
  if (typed === "") {
    if (field.required) throw new Error(t("job.missing", { name: field.name }));
    return undefined;
  }
  switch (field.kind) {
    case "text":
    case "choice":
      return typed;
    case "check":
      return typed === "true";
    case "number":
    case "integer": {
      const value = Number(typed.replace(",", "."));
      const right = Number.isFinite(value) && (field.kind === "number" || Number.isInteger(value));
      if (!right) throw new Error(t("job.no_number", { name: field.name, text: typed }));
      return value;
    }
    case "list": {
      const values = typed.split(/[\s,;]+/).map(Number);
      if (values.length !== field.length || !values.every(Number.isFinite)) {
        throw new Error(t("job.no_list", { name: field.name, n: field.length, text: typed }));
      }
      return values;
    }
    case "json":
      try {
        return JSON.parse(typed);
      } catch {
        throw new Error(t("job.no_json", { name: field.name }));
      }
  }
}
