// The merges of a pull request as groups of segments, each with a colour.

export const COLOURS = ["#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7"] as const;

export interface Group {
  name: string; // the segment that the others become
  members: string[]; // the name first, then ascending
  colour: string;
}

function ascending(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : 1); // decimal texts, which may be larger than a number holds
}

export function groupsOf(segments: Readonly<Record<string, string>>): Group[] {
  const by = new Map<string, string[]>();
  for (const [segment, name] of Object.entries(segments)) {
    const members = by.get(name) ?? [];
    if (segment !== name) members.push(segment);
    by.set(name, members);
  }
  return [...by.entries()]
    .sort(([a], [b]) => ascending(a, b))
    .map(([name, members], index) => ({
      name,
      members: [name, ...members.sort(ascending)],
      colour: COLOURS[index % COLOURS.length],
    }));
}

export function coloursOf(groups: readonly Group[]): Record<string, string> {
  return Object.fromEntries(groups.flatMap(({ members, colour }) => members.map((one) => [one, colour])));
}
