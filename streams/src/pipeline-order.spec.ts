import { canonicalJson, type EventSeq, type LoggedEvent } from '@protego/contracts';
import fc from 'fast-check';
import type { PipelineResult } from './result';
import {
  START_MS,
  closedEvent,
  detectionsAmong,
  jsonCopy,
  logOf,
  loggedEvent,
  openedEvent,
  resultsOf,
  testPipeline,
  tickEvent,
} from './testing';

const HOUR_MS = 3_600_000;
const FILES_PER_BATCH = 30;

/** One thing that happened, and how long it took to arrive in two histories of the same day. */
interface Happening {
  readonly gapMs: number;
  readonly what: 'failure' | 'read' | 'privilege' | 'files' | 'old' | 'future';
  readonly who: string;
  readonly delaysMs: readonly [number, number];
}

const happenings = (): fc.Arbitrary<Happening[]> =>
  fc.array(
    fc.record({
      gapMs: fc.oneof(fc.nat(3_000), fc.constantFrom(0, 1, 2_000, 5_001, 61_000)),
      what: fc.constantFrom<Happening['what']>(
        'failure',
        'failure',
        'failure',
        'read',
        'read',
        'privilege',
        'files',
        'old',
        'future',
      ),
      who: fc.constantFrom('anna', 'bo'),
      delaysMs: fc.tuple(fc.nat(2_000), fc.nat(2_000)),
    }),
    { maxLength: 30 },
  );

/** A day on which everything fires: two batches of files in a minute, failures close together, reads of two patients. */
const FULL_DAY: readonly Happening[] = [
  ...([
    'files',
    'privilege',
    'failure',
    'old',
    'failure',
    'read',
    'future',
    'failure',
    'files',
    'read',
    'failure',
  ] as const),
  ...(['read', 'privilege', 'failure', 'failure'] as const),
].map((what, n) => ({
  what,
  who: 'anna',
  gapMs: n === 11 ? 61_000 : 400,
  delaysMs: [(n * 700) % 2_001, (n * 1_300) % 2_001],
}));

const DATA = {
  failure: (who: string) => ['access.sign-in-failed', { user: { uid: who } }] as const,
  read: (who: string, n: number) =>
    ['access.record-read', { actor: { user: { uid: who } }, patient: { uid: `p${n % 3}` } }] as const,
  privilege: (who: string) => ['access.privilege-changed', { user: { uid: who } }] as const,
  old: (who: string) => ['access.sign-in-failed', { user: { uid: who } }] as const,
  future: (who: string) => ['access.privilege-changed', { user: { uid: who } }] as const,
};

/** The happenings as they arrive, each with the delay that is chosen for it. Old and future ones stay so in any order. */
function historyOf(all: readonly Happening[], which: 0 | 1): LoggedEvent[] {
  let timeMs = START_MS;
  const events = all.flatMap(({ gapMs, what, who, delaysMs }, n) => {
    timeMs += gapMs;
    const arrivedAtMs = timeMs + delaysMs[which];
    if (what === 'files') return filesOf(n, who, timeMs, arrivedAtMs);
    const [type, data] = DATA[what](who, n);
    const claimedMs = timeMs + (what === 'old' ? -HOUR_MS : what === 'future' ? HOUR_MS : 0);
    return [loggedEvent({ id: `e${n}`, timeMs: claimedMs, arrivedAtMs, type, data })];
  });
  return logOf(events.sort((a, b) => a.arrivedAtMs - b.arrivedAtMs));
}

function filesOf(n: number, who: string, timeMs: number, arrivedAtMs: number): LoggedEvent[] {
  return Array.from({ length: FILES_PER_BATCH }, (_, file) =>
    loggedEvent({
      id: `f${n}-${file}`,
      timeMs,
      arrivedAtMs,
      source: 'endpoint',
      type: 'device.file-changed',
      data: { device: { uid: `ws-${who}` }, file: { path: `${n}/${file}`, entropy: 7.9 } },
    }),
  );
}

const withEnd = (log: readonly LoggedEvent[]): LoggedEvent[] => [
  ...log,
  { ...tickEvent((log.at(-1)?.arrivedAtMs ?? START_MS) + HOUR_MS), seq: log.length as EventSeq },
];
const contentsOf = (results: readonly PipelineResult[]): string[] =>
  detectionsAmong(results)
    .map(({ detection }) => canonicalJson(detection))
    .sort();
const mistimedOf = (results: readonly PipelineResult[]): string[] =>
  results
    .flatMap((result) =>
      result.kind === 'late' || result.kind === 'skewed' ? [`${result.kind} ${result.event.event.id}`] : [],
    )
    .sort();

describe('order of arrival', () => {
  it('does not show in detections when it leaves the timing of every event as it is', () => {
    const raised = new Set<string>();
    fc.assert(
      fc.property(happenings() as fc.Arbitrary<readonly Happening[]>, (all) => {
        const [one, two] = ([0, 1] as const).map((which) => resultsOf(withEnd(historyOf(all, which)))) as [
          PipelineResult[],
          PipelineResult[],
        ];
        expect(mistimedOf(one)).toEqual(mistimedOf(two));
        expect(contentsOf(one)).toEqual(contentsOf(two));
        for (const { detection } of detectionsAmong(one)) raised.add(detection.ruleId);
      }),
      { numRuns: 150, examples: [[FULL_DAY]] },
    );
    // The property would say little if some window were never full.
    const always = ['encryption-burst', 'many-failures', 'many-patients', 'privilege', 'read'];
    expect([...raised]).toEqual(expect.arrayContaining(always));
  });

  it('does not show either for any permutation that happens to change no timing', () => {
    const keys = fc.array(fc.nat(60), { minLength: 30, maxLength: 30 });
    fc.assert(
      fc.property(happenings(), keys, (all, order) => {
        const straight = historyOf(
          all.filter(({ what }) => what !== 'files'),
          0,
        );
        // Neighbours change places only: else nearly every permutation makes something late.
        const moved = straight
          .map((event, index) => ({ event, key: index + (order[index % order.length] as number) / 20 }))
          .sort((a, b) => a.key - b.key)
          .map(({ event }, index) => ({ ...event, arrivedAtMs: straight[index]?.arrivedAtMs ?? 0 }));
        const [one, two] = [resultsOf(withEnd(straight)), resultsOf(withEnd(logOf(moved)))];
        fc.pre(JSON.stringify(mistimedOf(one)) === JSON.stringify(mistimedOf(two)));
        expect(contentsOf(two)).toEqual(contentsOf(one));
      }),
      { numRuns: 100 },
    );
  });
});

describe('chunks', () => {
  it('do not show in results, with a snapshot written down and read back between them, also within an import', () => {
    const places = fc.array(fc.nat(), { maxLength: 5 });
    fc.assert(
      fc.property(happenings(), happenings(), places, fc.nat(), (all, imported, cuts, openAt) => {
        const live = historyOf(all, 0);
        const place = openAt % (live.length + 1);
        const nowMs = live[place]?.arrivedAtMs ?? START_MS;
        const session = [openedEvent(nowMs), ...historyOf(imported, 1), closedEvent(nowMs)];
        const log = withEnd(
          [...live.slice(0, place), ...session, ...live.slice(place)].map((event, seq) => ({
            ...event,
            seq: seq as EventSeq,
          })),
        );
        const expected = resultsOf(log);
        const bounds = [0, ...cuts.map((cut) => cut % (log.length + 1)), log.length].sort((a, b) => a - b);
        let pipeline = testPipeline();
        const results: PipelineResult[] = [];
        for (let n = 1; n < bounds.length; n++) {
          results.push(...resultsOf(log.slice(bounds[n - 1], bounds[n]), pipeline));
          pipeline = testPipeline(jsonCopy(pipeline.snapshot()));
        }
        expect(results).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  it('do not show at any single place of a history', () => {
    const all = FULL_DAY;
    const log = withEnd(historyOf(all, 0));
    const expected = resultsOf(log);
    for (let place = 0; place <= log.length; place++) {
      const first = testPipeline();
      const results = resultsOf(log.slice(0, place), first);
      expect([...results, ...resultsOf(log.slice(place), testPipeline(jsonCopy(first.snapshot())))]).toEqual(expected);
    }
  });
});

describe('events of 1970 and 2100', () => {
  it('change no other result', () => {
    const strays = fc.array(fc.record({ place: fc.nat(), year: fc.constantFrom(1970, 2100), files: fc.boolean() }), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(happenings(), strays, (all, extra) => {
        const log = withEnd(historyOf(all, 0));
        const mixed: LoggedEvent[] = [...log];
        extra.forEach(({ place, year, files }, n) => {
          const at = place % (mixed.length + 1);
          const arrivedAtMs = (mixed[at] ?? (mixed.at(-1) as LoggedEvent)).arrivedAtMs;
          const [type, data] = DATA[files ? 'read' : 'failure']('anna', n);
          mixed.splice(
            at,
            0,
            loggedEvent({ id: `stray${n}`, seq: 10_000 + n, timeMs: Date.UTC(year, 0, 1), arrivedAtMs, type, data }),
          );
        });
        const others = resultsOf(mixed).filter((result) =>
          result.kind === 'detection' ? result.seqs.every((seq) => seq < 10_000) : result.event.seq < 10_000,
        );
        expect(others).toEqual(resultsOf(log));
      }),
      { numRuns: 80 },
    );
  });
});

describe('an import', () => {
  it('changes no result of the live session, nor does the live session change those of the import', () => {
    fc.assert(
      fc.property(happenings(), happenings(), fc.nat(), (all, imported, openAt) => {
        const live = withEnd(historyOf(all, 0));
        const place = openAt % (live.length + 1);
        const session = [openedEvent(START_MS), ...historyOf(imported, 1), closedEvent(START_MS)].map((event, n) => ({
          ...event,
          seq: (10_000 + n) as EventSeq,
        }));
        const results = resultsOf([...live.slice(0, place), ...session, ...live.slice(place)]);
        const isImported = (result: PipelineResult): boolean =>
          (result.kind === 'detection' ? (result.seqs[0] as number) : result.event.seq) >= 10_000;
        expect(results.filter((result) => !isImported(result))).toEqual(resultsOf(live));
        expect(results.filter(isImported)).toEqual(resultsOf(session));
      }),
      { numRuns: 60 },
    );
  });
});
