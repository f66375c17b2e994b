import { formatRfc3339 } from '@protego/contracts';
import { GAP_MS_MIN, RUN_LINES_MAX, type EventEntry, type NamedEntity, type Phase } from './timeline-shape';
import { manyText } from './words/event-words';

/** An event before it is folded. */
export interface Foldable {
  readonly seq: number;
  readonly timeMs: number;
  readonly words: string;
  readonly weight: 'routine' | 'notable' | 'evidence';
  /** The same for events that can be told as one. */
  readonly alike: string;
  readonly phase: Phase;
  /** Whom and what it names, without the focus of the timeline. */
  readonly entities: readonly NamedEntity[];
}

/** Most names that are told of a run. */
const RUN_NAMES_MAX = 2;

/** Least number of events that are told as one. */
export const RUN_MIN = 3;

/**
 * Routine events of a stretch in which nothing stands out, told as one where at least {@link RUN_MIN} are alike; a stretch
 * ends at a moment that matters, at a gap and where the phase changes. What stands out is told by itself, unless it follows
 * others that are alike and equally weighty without anything between.
 *
 * @param events - in order of time
 * @param breaks - event times at which something other than an event stands, ascending
 */
export function foldEvents(events: readonly Foldable[], breaks: readonly number[] = []): EventEntry[] {
  const entries: EventEntry[] = [];
  let stretch: Foldable[] = [];
  let nextBreak = 0;
  const end = (): void => {
    entries.push(...entriesOf(stretch));
    stretch = [];
  };
  for (const event of events) {
    const last = stretch.at(-1);
    let isBroken = false;
    // A break lies after the events of its own instant.
    while ((breaks[nextBreak] ?? Infinity) < event.timeMs) {
      nextBreak++;
      isBroken = true;
    }
    if (last !== undefined && (isBroken || !isSameStretch(last, event))) end();
    stretch.push(event);
  }
  end();
  return entries;
}

function isSameStretch(last: Foldable, event: Foldable): boolean {
  if (event.timeMs - last.timeMs >= GAP_MS_MIN || event.phase !== last.phase || event.weight !== last.weight)
    return false;
  return event.weight === 'routine' || event.alike === last.alike;
}

function entriesOf(stretch: readonly Foldable[]): EventEntry[] {
  const groups = new Map<string, Foldable[]>();
  for (const event of stretch) {
    const group = groups.get(event.alike);
    if (group === undefined) groups.set(event.alike, [event]);
    else group.push(event);
  }
  const entries = [...groups.values()].flatMap((group) =>
    group.length >= RUN_MIN
      ? [{ first: group[0] as Foldable, group }]
      : group.map((first) => ({ first, group: [first] })),
  );
  return entries
    .sort((a, b) => a.first.timeMs - b.first.timeMs || a.first.seq - b.first.seq)
    .map(({ first, group }) => entryOf(first, group));
}

function entryOf(first: Foldable, group: readonly Foldable[]): EventEntry {
  const last = group.at(-1) as Foldable;
  const isRun = group.length > 1;
  const { weight, phase } = first;
  return {
    kind: isRun ? 'run' : 'event',
    ...{ from: formatRfc3339(first.timeMs), to: formatRfc3339(last.timeMs), weight, phase },
    words: isRun ? `${manyText(group.length, first.alike)}${namesText(group)}` : first.words,
    count: group.length,
    seqs: group.slice(0, RUN_LINES_MAX).map(({ seq }) => seq),
    linesLeftOut: Math.max(0, group.length - RUN_LINES_MAX),
  };
}

/** The most frequent names of a run: `, with person ~s.… (12), patient ~p.… (8) and 14 others`; wards say too little. */
function namesText(group: readonly Foldable[]): string {
  const counts = new Map<string, number>();
  for (const { entities } of group)
    for (const { kind, id } of entities)
      if (kind !== 'ward') counts.set(`${kind} ${id}`, (counts.get(`${kind} ${id}`) ?? 0) + 1);
  if (counts.size === 0) return '';
  const names = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  const told = names
    .slice(0, RUN_NAMES_MAX)
    .map(([name, count]) => (count === group.length ? name : `${name} (${count})`));
  const more = names.length - told.length;
  return `, with ${told.join(', ')}${more > 0 ? ` and ${more} ${more === 1 ? 'other' : 'others'}` : ''}`;
}
