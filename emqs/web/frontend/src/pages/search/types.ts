// What is asked of a search, and what comes back.
import type { Place } from "../../api/types";

export interface Example extends Place {
  dataset: string;
}

export type Kind = "positives" | "negatives";

export interface Region {
  start: [number, number, number]; // Z Y X in nm
  stop: [number, number, number];
}

export interface Filters {
  datasets: string[]; // that are searched; empty: the one that is open
  region: Region | null;
  distance_nm: number | null; // null: the edge of a patch
  inside: string[];
  outside: string[];
  segmentation: string | null;
  exact: boolean;
  k: number;
}

export interface SearchState {
  positives: Example[];
  negatives: Example[];
  filters: Filters;
}

// As the server wants it.
export interface ApiPlace extends Partial<Place> {
  annotation?: string;
  dataset?: string;
}

export interface Question {
  positives: ApiPlace[];
  negatives?: ApiPlace[];
  datasets?: string[];
  only?: string[];
  region_nm?: Region;
  inside?: (string | number)[];
  outside?: (string | number)[];
  segmentation?: string;
  embedding?: string;
  k?: number;
  after?: number;
  exact?: boolean;
  distance_nm?: number;
}

export interface Match extends Place {
  rank: number;
  dataset: string;
  hamming: number | null;
  score: number | null;
  probability: number | null;
  placed: Record<string, number> | null; // where it is, as the commands' tables say; null: kept before these were
  z_nm?: number; // of its centre; saved matches have none
  y_nm?: number;
  x_nm?: number;
}

export interface Answer {
  matches: Match[];
  after: number | null;
  fingerprint: Record<string, string>;
  seconds: number;
}

export type Mark = "right" | "wrong";

export interface Saved {
  id: string;
  title: string;
  note: string;
  revision: number;
  created: string;
  changed: string;
  ran: string | null;
  question: Question;
  fingerprint: Record<string, string>;
}

export interface SavedWhole extends Saved {
  matches: Match[];
  marks: (Place & { dataset: string; mark: Mark })[];
}

export interface Comparison {
  both: (Match & { other_rank: number; other_score: number | null })[];
  only_first: Match[];
  only_second: Match[];
  same_examples: boolean;
  same_settings: boolean;
  same_fingerprint: boolean;
}

// The grid of patches of a dataset.
export interface Embedding {
  patch: number; // edge in voxels
  stride: [number, number, number];
  grid: [number, number, number];
  above: number;
  planes: string;
  voxel_size_nm: [number, number, number];
  places: number;
  complete: boolean;
  fingerprint: string;
}
