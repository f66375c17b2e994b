import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadArtefactSet, type ArtefactSet } from '@protego/artefacts';
import { canonicalJson, type ProtegoConfig } from '@protego/contracts';
import { thrownCodeOf } from '@protego/contracts/testing';
import { ACTIVATED, RETIRED, foldForces, type ForceRecord } from '@protego/replay';
import { decidingText } from '@protego/streams';
import { EngineArtefacts, usable } from './engine-artefacts';
import { startPlanOf, unsettledPhases, type StartPlan } from './start-plan';

const root = mkdtempSync(join(tmpdir(), 'protego-plan-'));
afterAll(() => rmSync(root, { recursive: true }));

const SOURCES = 'skewMaxMs: 1000\ndefaults: { latenessMs: 1, idleAfterMs: 2 }\nsources: []\n';
let houses = 0;

function setOf(title: string): ArtefactSet {
  const streamsDir = join(root, `house-${houses++}`);
  for (const folder of ['rules', 'declarations']) mkdirSync(join(streamsDir, folder), { recursive: true });
  writeFileSync(join(streamsDir, 'declarations/sources.yaml'), SOURCES);
  writeFileSync(join(streamsDir, 'rules/a.yml'), `title: ${title}`);
  return loadArtefactSet({ rulesPath: join(streamsDir, 'rules'), streamsDir, decidingText });
}
const [own, other, third] = ['own', 'other', 'third'].map(setOf) as [ArtefactSet, ArtefactSet, ArtefactSet];

const record = (seq: number, type: string, data: object): ForceRecord => ({
  ...{ seq, type, arrivedAtMs: 0 },
  body: Buffer.from(canonicalJson({ type, time: '2026-03-02T07:00:00Z', data })),
});
const activated = (seq: number, { set, hashes }: ArtefactSet, via: string): ForceRecord =>
  record(seq, ACTIVATED, { name: 'pipeline', hashes, set, via });
const retired = (seq: number, { set }: ArtefactSet): ForceRecord => record(seq, RETIRED, { set, reason: 'r' });

function planOf(
  records: readonly ForceRecord[],
  stored: readonly ArtefactSet[] = [other, third],
  approvals = 0,
): StartPlan {
  const approvers = [
    {
      name: 'anna',
      publicKey:
        '-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----',
    },
  ];
  const config = { logDir: join(root, `log-${houses++}`), artefacts: { approvals, approvers } };
  const reader = { origin: 'north/log', query: () => records };
  const artefacts = new EngineArtefacts(
    config as Pick<ProtegoConfig, 'logDir' | 'artefacts'>,
    reader as never,
    usable(own),
    own,
  );
  for (const set of stored) artefacts.store.put(set);
  return startPlanOf(artefacts);
}
const setsOf = ({ sets }: StartPlan): string[] => sets.map(({ set }) => set).sort();
const named = (...sets: ArtefactSet[]): string[] => sets.map(({ set }) => set).sort();

describe('how an engine starts', () => {
  it('begins a log with the set of its directory, unless that needs approvals', () => {
    const plan = planOf([]);
    expect(plan).toMatchObject({
      own: 'first',
      isStandIn: false,
      phases: [{ fromSeq: 0, toSeq: Infinity, set: own.set }],
    });
    expect(thrownCodeOf(() => planOf([], [], 1))).toBe('ARTEFACT_APPROVAL_MISSING');
  });

  it('says that the set in force was not approved, where a site has come to ask for that, and starts', () => {
    const records = [activated(0, own, 'start'), activated(5, other, 'offline')];
    expect(planOf(records).remarks.join()).not.toContain('WITHOUT');
    const plan = planOf(records, [other], 1);
    expect(plan.remarks.join()).toContain(`set ${other.set.slice(0, 12)} is in force WITHOUT the 1 approval that`);
    expect([plan.own, setsOf(plan)]).toEqual(['nothing', named(own, other)]);
  });

  it('lets what is in force judge first, then takes over a directory that has changed', () => {
    const plan = planOf([activated(3, other, 'start')]);
    expect(plan).toMatchObject({ own: 'next', phases: [{ fromSeq: 0, toSeq: Infinity, set: other.set }], remarks: [] });
    expect(setsOf(plan)).toEqual(named(own, other));
  });

  it.each<[string, ForceRecord[], number, string]>([
    ['in force already', [activated(3, other, 'start'), activated(9, own, 'engine')], 0, ''],
    ['superseded by a command', [activated(3, own, 'start'), activated(9, other, 'engine')], 0, 'has not changed'],
    [
      'activated and superseded by commands',
      [activated(3, third, 'start'), activated(5, own, 'engine'), activated(9, other, 'engine')],
      0,
      'has not changed',
    ],
    ['never looked at, in a log that commands began', [activated(3, other, 'offline')], 0, 'has not changed'],
    ['retired', [activated(3, other, 'start'), retired(5, own)], 0, 'was retired at seq 5'],
    ['not approved', [activated(3, other, 'start')], 1, 'needs 1 approval:'],
  ])('keeps to what is in force where the set of the directory is %s', (_, records, approvals, remark) => {
    const plan = planOf(records, undefined, approvals);
    expect([plan.own, plan.remarks.join()]).toEqual(['nothing', expect.stringContaining(remark)]);
    expect(plan.phases.at(-1)?.set).toBe((remark === '' ? own : other).set);
    for (const { set } of plan.phases) expect([undefined, ...setsOf(plan)]).toContain(set);
  });

  it('lets the directory stand in for a set that is gone, but not where approvals are asked for', () => {
    const records = [activated(3, other, 'start')];
    expect(planOf(records, [])).toMatchObject({ own: 'next', isStandIn: true });
    expect(planOf(records, []).remarks).toHaveLength(1);
    expect(thrownCodeOf(() => planOf(records, [], 1))).toBe('ARTEFACT_SET_UNKNOWN');
  });

  it('leaves out what an older set found when that is gone', () => {
    const plan = planOf([activated(3, other, 'start'), activated(9, own, 'offline')], []);
    expect(plan.phases).toEqual([
      { fromSeq: 0, toSeq: 10, set: undefined },
      { fromSeq: 10, toSeq: Infinity, set: own.set },
    ]);
    expect(plan.remarks).toHaveLength(1);
  });
});

describe('unsettledPhases', () => {
  const phasesOf = (...records: ForceRecord[]): (string | undefined)[][] =>
    unsettledPhases(foldForces(records)).map(({ fromSeq, set }) => [`${fromSeq}`, set]);

  it('begin with the set before the last that an engine activated', () => {
    const start = activated(3, own, 'start');
    expect(phasesOf(start)).toEqual([['0', own.set]]);
    expect(phasesOf(start, activated(9, other, 'engine'))).toEqual([
      ['0', undefined],
      ['4', own.set],
      ['10', other.set],
    ]);
    expect(phasesOf(start, activated(9, other, 'engine'), activated(12, third, 'start'))).toEqual([
      ['0', undefined],
      ['10', other.set],
      ['13', third.set],
    ]);
  });

  it('have all that was activated while no engine ran', () => {
    const offline = [activated(9, other, 'offline'), activated(12, third, 'offline')];
    expect(phasesOf(activated(3, own, 'start'), ...offline)).toEqual([
      ['0', own.set],
      ['10', other.set],
      ['13', third.set],
    ]);
  });
});
