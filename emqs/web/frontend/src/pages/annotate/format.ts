// Numbers and places as texts.
import { language, t } from "../../i18n";
import { inNm, measured, type Kind, type Row, type Triple } from "./model";

export function decimal(value: number, digits = 1): string {
  return value.toLocaleString(language.value, { maximumFractionDigits: digits, minimumFractionDigits: digits });
}

export function lengthsText(kind: Kind, lengths: readonly number[]): string {
  const [z, y, x] = lengths.map((value) => decimal(value));
  if (kind === "line") return t("annotate.length", { nm: z ?? "" });
  if (kind === "sphere") return t("annotate.diameter", { nm: z ?? "" });
  if (kind === "box") return t("annotate.edges", { z: z ?? "", y: y ?? "", x: x ?? "" });
  return "";
}

// As short as a cell of the table.
export function sizeText(row: Row, size: Triple): string {
  return measured(row, size).map((value) => decimal(value)).join(" × ");
}

export function placeText(point: Triple): string {
  return point.map((value) => decimal(value, Number.isInteger(value) ? 0 : 1)).join(", ");
}

export function placeNmText(point: Triple, size: Triple): string {
  return inNm(point, size).map((value) => decimal(value, 0)).join(", ");
}

export function when(iso: string): string {
  return new Date(iso).toLocaleString(language.value, { dateStyle: "medium", timeStyle: "short" });
}
