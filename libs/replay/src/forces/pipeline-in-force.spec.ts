import * as fc from 'fast-check';
import { formatRfc3339, type EventSeq, type LoggedEvent } from '@protego/contracts';
import { buildPipeline, compileSigma, type PipelineArtefacts, type PipelineResult } from '@protego/streams';
import { declarationsOf } from '@protego/streams/testing';
import { PhaseWalk, type ForcePhase } from './force-phases';
import { PipelineInForce } from './pipeline-in-force';

const START_MS = Date.UTC(2026, 2, 2, 7);

/** A rule on single events, and one that counts over ten seconds; sets differ in how many it takes. */
function artefactsOf(least: number): PipelineArtefacts {
  const text = `
title: Sign-in failed
id: failed
name: failed
logsource: { category: access.sign-in-failed, product: protego }
detection: { selection: { user.uid: root }, condition: selection }
level: low
---
title: Many failed (${least})
id: many
correlation:
  type: event_count
  rules: [failed]
  group-by: [src_endpoint.ip]
  timespan: 10s
  condition: { gte: ${least} }
level: high
`;
  return { rules: compileSigma([{ path: 'r.yml', text }]), declarations: declarationsOf() };
}
const SETS: Record<string, PipelineArtefacts> = { two: artefactsOf(2), three: artefactsOf(3), four: artefactsOf(4) };
const NAMES = Object.keys(SETS);
const artefactsNamed = (set: string): PipelineArtefacts => SETS[set] as PipelineArtefacts;

function failed(seq: number, secondsIn: number, address: number): LoggedEvent {
  const timeMs = START_MS + secondsIn * 1_000;
  const data = { user: { uid: 'root' }, src_endpoint: { ip: `203.0.113.${address}` } };
  const envelope = {
    specversion: '1.0' as const,
    id: `e-${seq}`,
    source: 'ehr',
    site: 'north',
    time: formatRfc3339(timeMs),
  };
  return {
    seq: seq as EventSeq,
    timeMs,
    arrivedAtMs: timeMs,
    event: { ...envelope, type: 'access.sign-in-failed', data },
  };
}

const textOf = (result: PipelineResult): string =>
  result.kind === 'detection' ? `${result.detection.id} ${result.detection.ruleId}` : result.kind;

/** The definition: for each stretch a pipeline of its own that had every event from the beginning. */
function byDefinition(events: readonly LoggedEvent[], phases: readonly ForcePhase[]): string[] {
  return phases.flatMap(({ fromSeq, toSeq, set }) => {
    if (set === undefined) return [];
    const made: string[] = [];
    for (const event of events) {
      if (event.seq >= toSeq) break;
      made.push(
        ...resultsUpTo(set, events, event.seq)
          .slice(resultsUpTo(set, events, event.seq - 1).length)
          .filter(() => event.seq >= fromSeq),
      );
    }
    return made;
  });
}
const known = new Map<string, string[]>();
let history = 0;
function resultsUpTo(set: string, events: readonly LoggedEvent[], seq: number): string[] {
  const key = `${history} ${set} ${seq}`;
  const found =
    known.get(key) ??
    run(
      events.filter((event) => event.seq <= seq),
      [{ fromSeq: 0, toSeq: Infinity, set }],
    );
  known.set(key, found);
  return found;
}

function run(events: readonly LoggedEvent[], phases: readonly ForcePhase[]): string[] {
  const made: string[] = [];
  const pipelines = new PipelineInForce((result) => made.push(textOf(result)));
  for (const set of new Set(phases.flatMap((phase) => phase.set ?? [])))
    pipelines.attach(set, buildPipeline(artefactsNamed(set)));
  const walk = new PhaseWalk(phases, pipelines);
  for (const event of events) {
    walk.advanceTo(event.seq);
    pipelines.take(event);
  }
  pipelines.stop();
  return made;
}

const histories = fc
  .array(fc.record({ gap: fc.nat(5), address: fc.nat(2) }), { minLength: 1, maxLength: 30 })
  .map((steps) => {
    let seconds = 0;
    return steps.map(({ gap, address }, i) => failed(i * 2, (seconds += gap), address));
  });
const phasesOf = (starts: readonly { readonly seq: number; readonly set: string | undefined }[]): ForcePhase[] =>
  starts.map(({ seq, set }, i) => ({ fromSeq: seq, toSeq: starts[i + 1]?.seq ?? Infinity, set }));
const starts = fc
  .uniqueArray(fc.record({ seq: fc.nat(60), set: fc.constantFrom(...NAMES, undefined) }), {
    selector: ({ seq }) => seq,
    maxLength: 5,
  })
  .map((drawn) => [{ seq: 0, set: 'two' }, ...drawn.filter(({ seq }) => seq > 0).sort((a, b) => a.seq - b.seq)]);

describe('pipelines of several sets', () => {
  it('give what the definition says, wherever sets come into force', () => {
    fc.assert(
      fc.property(histories, starts, (events, drawn) => {
        history++;
        known.clear();
        const phases = phasesOf(drawn);
        expect(run(events, phases)).toEqual(byDefinition(events, phases));
      }),
      { numRuns: 50 },
    );
  });

  it('find something that only a warm pipeline can', () => {
    const events = [failed(0, 0, 1), failed(2, 1, 1), failed(4, 2, 1), failed(6, 30, 1)];
    const phases = phasesOf([
      { seq: 0, set: 'four' },
      { seq: 3, set: 'three' },
    ]);
    expect(run(events, phases).filter((text) => text.endsWith('many'))).toHaveLength(1);
  });

  it('change nothing where a set comes into force that decides the same', () => {
    fc.assert(
      fc.property(histories, fc.nat(60), (events, seq) => {
        SETS['same'] = artefactsOf(2);
        const whole = run(events, phasesOf([{ seq: 0, set: 'two' }]));
        expect(
          run(
            events,
            phasesOf([
              { seq: 0, set: 'two' },
              { seq: seq + 1, set: 'same' },
            ]),
          ),
        ).toEqual(whole);
      }),
    );
  });

  it('find a detection once, where the set that comes into force waits longer for late events', () => {
    history++;
    SETS['patient'] = { ...artefactsOf(2), declarations: declarationsOf([{ name: 'ehr', latenessMs: 20_000 }]) };
    const events = [failed(0, 0, 1), failed(2, 1, 1), failed(4, 6, 2), failed(6, 60, 3)];
    const phases = phasesOf([
      { seq: 0, set: 'two' },
      { seq: 5, set: 'patient' },
    ]);
    expect(run(events, phases).filter((text) => text.endsWith('many'))).toHaveLength(1);
    const many = byDefinition(events, phases).filter((text) => text.endsWith('many'));
    expect([many.length, new Set(many).size]).toEqual([2, 1]);
  });

  it('let go of a set after its last stretch, and refuse what has no pipeline', () => {
    const pipelines = new PipelineInForce(() => undefined);
    for (const set of ['two', 'three']) pipelines.attach(set, buildPipeline(artefactsNamed(set)));
    const walk = new PhaseWalk(
      phasesOf([
        { seq: 0, set: 'two' },
        { seq: 5, set: 'three' },
      ]),
      pipelines,
    );
    expect([pipelines.inForce, pipelines.sets]).toEqual(['two', ['two', 'three']]);
    walk.advanceTo(5);
    expect([pipelines.inForce, pipelines.sets]).toEqual(['three', ['three']]);
    expect(() => pipelines.activate('two')).toThrow('has no pipeline');
    expect(() => pipelines.attach('three', buildPipeline(artefactsNamed('three')))).toThrow('has a pipeline already');
  });
});
