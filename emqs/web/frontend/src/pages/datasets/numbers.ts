// Numbers that people type.
import { t } from "../../i18n";

// Return three sizes in nm, Z Y X, from "40, 5, 5".
export function sizes(text: string): [number, number, number] {
  const read = text.split(/[\s,;×]+/).filter((part) => part !== "").map(Number);
  if (read.length !== 3 || !read.every((value) => Number.isFinite(value) && value > 0)) {
    throw new Error(t("dataset.voxel_wrong", { text }));
  }
  return [read[0], read[1], read[2]];
}
