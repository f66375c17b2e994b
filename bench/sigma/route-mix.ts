import type { SigmaRecord } from '@protego/streams';

/** So many kinds of records are named; the others are summed up. */
const KINDS_NAMED = 8;

/** How the records spread over kinds, the most frequent first: `51 % Microsoft-Windows-Sysmon/Operational 10, …`. */
export function routeMix(records: readonly SigmaRecord[]): string {
  const counts = new Map<string, number>();
  for (const { data } of records) {
    const kind = `${String(data['Channel'])} ${String(data['EventID'])}`;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  const sorted = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  const others = sorted.slice(KINDS_NAMED);
  const named = sorted.slice(0, KINDS_NAMED);
  if (others.length > 0)
    named.push([`of ${others.length} other kinds`, others.reduce((sum, [, count]) => sum + count, 0)]);
  const percent = (count: number): string =>
    `${((100 * count) / records.length).toFixed(count * 10 < records.length ? 1 : 0)} %`;
  return `${records.length} records: ${named.map(([kind, count]) => `${percent(count)} ${kind}`).join(', ')}`;
}
