// What the server sends. Positions are in voxels of the dataset unless a name says nm.

export type Role = "reader" | "annotator" | "reviewer" | "manager";

export interface Me {
  id: number;
  name: string;
  display_name: string;
  email: string | null;
  is_admin: boolean;
  has_password: boolean;
  settings: Record<string, unknown>;
  groups: string[];
  datasets: Record<string, Role>;
}

export interface Layer {
  id: number;
  name: string;
  kind: "image" | "segmentation" | "embedding" | "annotation";
  version: number;
  own: boolean;
  source?: string;
}

export interface Dataset {
  id: number;
  name: string;
  title: string;
  description: string;
  visibility: "private" | "public";
  revision: number;
  changed: string;
  role: Role | null;
  searchable: boolean;
  shape: [number, number, number]; // Z Y X
  voxel_size_nm: [number, number, number]; // Z Y X
  origin_nm?: [number, number, number]; // of the middle of the first voxel
  dtype: string;
  layers: Layer[];
}

export interface Place {
  z: number;
  y: number;
  x: number;
}

const RANK: readonly Role[] = ["reader", "annotator", "reviewer", "manager"];

export function hasRole(dataset: Dataset, role: Role): boolean {
  return dataset.role !== null && RANK.indexOf(dataset.role) >= RANK.indexOf(role);
}
