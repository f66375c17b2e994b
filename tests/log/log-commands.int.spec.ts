import { spawnSync } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { openHouseKeys, openSlot, readSealedPart } from '@protego/enclave';
import { recordKeyOf } from '@protego/enclave/testing';
import { EventLogReader, KEYS_INFO, checkBundle, hpkeOpen } from '@protego/event-log';

const ROOT = join(__dirname, '..', '..');
const CLI = join(ROOT, 'dist', 'apps', 'cli', 'src', 'main.js');
const HISTORY = join(ROOT, 'replay-data', 'general', 'events.ndjson.gz');
/** Some events are sent twice; two of the log's own come on top. */
const RECORD_COUNT = new Set(gunzipSync(readFileSync(HISTORY)).toString('utf8').trimEnd().split('\n')).size + 2;

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function run(program: string, args: readonly string[], cwd?: string): Ran {
  const { status, stdout, stderr } = spawnSync(program, args, {
    ...(cwd === undefined ? {} : { cwd }),
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  return { code: status, out: stdout, err: stderr };
}

const protego = (...args: string[]): Ran => run(process.execPath, [CLI, ...args]);

function jsonOf(ran: Ran): Record<string, unknown> {
  if (ran.code !== 0) throw new Error(`exit ${ran.code}: ${ran.err}`);
  return JSON.parse(ran.out) as Record<string, unknown>;
}

const linesOf = ({ out }: Ran): Record<string, unknown>[] =>
  out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

function eventAt(second: number, user: { uid: string; name: string }, text: string): object {
  const time = new Date(Date.UTC(2026, 2, 3, 7, 0, second)).toISOString();
  return {
    specversion: '1.0',
    id: `p-${second}`,
    source: 'probe',
    type: 'device.process-started',
    time,
    arrivedat: time,
    site: 'general-hospital',
    subject: 'workstation-01',
    data: { device: { uid: 'workstation-01' }, process: { name: 'notes', cmd_line: text }, actor: { user } },
  };
}

/** Bytes of a record key in a bundle: record u32, slot u16, key. */
const KEY_ENTRY_BYTES = 38;
const KEY_BYTES = 32;

/** Tries keys on every sealed slot of a log, as record keys and as keys of persons; seqs of the slots that open. */
async function openWith(directory: string, keys: readonly Buffer[]): Promise<{ opened: number[]; slots: number }> {
  const house = await openHouseKeys({ directory: join(directory, 'keys'), mode: 'read' });
  const reader = await EventLogReader.open({ directory, keys: house.keys });
  const opened: number[] = [];
  let slots = 0;
  for (const { seq, sealed } of reader.records()) {
    if (sealed.length === 0) continue;
    const part = readSealedPart(sealed);
    for (const slot of part.slots) {
      slots++;
      for (const key of keys) {
        const asPerson = recordKeyOf(part.salt, slot.slot, [{ key }]);
        for (const recordKey of [key, asPerson]) if (openSlot(part, slot, recordKey) !== undefined) opened.push(seq);
      }
    }
  }
  await house.close();
  return { opened, slots };
}

describe('protego log', () => {
  const directory = mkdtempSync(join(tmpdir(), 'protego-log-commands-'));
  const at = (name: string): string => join(directory, name);
  const log = at('log');
  const inLog = ['--log', log];

  beforeAll(() => {
    expect(protego('import', ...inLog, '--format', 'cloudevents', HISTORY).code).toBe(0);
  }, 60_000);
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it('says what it holds, forwards, backwards, by type, time and subject', () => {
    const { size, verifierKey } = jsonOf(protego('log', 'stat', ...inLog, '--json'));
    expect(size).toBe(RECORD_COUNT);
    expect(verifierKey).toMatch(/^protego\/general-hospital\+[0-9a-f]{8}\+/);
    const newest = linesOf(protego('log', 'cat', ...inLog, '--reverse', '--limit', '3'));
    expect(newest.map(({ seq }) => seq)).toEqual([RECORD_COUNT - 1, RECORD_COUNT - 2, RECORD_COUNT - 3]);
    const all = linesOf(protego('log', 'cat', ...inLog)) as {
      seq: number;
      event: { type: string; subject?: string };
    }[];
    expect(all).toHaveLength(RECORD_COUNT);
    const ofTablet = linesOf(protego('log', 'cat', ...inLog, '--subject', 'tablet-0002'));
    expect(ofTablet.length).toBeGreaterThan(10);
    expect(ofTablet.map(({ seq }) => seq)).toEqual(
      expect.arrayContaining(all.filter(({ event }) => event.subject === 'tablet-0002').map(({ seq }) => seq)),
    );
    const reads = linesOf(protego('log', 'cat', ...inLog, '--type', 'access.*'));
    expect(reads.map(({ seq }) => seq)).toEqual(
      all.filter(({ event }) => event.type.startsWith('access.')).map(({ seq }) => seq),
    );
  });

  it('keeps persons sealed unless they are asked for, which is an event', () => {
    const [sealed] = linesOf(protego('log', 'cat', ...inLog, '--type', 'access.record-read', '--limit', '1'));
    expect(JSON.stringify(sealed)).toMatch(/"~p\./);
    expect(JSON.stringify(sealed)).toMatch(/"~s\./);
    const args = ['--type', 'access.record-read', '--limit', '1', '--reveal', 'test of the commands'];
    const [open] = linesOf(protego('log', 'cat', ...inLog, ...args));
    expect(JSON.stringify(open)).toMatch(/"pt-\d{6}"/);
    expect(open?.['seq']).toBe(sealed?.['seq']);
    const [event] = linesOf(protego('log', 'cat', ...inLog, '--type', 'log.revealed')) as { event: { data: object } }[];
    expect(event?.event.data).toMatchObject({ records: 1, reason: 'test of the commands' });
  });

  it('signs checkpoints, and verifies against one that was kept', () => {
    const { checkpoint } = jsonOf(protego('log', 'checkpoint', ...inLog, '--json'));
    writeFileSync(at('kept.checkpoint'), String(checkpoint));
    const again = protego('log', 'checkpoint', ...inLog, '--new', '--json');
    expect(jsonOf(again)['checkpoint']).toMatch(/^protego\/general-hospital\n\d+\n/);
    const verified = protego('log', 'verify', ...inLog, '--against', at('kept.checkpoint'), '--json');
    expect(jsonOf(verified)).toMatchObject({ ok: true, problemCount: 0 });
    const since = protego('log', 'verify', ...inLog, '--from-checkpoint', at('kept.checkpoint'), '--json');
    expect(jsonOf(since)).toMatchObject({ ok: true });
    cpSync(log, at('older'), { recursive: true });
    expect(protego('import', ...inLog, '--format', 'cloudevents', HISTORY).code).toBe(0);
    writeFileSync(at('newer.checkpoint'), protego('log', 'checkpoint', ...inLog, '--new').out);
    const cut = protego('log', 'verify', '--log', at('older'), '--against', at('newer.checkpoint'), '--json');
    expect(cut.code).toBe(1);
    expect(JSON.parse(cut.out)).toMatchObject({ ok: false, problems: [{ kind: 'truncated', code: 'LOG_TRUNCATED' }] });
  });

  it('proves a record, a range, and growth', () => {
    expect(jsonOf(protego('log', 'prove', ...inLog, '--seq', '17', '--json'))).toMatchObject({
      kind: 'inclusion',
      seq: 17,
    });
    expect(jsonOf(protego('log', 'prove', ...inLog, '--from', '5', '--to', '900', '--json'))).toMatchObject({
      kind: 'range',
    });
    const growth = protego('log', 'prove', ...inLog, '--since', at('kept.checkpoint'), '--json');
    expect(jsonOf(growth)).toMatchObject({ kind: 'consistency' });
    const beyond = protego('log', 'prove', ...inLog, '--seq', '999999');
    expect(beyond.code).toBe(2);
    expect(beyond.err).toContain('LOG_RANGE_MISSING');
  });

  it('hands over a bundle that Node alone checks and opens in an empty directory, and that shows any change', () => {
    expect(protego('log', 'receiver-key', '--out', at('court')).code).toBe(0);
    const args = ['--from', '3', '--to', '40', '--purpose', 'case 12', '--receiver', at('court.pub.pem')];
    const made = jsonOf(
      protego('log', 'export', ...inLog, ...args, '--out', at('case.bundle'), '--with-verifier', '--json'),
    );
    expect(made).toMatchObject({ records: 37, firstSeq: 3, lastSeq: 39, isContiguous: true });
    const { verifierKey } = checkBundle(readFileSync(at('case.bundle'))).manifest as { verifierKey: string };
    expect(protego('log', 'verify', '--bundle', at('case.bundle'), ...inLog).out).toContain('OK: the bundle is whole');
    expect(protego('log', 'verify', '--bundle', at('case.bundle')).out).toContain('UNPROVEN');
    const empty = mkdtempSync(join(tmpdir(), 'protego-court-'));
    try {
      for (const file of ['case.bundle', 'verify-bundle.js', 'court.key.pem']) renameSync(at(file), join(empty, file));
      const verified = run(process.execPath, ['verify-bundle.js', 'case.bundle', verifierKey], empty);
      expect(verified).toMatchObject({ code: 0 });
      expect(verified.out).toContain('OK');
      expect(run(process.execPath, ['verify-bundle.js', 'case.bundle'], empty).out).toContain('UNPROVEN');
      const bytes = readFileSync(join(empty, 'case.bundle'));
      for (let i = 0; i < 40; i++) {
        const bit = Math.floor((bytes.length * 8 * (i + 0.5)) / 40);
        const altered = Buffer.from(bytes);
        altered[bit >> 3] = (altered[bit >> 3] as number) ^ (1 << (bit & 7));
        writeFileSync(join(empty, 'altered.bundle'), altered);
        expect(run(process.execPath, ['verify-bundle.js', 'altered.bundle'], empty).code).toBe(1);
      }
    } finally {
      rmSync(empty, { recursive: true });
    }
  }, 60_000);

  it('gives the receiver of a bundle keys that open nothing of the log but the records in it', async () => {
    expect(protego('log', 'receiver-key', '--out', at('insurer')).code).toBe(0);
    const args = ['--from', '100', '--to', '140', '--purpose', 'case 14', '--receiver', at('insurer.pub.pem')];
    expect(protego('log', 'export', ...inLog, ...args, '--out', at('insurer.bundle')).code).toBe(0);
    const bundle = checkBundle(readFileSync(at('insurer.bundle')));
    const receiver = createPrivateKey(readFileSync(at('insurer.key.pem')));
    const entries = hpkeOpen(receiver, bundle.sealedKeys, KEYS_INFO, bundle.recordsHash);
    const keys: Buffer[] = [];
    for (let end = KEY_ENTRY_BYTES; end <= entries.length; end += KEY_ENTRY_BYTES)
      keys.push(entries.subarray(end - KEY_BYTES, end));
    expect(keys.length).toBeGreaterThan(10);
    const { opened, slots } = await openWith(log, keys);
    expect(opened).toHaveLength(keys.length);
    expect(opened.filter((seq) => seq < 100 || seq >= 140)).toEqual([]);
    expect(slots).toBeGreaterThan(1_000);
  });

  it('forgets a person in the log and in the backup of yesterday, and nobody else', () => {
    const home = at('ward');
    const maria = { uid: 'u-0417', name: 'Maria Keller' };
    const jonas = { uid: 'u-0418', name: 'Jonas Brandt' };
    const events = [
      eventAt(1, maria, 'notes.exe --for "Maria Keller"'),
      eventAt(2, jonas, 'notes.exe --for "Jonas Brandt"'),
      eventAt(3, jonas, 'copy \\\\share\\maria.keller\\plan.doc'),
    ];
    writeFileSync(at('ward.ndjson.gz'), gzipSync(events.map((event) => JSON.stringify(event)).join('\n')));
    expect(protego('import', '--log', home, '--format', 'cloudevents', at('ward.ndjson.gz')).code).toBe(0);
    const { checkpoint } = jsonOf(protego('log', 'checkpoint', '--log', home, '--json'));
    writeFileSync(at('ward.checkpoint'), String(checkpoint));
    expect(protego('log', 'backup', '--log', home, '--to', at('backup')).code).toBe(0);
    cpSync(join(home, 'keys', 'root.secret'), at('root.secret'));
    const reveal = (from: string): string =>
      protego('log', 'cat', '--log', from, '--type', 'device.*', '--reveal', 'test').out;
    expect(reveal(home)).toMatch(/Maria Keller/);
    const erased = protego(
      'log',
      'erase',
      '--log',
      home,
      '--subject',
      'Maria Keller',
      '--reason',
      'request 7',
      '--receipt',
      at('receipt.json'),
    );
    expect(erased).toMatchObject({ code: 0 });
    const asked = (name: string): Ran =>
      protego('log', 'erase', '--log', home, '--json', '--subject', name, '--reason', 'request 7');
    expect(asked('Nora Nobody').err).toContain('PERSON_UNKNOWN');
    // By her name she is found through what her records still say: the same erasure once more, and no second event.
    const seqOf = ({ out }: Ran): unknown => (JSON.parse(out) as { receipt: { seq: number } }).receipt.seq;
    expect(seqOf(asked('Maria Keller'))).toBe(seqOf(asked('u-0417')));
    for (const name of ['Maria Keller', 'maria.keller', 'u-0417']) expect(reveal(home)).not.toContain(name);
    expect(reveal(home)).toMatch(/notes.exe --for \\"Jonas Brandt\\"/);
    expect(protego('log', 'verify', '--log', home, '--against', at('ward.checkpoint')).code).toBe(0);
    expect(protego('log', 'verify', '--log', home, '--receipt', at('receipt.json')).code).toBe(0);
    const restored = ['--from', at('backup'), '--log', at('restored'), '--root-secret', at('root.secret')];
    expect(jsonOf(protego('log', 'restore', ...restored, '--against', at('ward.checkpoint'), '--json'))).toMatchObject({
      keysDestroyed: expect.any(Number),
    });
    for (const name of ['Maria Keller', 'maria.keller', 'u-0417']) expect(reveal(at('restored'))).not.toContain(name);
    expect(reveal(at('restored'))).toMatch(/Jonas Brandt/);
    expect(readdirSync(at('restored'))).toContain('log.json');
  }, 60_000);

  it('expires whole segments only, and says when there are none', () => {
    const { code, out } = protego('log', 'expire', ...inLog, '--older-than', '1d', '--reason', 'retention');
    expect(code).toBe(0);
    expect(out).toContain('no finished segment');
    expect(protego('log', 'expire', ...inLog, '--older-than', 'soon', '--reason', 'x').code).toBe(2);
  });
});
