import type { ProtegoEvent } from '@protego/contracts';

/** Where a ward may stand in an event, the place first. */
const WARD_PATHS = [
  ['device', 'ward'],
  ['actor', 'user', 'ward'],
  ['user', 'ward'],
  ['patient', 'ward'],
] as const;

/** Where servers and gateways stand: it says nothing of whom an event is about. */
const MACHINE_ROOM = 'data-centre';

/** The ward that most of the events name; undefined where none names any. */
export function wardOf(events: readonly ProtegoEvent[]): string | undefined {
  const counts = new Map<string, number>();
  for (const event of events) {
    const wards = WARD_PATHS.map((path) => textAt(event, path)).filter((text) => text !== undefined);
    const ward = wards.find((text) => text !== MACHINE_ROOM) ?? wards[0];
    if (ward !== undefined) counts.set(ward, (counts.get(ward) ?? 0) + 1);
  }
  const [most] = [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  return most?.[0];
}

function textAt({ data }: ProtegoEvent, path: readonly string[]): string | undefined {
  let value: unknown = data;
  for (const part of path) value = (value as Readonly<Record<string, unknown>> | undefined)?.[part];
  return typeof value === 'string' ? value : undefined;
}
