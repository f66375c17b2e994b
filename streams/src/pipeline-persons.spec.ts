import type { EventData, LoggedEvent } from '@protego/contracts';
import type { PipelineResult } from './result';
import { buildPipeline } from './pipeline';
import { compileSigma } from './sigma';
import {
  START_MS,
  declarationsOf,
  detectionsAmong,
  jsonCopy,
  logOf,
  loggedEvent,
  resultsOf,
  testPipeline,
  tickEvent,
} from './testing';

const ANNA = '~s.AAAAAAAAAAAAAAAAAAAAAA';
const BO = '~s.BBBBBBBBBBBBBBBBBBBBBB';
const PSEUDONYMS = new Map([
  ['anna.lind', ANNA],
  ['bo', BO],
]);
const at = (afterMs: number): number => START_MS + afterMs;

/** The event as it is read while the keys exist, and after they are gone. */
function clearAndErased(
  spec: { readonly id: string; readonly afterMs: number; readonly type: string },
  clear: EventData,
  gone: EventData,
  erased: readonly string[],
): { readonly clear: LoggedEvent; readonly erased: LoggedEvent } {
  const { id, afterMs, type } = spec;
  const common = { id, timeMs: at(afterMs), type };
  return {
    clear: loggedEvent({ ...common, data: clear, pseudonyms: PSEUDONYMS }),
    erased: loggedEvent({ ...common, data: gone, erased }),
  };
}
const signIn = (id: string, afterMs: number): ReturnType<typeof clearAndErased> =>
  clearAndErased(
    { id, afterMs, type: 'access.sign-in-failed' },
    { user: { uid: 'anna.lind' }, src_endpoint: { ip: '10.0.0.1' } },
    { user: { uid: ANNA }, src_endpoint: { ip: '10.0.0.1' } },
    ['/data/user/uid'],
  );
const hour = tickEvent(at(3_600_000));
const undecidableAmong = (results: readonly PipelineResult[]): unknown[] =>
  results.flatMap((result) => (result.kind === 'undecidable' ? [[result.ruleId, ...result.fields]] : []));

describe('persons in the pipeline', () => {
  it('are matched in clear and named by pseudonyms', () => {
    const rules = compileSigma([
      {
        path: 'r.yml',
        text: `
title: Command
id: command
logsource: { category: device.process-started, product: protego }
detection: { selection: { process.cmd_line|contains: 'user anna.lind' }, condition: selection }
level: low
protego: { why: '{user.name} ran {process.cmd_line}', entities: [{ kind: person, field: user.name }] }
`,
      },
    ]);
    const event = loggedEvent({
      id: 'a',
      timeMs: at(0),
      type: 'device.process-started',
      data: { user: { name: 'bo' }, process: { cmd_line: 'net user anna.lind /url=https://x/?q=Anna%20Lind' } },
      pseudonyms: PSEUDONYMS,
    });
    const [result] = detectionsAmong(resultsOf([event], buildPipeline({ rules, declarations: declarationsOf() })));
    expect(result?.detection).toMatchObject({
      why: `${BO} ran net user ${ANNA} /url=https://x/?q=${ANNA}`,
      entities: [{ kind: 'person', id: BO }],
    });
  });

  it('leave no trace in state, neither as group nor in the words of a correlation', () => {
    const pipeline = testPipeline();
    const read = loggedEvent({
      id: 'r',
      timeMs: at(3),
      type: 'access.record-read',
      data: { actor: { user: { uid: 'bo' } }, patient: { uid: 'anna.lind' } },
      pseudonyms: PSEUDONYMS,
    });
    resultsOf(logOf([signIn('a', 0).clear, signIn('b', 1).clear, read, tickEvent(at(2))]), pipeline);
    const waiting = JSON.stringify(pipeline.snapshot());
    expect(waiting).toContain(ANNA);
    expect(waiting).not.toMatch(/anna\.lind|"bo\W/);
    const [result] = detectionsAmong(
      resultsOf([signIn('c', 4).clear, hour], testPipeline(jsonCopy(pipeline.snapshot()))),
    );
    expect(result?.detection.why).toBe(`${ANNA} failed 3 times in 10 seconds, last from 10.0.0.1.`);
  });

  it('are grouped and counted alike before and after an erasure', () => {
    const events = [signIn('a', 0), signIn('b', 1), signIn('c', 2)];
    const before = resultsOf(logOf([...events.map(({ clear }) => clear), hour]));
    const after = resultsOf(logOf([...events.map(({ erased }) => erased), hour]));
    expect(detectionsAmong(before)).toHaveLength(1);
    expect(detectionsAmong(after)).toEqual(detectionsAmong(before));
    expect(undecidableAmong(after)).toEqual([]);
  });

  it('do not stand in the message of a rule that failed', () => {
    const trap = {
      get trap(): string {
        throw new Error('no anna.lind here');
      },
      user: { uid: 'anna.lind' },
    };
    const event = loggedEvent({
      id: 'a',
      timeMs: at(0),
      type: 'access.privilege-changed',
      data: trap,
      pseudonyms: PSEUDONYMS,
    });
    const failed = resultsOf([event]).find(({ kind }) => kind === 'rule-failed');
    expect(failed).toMatchObject({ message: `no ${ANNA} here` });
  });
});

describe('what an erasure leaves undecidable', () => {
  const privilege = (data: EventData, erased: readonly string[]): LoggedEvent =>
    loggedEvent({ id: 'a', timeMs: at(0), type: 'access.privilege-changed', data, erased });

  it('is a rule that asks about an erased value', () => {
    const results = resultsOf([privilege({ user: { uid: ANNA }, trap: '~t.0' }, ['/data/trap', '/data/user/uid'])]);
    expect(undecidableAmong(results)).toEqual([['fragile', 'trap']]);
    // It asks only whether there was a user.
    expect(detectionsAmong(results).map(({ detection }) => detection.ruleId)).toEqual(['privilege']);
  });

  it('is a rule that matches only because of what stands for the erased value', () => {
    const rules = compileSigma([
      {
        path: 'r.yml',
        text: `
title: Unknown account
id: unknown-account
logsource: { category: access.privilege-changed, product: protego }
detection: { selection: { user.uid|exists: true }, known: { user.uid: anna.lind }, condition: selection and not known }
`,
      },
    ]);
    const pipeline = buildPipeline({ rules, declarations: declarationsOf() });
    const results = resultsOf([privilege({ user: { uid: ANNA } }, ['/data/user/uid'])], pipeline);
    expect(results.map(({ kind }) => kind)).toEqual(['undecidable']);
  });

  it('is nothing where the erased value cannot change the answer', () => {
    expect(undecidableAmong(resultsOf([privilege({ user: { uid: ANNA }, trap: 'no' }, ['/data/user/uid'])]))).toEqual(
      [],
    );
  });

  it('is a correlation whose group or counted value was a text', () => {
    const read = (id: string, afterMs: number): LoggedEvent =>
      loggedEvent({
        id,
        timeMs: at(afterMs),
        type: 'access.record-read',
        data: { actor: { user: { uid: '~t.0' } }, patient: { uid: `~p.${id.repeat(22)}` } },
        erased: ['/data/actor/user/uid'],
      });
    const results = resultsOf(logOf([read('a', 0), read('b', 1), hour]));
    expect(undecidableAmong(results)).toEqual([
      ['many-patients', 'actor.user.uid'],
      ['many-patients', 'actor.user.uid'],
    ]);
    expect(detectionsAmong(results).map(({ detection }) => detection.ruleId)).toEqual(['read', 'read']);
  });

  it('is a correlation over another that still counts the event', () => {
    const text = `
title: Record read
id: read
logsource: { category: access.record-read, product: protego }
detection: { selection: { patient.uid|exists: true }, condition: selection }
---
title: Many reads
id: many-reads
correlation: { type: event_count, rules: [read], group-by: [device], timespan: 1m, condition: { gte: 1 } }
---
title: Many reads of one person
id: of-one-person
correlation: { type: event_count, rules: [many-reads], group-by: [actor.user.uid], timespan: 1m, condition: { gte: 1 } }
`;
    const rules = compileSigma([{ path: 'r.yml', text }]);
    const pipeline = buildPipeline({ rules, declarations: declarationsOf() });
    const event = loggedEvent({
      id: 'a',
      timeMs: at(0),
      type: 'access.record-read',
      data: { device: 'd', actor: { user: { uid: '~t.0' } }, patient: { uid: 'p' } },
      erased: ['/data/actor/user/uid'],
    });
    const results = resultsOf(logOf([event, hour]), pipeline);
    expect(undecidableAmong(results)).toEqual([['of-one-person', 'actor.user.uid']]);
    expect(detectionsAmong(results)).toEqual([]);
  });
});

describe('sealed texts in the pipeline', () => {
  const RULES = compileSigma([
    {
      path: 'r.yml',
      text: `
title: File
id: file
name: file
logsource: { category: device.file-changed, product: protego }
detection: { selection: { activity: changed }, condition: selection }
level: low
---
title: Many files
id: many
correlation: { type: value_count, rules: [file], group-by: [device.uid], timespan: 1h, condition: { field: file.path, gte: 3 } }
level: high
---
title: One file again and again
id: again
correlation: { type: event_count, rules: [file], group-by: [file.path], timespan: 1h, condition: { gte: 3 } }
level: high
protego: { why: 'The file {file.path} was changed {count} times.' }
`,
    },
  ]);
  const changed = (id: string, path: string): LoggedEvent =>
    loggedEvent({
      id,
      timeMs: at(Number(id.slice(1)) * 1_000),
      type: 'device.file-changed',
      data: { activity: 'changed', device: { uid: 'srv-1' }, file: { path } },
      pseudonyms: new Map([[path, '~t.0']]),
    });
  const found = (...paths: readonly string[]): unknown[] => {
    const events = paths.map((path, i) => changed(`e${i}`, path));
    const pipeline = buildPipeline({ rules: RULES, declarations: declarationsOf() });
    const results = resultsOf([...events, hour], pipeline);
    return detectionsAmong(results).map(({ detection: { ruleId, group, why } }) => [ruleId, group, why]);
  };

  it('are counted and grouped by what they say, although their placeholders are the same', () => {
    expect(found('C:/a', 'C:/b', 'C:/c')).toMatchObject([['many', [{ text: 'srv-1' }], expect.anything()]]);
    expect(found('C:/a', 'C:/b', 'C:/a', 'C:/a')).toEqual([
      ['again', [{ field: 'file.path', text: '(sealed text)' }], 'The file (sealed text) was changed 3 times.'],
    ]);
  });
});
