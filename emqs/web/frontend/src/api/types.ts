// What the server sends. Positions are in voxels of the dataset unless a name says nm.

export type Role = "reader" | "annotator" | "reviewer" | "manager";

export interface Me {
  id: string;
  name: string;
  display_name: string;
  email: string | null;
  is_admin: boolean;
  has_password: boolean;
  settings: Record<string, unknown>;
  groups: string[];
  accounts: boolean; // false: a server without accounts; nobody signs in or out
  datasets: Record<string, Role>;
}

export interface Layer {
  id: string;
  name: string;
  kind: "image" | "segmentation" | "embedding" | "annotations";
  version: string;
  own: boolean;
  source?: string;
}

export interface Dataset {
  id: string;
  name: string;
  title: string;
  description: string;
  visibility: "private" | "public";
  revision: number;
  changed: number; // seconds since 1970
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

// A line of a discussion: a comment, or a step to another state with or without words.
export interface Line {
  id: string;
  user: string | null;
  action: string;
  text: string;
  at: string;
}

export interface AtlasEntry {
  id: string;
  annotation_id: string;
  dataset: string;
  owner: string | null;
  owner_id: string;
  reviewer: string | null;
  state: "submitted" | "changes_requested" | "accepted" | "rejected" | "withdrawn" | "superseded";
  kind: "point" | "line" | "sphere" | "box";
  title: string;
  description: string;
  tags: string[];
  content: { points: [number, number, number][]; radius_nm: number | null };
  place: [number, number, number]; // Z Y X in voxels
  snapshot: string;
  revision: number;
  created: string;
  changed: string;
}

export interface Pull {
  id: string;
  author: string | null;
  author_id: string;
  reviewer: string | null;
  layer: string | null;
  title: string;
  description: string;
  state: "open" | "changes_requested" | "accepted" | "rejected" | "withdrawn" | "applied";
  base_version: string;
  applied_version: string | null;
  revision: number;
  created: string;
  changed: string;
  decided: string | null;
}

export interface WholePull extends Pull {
  segments: Record<string, string>; // segment: the one that it becomes
  conflicts: string[];
  overlaps: Record<string, string>; // segment: another pull request that has merged it since
  discussion: Line[];
}

export interface Job {
  id: string;
  kind: string;
  state: "queued" | "running" | "done" | "failed" | "cancelled";
  settings: Record<string, unknown>;
  result: Record<string, unknown> | null;
  error: string | null;
  progress: number; // 0 to 1
  progress_text: string;
  attempts: number;
  most_attempts: number;
  cancel_requested: boolean;
  owner: string | null;
  dataset: string | null;
  created: number; // seconds since 1970
  started: number | null;
  finished: number | null;
}

export const ROLES: readonly Role[] = ["reader", "annotator", "reviewer", "manager"];

export function hasRole(dataset: Dataset, role: Role): boolean {
  return dataset.role !== null && ROLES.indexOf(dataset.role) >= ROLES.indexOf(role);
}
