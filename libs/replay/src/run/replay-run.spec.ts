import {
  canonicalJson,
  formatRfc3339,
  type Detection,
  type EventSeq,
  type OpenedEvent,
  type ProtegoEvent,
  type StoredFields,
} from '@protego/contracts';
import { compileSigma } from '@protego/streams';
import { declarationsOf } from '@protego/streams/testing';
import { type ReplayLog, type ReplayRecord } from '../replay-log';
import { runReplay } from './replay-lines';
import type { ReplayRequest } from './replay-request';
import type { RunManifest } from './run-manifest';

const START_MS = Date.UTC(2026, 2, 2, 7);
const TOKEN = '~s.AAAAAAAAAAAAAAAAAAAAAA';
const ARTEFACTS = {
  rules: compileSigma([
    {
      path: 'r.yml',
      text: `
title: Privilege changed by root
id: by-root
logsource: { category: access.privilege-changed, product: protego }
detection: { selection: { user.uid: root }, condition: selection }
level: low
`,
    },
  ]),
  declarations: declarationsOf(),
};

function record(seq: number, type: string, data: ProtegoEvent['data'], sealed = ''): ReplayRecord {
  const timeMs = START_MS + seq * 1_000;
  const time = formatRfc3339(timeMs);
  const event = { specversion: '1.0', id: `e-${seq}`, source: 'ehr', type, time, site: 'north', data };
  const bytes = { body: Buffer.from(canonicalJson(event)), sealed: Buffer.from(sealed) };
  return { seq: seq as EventSeq, timeMs, arrivedAtMs: timeMs, type, ...bytes };
}

const changed = (seq: number, sealed = ''): ReplayRecord =>
  record(seq, 'access.privilege-changed', { user: { uid: TOKEN } }, sealed);

/** A log whose sealed part says in clear who a token stands for; `gone` says that nobody knows any more. */
function logOf(records: readonly ReplayRecord[], firstSeq = 0): ReplayLog {
  const openOne = ({ event, sealed }: StoredFields): OpenedEvent => {
    const clear = Buffer.from(sealed).toString();
    if (clear === 'gone') return { event, pseudonyms: new Map(), erased: ['/data/user/uid'] };
    const opened = { ...event, data: { user: { uid: clear } } };
    return { event: opened, pseudonyms: new Map([[clear, TOKEN]]), erased: [] };
  };
  const open: ReplayLog['open'] = (stored) => Promise.resolve(stored.map(openOne));
  const size = ((records.at(-1) as ReplayRecord | undefined)?.seq ?? firstSeq - 1) + 1;
  return {
    ...{ origin: 'o', size, firstSeq, rootHash: '00'.repeat(32), open },
    records: (fromSeq, toSeq) => records.filter(({ seq }) => seq >= fromSeq && seq < toSeq),
    erasuresAt: () => records.reduce((at, { type, seq }) => (type === 'log.erased' ? seq + 1 : at), 0),
  };
}

const requestFor = (log: ReplayLog): ReplayRequest => ({
  ...{ log, artefacts: ARTEFACTS, artefactHashes: {}, engine: 'test' },
});
const replay = (log: ReplayLog, emitFromMs?: number): ReturnType<typeof runReplay> =>
  runReplay({ ...requestFor(log), ...(emitFromMs ? { emitFromMs } : {}) });

describe('runReplay', () => {
  it('lets rules see personal fields in clear and writes their pseudonyms', async () => {
    const { detectionLines, manifest } = await replay(logOf([changed(0, 'root'), changed(1, 'anna')]));
    expect(detectionLines).toHaveLength(1);
    expect(JSON.parse(detectionLines[0] as string)).toMatchObject({ entities: [{ kind: 'person', id: TOKEN }] });
    expect(manifest).toMatchObject({ erasuresAt: 0, counts: { events: 2, detections: 1, undecidable: 0 } });
  });

  it('counts and lists what erased fields leave undecidable, and says up to where erasures are known', async () => {
    const erased = record(2, 'log.erased', { person: TOKEN, keyIds: ['00'], reason: 'r' });
    const { detectionLines, undecidableLines, manifest } = await replay(
      logOf([changed(0), changed(1, 'gone'), erased]),
    );
    expect(detectionLines).toEqual([]);
    expect(undecidableLines).toEqual(['{"fields":["user.uid"],"ruleId":"by-root","seq":1}']);
    expect(manifest).toMatchObject({ erasuresAt: 3, counts: { records: 3, events: 2, undecidable: 1 } });
  });

  it('leaves out what was undecidable before the time from which results are wanted', async () => {
    const log = logOf([changed(0, 'gone'), changed(1, 'gone')]);
    expect((await replay(log, START_MS + 1_000)).undecidableLines).toHaveLength(1);
  });

  it('begins with the first record that has not expired, and says so', async () => {
    expect((await replay(logOf([changed(5, 'root')], 5))).manifest.range.readFrom).toBe(5);
  });

  it('honours mutes or ignores them, and says which', async () => {
    const expiresAt = formatRfc3339(START_MS + 3_600_000);
    const log = logOf([
      record(0, 'detection.muted', { rule: 'by-root', expiresAt, reason: 'r' }),
      changed(1, 'root'),
      changed(100, 'root'),
    ]);
    const run = async (options: Partial<ReplayRequest>): Promise<[string[], RunManifest['mutes'], number]> => {
      const { detectionLines, manifest } = await runReplay({ ...requestFor(log), ...options });
      const statuses = detectionLines.map((line) => (JSON.parse(line) as Detection).status);
      return [statuses, manifest.mutes, manifest.counts.events];
    };
    const honoured = [['raised', 'muted'], { option: 'honoured', events: 1, muted: 1, updated: 0 }, 2];
    expect(await run({})).toEqual(honoured);
    expect(await run({ chunkRecords: 1 })).toEqual(honoured);
    const ignored = [['raised', 'raised'], { option: 'ignored', events: 1, muted: 0, updated: 0 }, 2];
    expect(await run({ mutes: 'ignored' })).toEqual(ignored);
    expect(await run({ mutes: 'ignored', chunkRecords: 1 })).toEqual(ignored);
  });

  it('stops at a type that it does not know, although no rule asks for it', async () => {
    await expect(replay(logOf([record(0, 'log.unheard-of', {})]))).rejects.toMatchObject({
      code: 'EVENT_TYPE_UNKNOWN',
    });
  });
});
