import { canonicalJson, formatRfc3339, type EventSeq, type LoggedEvent } from '@protego/contracts';
import fc from 'fast-check';
import { buildPipeline, isPipelineInput } from './pipeline';
import type { PipelineResult } from './result';
import {
  START_MS,
  TEST_ARTEFACTS,
  closedEvent,
  detectionsAmong,
  jsonCopy,
  logOf,
  loggedEvent,
  numbered,
  openedEvent,
  resultsOf,
  testPipeline,
  tickEvent,
} from './testing';

const HOUR_MS = 3_600_000;
const SKEW_MS = TEST_ARTEFACTS.declarations.skewMaxMs;

/** One thing that happened, how far its time is from the clock, and how long it took to arrive in two histories. */
interface Happening {
  readonly gapMs: number;
  readonly what: 'failure' | 'read' | 'privilege' | 'files';
  readonly who: 'anna' | 'bo';
  readonly aheadMs: number;
  readonly delaysMs: readonly [number, number];
}

/** Something that somebody said about detections while something else was arriving. */
interface Decision {
  /** Number of the happening, and how long after it, by the pipeline's clock. */
  readonly during: number;
  readonly afterMs: number;
  readonly type: 'muted' | 'acknowledged' | 'unmuted';
  readonly rule: string | undefined;
  readonly who: 'anna' | 'bo' | undefined;
  readonly forMs: number;
  readonly of: number;
}

const happenings = (): fc.Arbitrary<Happening[]> =>
  fc.array(
    fc.record({
      gapMs: fc.oneof(fc.nat(3_000), fc.constantFrom(0, 1, 5_000, 30_000, 61_000)),
      what: fc.constantFrom<Happening['what']>('failure', 'failure', 'read', 'read', 'privilege', 'privilege', 'files'),
      who: fc.constantFrom('anna', 'bo'),
      // As far ahead as an event may be, and one beyond it.
      aheadMs: fc.constantFrom(0, 0, 0, 1, SKEW_MS - 2_000, SKEW_MS, 2 * SKEW_MS),
      delaysMs: fc.tuple(fc.nat(2_000), fc.nat(2_000)),
    }),
    { maxLength: 40 },
  );

const decisions = (): fc.Arbitrary<Decision[]> =>
  fc.array(
    fc.record({
      during: fc.nat(39),
      afterMs: fc.oneof(fc.nat(2_000), fc.constantFrom(0, 1)),
      type: fc.constantFrom<Decision['type']>('muted', 'muted', 'acknowledged', 'unmuted'),
      rule: fc.constantFrom('privilege', 'read', 'many-failures', 'many-patients', 'encryption-burst', undefined),
      who: fc.constantFrom('anna', 'bo', undefined),
      forMs: fc.constantFrom(SKEW_MS + 2, 90_000, 200_000, HOUR_MS),
      of: fc.nat(5),
    }),
    { minLength: 1, maxLength: 8 },
  );

function eventOf({ what, who }: Happening, n: number): { type: string; source?: string; data: object }[] {
  if (what === 'files')
    return Array.from({ length: 60 }, (_, file) => ({
      type: 'device.file-changed',
      source: 'endpoint',
      data: { device: { uid: who }, file: { path: `${n}/${file}`, entropy: 7.9 } },
    }));
  if (what === 'read')
    return [{ type: 'access.record-read', data: { actor: { user: { uid: who } }, patient: { uid: `p${n % 3}` } } }];
  return [
    { type: what === 'failure' ? 'access.sign-in-failed' : 'access.privilege-changed', data: { user: { uid: who } } },
  ];
}

interface Arrival {
  readonly event: LoggedEvent;
  /** Things that arrive in one millisecond come in this order. */
  readonly tie: number;
}

/** The happenings and decisions as they arrive. */
function historyOf(all: readonly Happening[], said: readonly Decision[], which: 0 | 1): LoggedEvent[] {
  let nowMs = START_MS;
  const happenedMs: number[] = [];
  const arrivals = all.flatMap((happening, n): Arrival[] => {
    nowMs += happening.gapMs;
    happenedMs.push(nowMs);
    const { aheadMs, delaysMs } = happening;
    // An event that claims to be skewed is so by its arrival, whatever the delay.
    const arrivedAtMs = aheadMs > SKEW_MS ? nowMs : nowMs + delaysMs[which];
    return eventOf(happening, n).map((part, i) => ({
      event: loggedEvent({ id: `e${n}-${i}`, timeMs: nowMs + aheadMs, arrivedAtMs, ...part, data: { ...part.data } }),
      tie: which === 0 ? n : -n,
    }));
  });
  const decided = said.map((decision, n): Arrival => {
    const aroundMs = happenedMs[decision.during % happenedMs.length] ?? START_MS;
    return { event: decisionEvent(decision, n, aroundMs), tie: which === 0 ? 1_000 : -1_000 };
  });
  const sorted = [...arrivals, ...decided].sort((a, b) => a.event.arrivedAtMs - b.event.arrivedAtMs || a.tie - b.tie);
  return logOf(sorted.map(({ event }) => event));
}

function decisionEvent({ afterMs, type, rule, who, forMs, of }: Decision, n: number, aroundMs = START_MS): LoggedEvent {
  const timeMs = aroundMs + afterMs;
  const entity = who === undefined ? {} : { entity: { kind: 'person', id: who, aliases: [`the-${who}`] } };
  const chosen = { ...(rule === undefined ? {} : { rule }), ...entity };
  const data =
    type === 'unmuted'
      ? { mute: `d${of}`, reason: 'r' }
      : { ...chosen, expiresAt: formatRfc3339(timeMs + forMs), reason: 'r' };
  return loggedEvent({ id: `d${n}`, type: `detection.${type}`, source: 'protego', timeMs, data });
}

const withEnd = (log: readonly LoggedEvent[]): LoggedEvent[] => [
  ...log,
  { ...tickEvent((log.at(-1)?.arrivedAtMs ?? START_MS) + HOUR_MS), seq: log.length as EventSeq },
];
const contentsOf = (results: readonly PipelineResult[]): string[] =>
  detectionsAmong(results)
    .map(({ detection }) => canonicalJson(detection))
    .sort();
const isDecision = ({ event }: LoggedEvent): boolean => event.type.startsWith('detection.');
const timingsOf = (results: readonly PipelineResult[]): string[] =>
  results
    .flatMap((result) =>
      result.kind === 'late' || result.kind === 'skewed' ? [`${result.kind} ${result.event.event.id}`] : [],
    )
    .sort();

/** As far ahead of its arrival as an event may be, and a mute in the same millisecond, before it or after. */
const AT_THE_EDGE: Happening = { gapMs: 0, what: 'privilege', who: 'anna', aheadMs: SKEW_MS, delaysMs: [0, 0] };
const MUTED_AT_ONCE: Decision = {
  ...{ during: 0, afterMs: 0, type: 'muted', rule: 'privilege', who: undefined },
  ...{ forMs: HOUR_MS, of: 0 },
};

const RULES = ['privilege', 'read', 'many-patients', 'encryption-burst'];
/** Everything is found twice, the second time when what was said at first counts. */
const TWICE = [0, 180_000].flatMap((gapMs) =>
  (['files', 'privilege', 'read', 'read'] as const).map((what, n): Happening => {
    return { what, who: 'anna', gapMs: n === 0 ? gapMs : 400, aheadMs: 0, delaysMs: [n * 500, 2_000 - n * 500] };
  }),
);
const saidOfAll = (type: Decision['type']): Decision[] => RULES.map((rule) => ({ ...MUTED_AT_ONCE, type, rule }));

describe('mutes and the order of arrival', () => {
  it('no order that leaves the timing of every event as it is shows in the status of a detection', () => {
    const seen = new Map<string, number>();
    fc.assert(
      fc.property(happenings() as fc.Arbitrary<readonly Happening[]>, decisions(), (all, said) => {
        const [one, two] = ([0, 1] as const).map((which) => resultsOf(withEnd(historyOf(all, said, which)))) as [
          PipelineResult[],
          PipelineResult[],
        ];
        fc.pre(canonicalJson(timingsOf(one)) === canonicalJson(timingsOf(two)));
        expect(contentsOf(two)).toEqual(contentsOf(one));
        for (const { detection } of detectionsAmong(one)) {
          const key = `${detection.ruleId} ${detection.status}`;
          seen.set(key, (seen.get(key) ?? 0) + 1);
        }
      }),
      {
        numRuns: 400,
        examples: [
          [[AT_THE_EDGE], [MUTED_AT_ONCE]],
          [TWICE, saidOfAll('muted')],
          [TWICE, saidOfAll('acknowledged')],
        ],
      },
    );
    // The property would say little if hardly anything were muted.
    for (const ruleId of RULES)
      for (const status of ['raised', 'updated', 'muted'])
        expect(seen.get(`${ruleId} ${status}`) ?? 0).toBeGreaterThan(0);
  });
});

describe('mutes and everything else', () => {
  it('change the status of detections and nothing else; ignored, they do not even that', () => {
    fc.assert(
      fc.property(happenings(), decisions(), (all, said) => {
        const log = withEnd(historyOf(all, said, 0));
        const without = resultsOf(log.filter((event) => !isDecision(event)));
        const honoured = resultsOf(log);
        const raised = honoured.map((result) =>
          result.kind === 'detection' ? { ...result, detection: { ...result.detection, status: 'raised' } } : result,
        );
        expect(raised).toEqual(without);
        const ignoring = buildPipeline(TEST_ARTEFACTS, undefined, { mutes: 'ignored' });
        expect(resultsOf(log, ignoring)).toEqual(without);
      }),
      { numRuns: 100 },
    );
  });

  it('are kept across snapshots at any place, the same in a pipeline that ignores them', () => {
    fc.assert(
      fc.property(happenings(), decisions(), fc.nat(), fc.boolean(), (all, said, cut, ignores) => {
        const log = withEnd(historyOf(all, said, 0));
        const place = cut % (log.length + 1);
        const mutes = ignores ? 'ignored' : 'honoured';
        const first = buildPipeline(TEST_ARTEFACTS, undefined, { mutes });
        resultsOf(log.slice(0, place), first);
        const snapshot = jsonCopy(first.snapshot());
        const whole = testPipeline();
        const before = resultsOf(log.slice(0, place), whole);
        expect(snapshot).toEqual(jsonCopy(whole.snapshot()));
        expect([...before, ...resultsOf(log.slice(place), testPipeline(snapshot))]).toEqual(resultsOf(log));
      }),
      { numRuns: 60 },
    );
  });

  it('close no window and let no time pass', () => {
    const failures = [0, 1, 2].map((ms) =>
      loggedEvent({
        id: `f${ms}`,
        timeMs: START_MS + ms,
        type: 'access.sign-in-failed',
        data: { user: { uid: 'anna' } },
      }),
    );
    const decision: Decision = {
      during: 0,
      afterMs: HOUR_MS,
      type: 'muted',
      rule: 'x',
      who: undefined,
      forMs: HOUR_MS,
      of: 0,
    };
    const muteLater = decisionEvent(decision, 0);
    expect(isPipelineInput(muteLater.event.type)).toBe(true);
    const pipeline = testPipeline();
    expect(resultsOf(logOf([...failures, muteLater]), pipeline)).toEqual([]);
    expect(pipeline.counters()['mutes']).toBe(1);
    const straight = testPipeline();
    resultsOf(logOf(failures), straight);
    expect(pipeline.snapshot().live).toEqual(straight.snapshot().live);
  });

  it('hold for an import too, by the time of what it brings', () => {
    const said: Decision = {
      during: 0,
      afterMs: 0,
      type: 'muted',
      rule: 'privilege',
      who: undefined,
      forMs: HOUR_MS,
      of: 0,
    };
    const privilege = (id: string, afterMs: number): LoggedEvent =>
      loggedEvent({
        id,
        timeMs: START_MS + afterMs,
        type: 'access.privilege-changed',
        data: { user: { uid: 'anna' } },
      });
    const nowMs = START_MS + 2 * HOUR_MS;
    const log = numbered([
      decisionEvent(said, 0),
      openedEvent(nowMs),
      privilege('before', -1),
      privilege('within', HOUR_MS / 2),
      privilege('after', HOUR_MS),
      closedEvent(nowMs),
    ]);
    expect(detectionsAmong(resultsOf(log)).map(({ detection }) => detection.status)).toEqual([
      'raised',
      'muted',
      'raised',
    ]);
  });
});
