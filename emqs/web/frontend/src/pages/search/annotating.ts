// Matches become annotations, which can be taken back at once.
import { dataset as path, request } from "../../api/client";
import type { Place } from "../../api/types";
import { centreOf } from "./format";
import type { Match } from "./types";

const AT_ONCE = 500; // rows of a batch

interface Report {
  counts: Record<string, number>;
  rows: { index: number; status: string; id?: string; revision?: number; error?: string }[];
}

export interface Made {
  created: { id: string; revision: number }[];
  existing: number;
  failed: string[]; // why
}

export interface Words {
  title: string;
  tags: string[];
  search: string | null; // the saved search that they come from
  fingerprint: Record<string, string>;
}

// Where a whole number is the middle of a voxel, annotations count from its corner.
function middle({ z, y, x }: Place): [number, number, number] {
  return [z + 0.5, y + 0.5, x + 0.5];
}

export async function annotate(dataset: string, matches: readonly Match[], words: Words): Promise<Made> {
  const made: Made = { created: [], existing: 0, failed: [] };
  for (let start = 0; start < matches.length; start += AT_ONCE) {
    const rows = matches.slice(start, start + AT_ONCE).map((match) => ({
      kind: "point",
      points: [middle(centreOf(match))],
      title: words.title === "" ? `${match.rank}` : `${words.title} ${match.rank}`,
      tags: words.tags,
      properties: {
        ...(words.search !== null && { search: words.search }),
        rank: match.rank, score: match.score, hamming: match.hamming, fingerprint: words.fingerprint,
      },
    }));
    const report = await request<Report>(`${path(dataset)}/annotations/batch`, { body: { rows } });
    for (const { status, id, revision, error } of report.rows) {
      if (status === "created" && id !== undefined && revision !== undefined) made.created.push({ id, revision });
      else if (status === "existing") made.existing += 1;
      else if (error !== undefined) made.failed.push(error);
    }
  }
  return made;
}

export async function takeBack(dataset: string, made: Made): Promise<void> {
  for (const { id, revision } of made.created) {
    await request(`${path(dataset)}/annotations/${encodeURIComponent(id)}`, {
      method: "DELETE",
      headers: { "If-Match": `"${revision}"` },
    });
  }
}
