import { canonicalJson, formatRfc3339, type Detection, type EventSeq } from '@protego/contracts';
import { compileSigma, type PipelineArtefacts } from '@protego/streams';
import { declarationsOf } from '@protego/streams/testing';
import type { ReplayLog, ReplayRecord } from '../replay-log';
import { runReplay } from '../run/replay-lines';
import { foldForces } from './force-ledger';
import { SETS_AT_ONCE_MAX, inForceHashes, type ArtefactsInForce } from './in-force-run';

const START_MS = Date.UTC(2026, 2, 2, 7);
const [A, B] = ['a'.repeat(64), 'b'.repeat(64)] as const;

function artefactsOf(title: string): PipelineArtefacts {
  const text = `
title: ${title}
id: by-root
logsource: { category: access.privilege-changed, product: protego }
detection: { selection: { user.uid: root }, condition: selection }
level: low
`;
  return { rules: compileSigma([{ path: 'r.yml', text }]), declarations: declarationsOf() };
}
const sets: Readonly<Record<string, PipelineArtefacts>> = { [A]: artefactsOf('first'), [B]: artefactsOf('second') };

function record(seq: number, type: string, data: object): ReplayRecord {
  const timeMs = START_MS + seq * 1_000;
  const event = {
    specversion: '1.0',
    id: `e-${seq}`,
    source: 'ehr',
    type,
    time: formatRfc3339(timeMs),
    site: 'n',
    data,
  };
  return { seq: seq as EventSeq, timeMs, arrivedAtMs: timeMs, type, body: Buffer.from(canonicalJson(event)) };
}
const changed = (seq: number): ReplayRecord => record(seq, 'access.privilege-changed', { user: { uid: 'root' } });
const activated = (seq: number, set: string): ReplayRecord =>
  record(seq, 'artefact.activated', { name: 'pipeline', hashes: { rules: set }, set });

async function titlesOf(
  records: readonly ReplayRecord[],
  artefacts: PipelineArtefacts | ArtefactsInForce,
  chunkRecords?: number,
): Promise<string[]> {
  const log: ReplayLog = {
    ...{ origin: 'o', size: records.length, firstSeq: 0, rootHash: '00'.repeat(32), erasuresAt: () => 0 },
    records: (fromSeq, toSeq) => records.filter(({ seq }) => seq >= fromSeq && seq < toSeq),
  };
  const request = { log, artefacts, artefactHashes: {}, engine: 'test', ...(chunkRecords ? { chunkRecords } : {}) };
  const { detectionLines } = await runReplay(request);
  return detectionLines.map((line) => (JSON.parse(line) as Detection).title);
}

describe('a replay with artefacts as they were in force', () => {
  const records = [changed(0), activated(1, A), changed(2), activated(3, B), changed(4), activated(5, A), changed(6)];
  const phases = foldForces(records as never).phases();
  const inForce: ArtefactsInForce = { phases, artefactsOf: (set) => sets[set] as PipelineArtefacts };

  it('judges each record with the set that was in force', async () => {
    expect(await titlesOf(records, inForce)).toEqual(['first', 'first', 'second', 'first']);
    expect(await titlesOf(records, sets[B] as PipelineArtefacts)).toEqual(Array(4).fill('second'));
    expect(inForceHashes(phases)).toEqual({ 'in-force@0': A, 'in-force@4': B, 'in-force@6': A });
  });

  it.each([1, 2, 3, 4])('gives the same when its state is written down every %i records', async (chunkRecords) => {
    expect(await titlesOf(records, inForce, chunkRecords)).toEqual(['first', 'first', 'second', 'first']);
  });

  it('refuses a log without activations, and more sets than may run beside each other', async () => {
    await expect(titlesOf(records, { ...inForce, phases: [] })).rejects.toMatchObject({ code: 'ARTEFACT_SET_UNKNOWN' });
    const many = Array.from({ length: SETS_AT_ONCE_MAX + 1 }, (_, i) => ({ fromSeq: i, toSeq: i + 1, set: `${i}` }));
    await expect(titlesOf(records, { ...inForce, phases: many })).rejects.toMatchObject({ code: 'REPLAY_TOO_LARGE' });
  });
});
