import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canonicalJson, systemClock, type Detection } from '@protego/contracts';
import type { HouseKeys } from '@protego/enclave';
import { fixedHouse } from '@protego/enclave/testing';
import { EventLogReader, EventLogWriter, generateReceiverKey, merkleRootOf } from '@protego/event-log';
import { manifestText, parseManifest, type DetectionClaim } from '@protego/replay';
import { forged, type Forgery } from '@protego/replay/testing';
import { outputEventOf } from '@protego/streams';
import { SHIPPED_FIELDS, importHistory } from './history-log';

const ROOT = join(__dirname, '..');
const CLI = join(ROOT, 'dist', 'apps', 'cli', 'src', 'main.js');
const HISTORY = join(ROOT, 'replay-data', 'general', 'events.ndjson.gz');
const VERIFIER = 'verify-detection.js';

/** Rules of the shipped pack by what kind they are. */
const RULE = {
  single: '3b43c988-1f64-5b4f-88b9-5ff16aa0985b',
  eventCount: '7d6860f6-6aae-4adb-8bd6-95988971916d',
  valueCount: '415ec145-60a1-55c2-8038-26a6d2e6710c',
  valueSum: '58ab4bd4-af3c-5b6b-80d0-bb524f3a09a5',
  ordered: 'dd6aa83e-df69-4008-b753-5e1d080f6599',
  clear: 'e17b7e75-98bd-53d1-baab-1efd99088e31',
  learning: 'beaconing',
  knowing: 'consent-bypass',
} as const;

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function node(args: readonly string[], cwd = ROOT): Ran {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...args], {
    cwd,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    env: { PATH: process.env['PATH'], NODE_PATH: '' },
  });
  return { code: status, out: stdout, err: stderr };
}

const protego = (...args: string[]): Ran => node([CLI, ...args]);
const jsonOf = ({ out, err }: Ran): Record<string, unknown> => {
  if (out === '') throw new Error(err);
  return JSON.parse(out) as Record<string, unknown>;
};

jest.setTimeout(300_000);

describe('the proof of a detection', () => {
  const directory = mkdtempSync(join(tmpdir(), 'protego-proof-'));
  const at = (...names: string[]): string => join(directory, ...names);
  const log = at('log');
  const receiver = generateReceiverKey();
  let detections: Detection[] = [];
  let number = 0;

  beforeAll(async () => {
    await importHistory(log, 'cloudevents', [HISTORY]);
    const { code, err } = protego('replay', '--log', log, '--out', at('run'));
    if (code !== 0) throw new Error(err);
    const text = readFileSync(at('run', 'detections.jsonl'), 'utf8').trimEnd();
    detections = text.split('\n').map((line) => JSON.parse(line) as Detection);
    writeFileSync(at('court.pub.pem'), receiver.publicKey);
    writeFileSync(at('court.key.pem'), receiver.privateKey);
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  const detectionOf = (ruleId: string): Detection => {
    const found = detections.find((detection) => detection.ruleId === ruleId);
    if (found === undefined) throw new Error(`no detection of \`${ruleId}\``);
    return found;
  };

  /** Makes a proof and says what the maker said of it. */
  const prove = (ruleId: string, ...options: string[]): { file: string; said: Record<string, unknown> } => {
    const file = at(`${number++}.proof`);
    const { id } = detectionOf(ruleId);
    const from = options.includes('--from-record') ? [] : ['--run', at('run')];
    const rest = options.filter((option) => option !== '--from-record');
    const args = ['--log', log, ...from, '--detection', id, '--out', file, '--with-verifier', '--json', ...rest];
    return { file, said: jsonOf(protego('replay', 'prove', ...args)) };
  };

  /** Runs the standalone verifier in a directory where nothing else is. */
  const verifyAlone = (bytes: Buffer, ...options: string[]): Ran => {
    const place = mkdtempSync(join(tmpdir(), 'protego-court-'));
    try {
      copyFileSync(at(VERIFIER), join(place, VERIFIER));
      writeFileSync(join(place, 'detection.proof'), bytes);
      return node([VERIFIER, 'detection.proof', ...options], place);
    } finally {
      rmSync(place, { recursive: true, force: true });
    }
  };
  const verdictOf = (bytes: Buffer, ...options: string[]): Record<string, unknown> =>
    jsonOf(verifyAlone(bytes, '--json', ...options));
  /** The keys are locked as long as they are lent: no command can use them meanwhile. */
  const inHouse = async <T>(use: (house: HouseKeys) => Promise<T>): Promise<T> => {
    const house = await fixedHouse(join(log, 'keys'), SHIPPED_FIELDS);
    try {
      return await use(house);
    } finally {
      await house.close();
    }
  };
  const verifierKey = (): Promise<string> =>
    inHouse(async ({ keys }) => (await EventLogReader.open({ directory: log, keys })).identity.verifierKey);

  it.each([
    ['a rule on one event', RULE.single, 'records'],
    ['a count of events', RULE.eventCount, 'range'],
    ['a count of values', RULE.valueCount, 'range'],
    ['a sum', RULE.valueSum, 'range'],
    ['a sequence', RULE.ordered, 'range'],
    ['a detector that learns', RULE.learning, 'range'],
    ['a detector that knows the house', RULE.knowing, 'range'],
  ])('is valid in an empty directory, with Node alone: %s', async (_, ruleId, coverage) => {
    const { file, said } = prove(ruleId);
    expect(said).toMatchObject({ verdict: 'VALID', isKeyNeeded: false, coverage: { kind: coverage } });
    const plain = verifyAlone(readFileSync(file));
    expect([plain.code, plain.err]).toEqual([0, '']);
    expect(plain.out).toMatch(/^VALID: /);
    expect(plain.out).toContain('warning: checked against the key inside the file');
    const verdict = verdictOf(readFileSync(file), '--key', await verifierKey());
    expect(verdict).toMatchObject({ ok: true, verdict: 'VALID', isKeyGiven: true, detection: detectionOf(ruleId) });
    const own = protego('replay', 'verify-proof', file, '--json');
    expect([own.code, jsonOf(own)['verdict']]).toEqual([0, 'VALID']);
  });

  it('is a bundle as any other, and its making is recorded', () => {
    const { file, said } = prove(RULE.eventCount);
    expect(protego('log', 'verify', '--bundle', file).code).toBe(0);
    const exported = protego('log', 'cat', '--log', log, '--from', String(said['eventSeq'])).out;
    expect(exported).toContain('log.exported');
  });

  it('needs the key of the receiver where the rule looks into personal fields', () => {
    const closed = prove(RULE.clear);
    expect(closed.said).toMatchObject({ verdict: 'PARTIAL', code: 'keys-missing', isKeyNeeded: true });
    const { file, said } = prove(RULE.clear, '--receiver', at('court.pub.pem'));
    expect(said).toMatchObject({ verdict: 'VALID', verdictWithoutKey: 'PARTIAL', isKeyNeeded: true });
    const bytes = readFileSync(file);
    expect(verifyAlone(bytes).code).toBe(1);
    expect(verdictOf(bytes)).toMatchObject({ verdict: 'PARTIAL', code: 'keys-missing' });
    expect(verdictOf(bytes, '--open', at('court.key.pem'))).toMatchObject({ verdict: 'VALID' });
    writeFileSync(at('other.key.pem'), generateReceiverKey().privateKey);
    expect(verifyAlone(bytes, '--open', at('other.key.pem')).code).toBe(2);
  });

  it('is invalid, with the reason, after any attack', async () => {
    const { file } = prove(RULE.eventCount);
    const bytes = readFileSync(file);
    const { seqs } = verdictOf(bytes) as unknown as { readonly seqs: readonly number[] };
    const [first, second] = seqs as [number, number];
    const attack = async (forgery: Forgery, isOwner = false): Promise<Record<string, unknown>> => {
      const made = await inHouse(({ keys }) => forged(bytes, log, forgery, isOwner ? keys.signer : undefined));
      const ran = verifyAlone(made, '--json');
      expect(ran.code).toBe(1);
      return jsonOf(ran);
    };
    const claimed =
      (change: (claim: DetectionClaim) => object): NonNullable<Forgery['claim']> =>
      (claim) => ({ ...claim, ...change(claim) });
    const rest = seqs.filter((seq) => seq !== second);
    const fewer = claimed(({ detection }) => ({
      seqs: rest,
      detection: { ...detection, eventCount: rest.length, value: rest.length },
    }));
    for (const isOwner of [false, true]) {
      const altered = await attack(
        {
          keepsList: true,
          alter: (seq, leaf) =>
            seq === first ? Buffer.from(leaf.toString('latin1').replace('"2026-', '"2025-'), 'latin1') : leaf,
        },
        isOwner,
      );
      expect(altered).toMatchObject({ verdict: 'INVALID', code: 'event-altered', seq: first });
      const left = await attack({ without: [second] }, isOwner);
      expect(left).toMatchObject({ verdict: 'INVALID', code: 'event-missing', seq: second });
      const relabelled = await attack({ without: [second], claim: fewer }, isOwner);
      expect(relabelled).toMatchObject({ verdict: 'INVALID', code: 'range-broken', seq: second });
      const recounted = await attack({ claim: fewer }, isOwner);
      expect(recounted).toMatchObject({ verdict: 'INVALID', code: 'result-differs' });
      const calmer = await attack(
        { claim: claimed(({ detection }) => ({ detection: { ...detection, severity: 'low' } })) },
        isOwner,
      );
      expect(calmer).toMatchObject({ verdict: 'INVALID', code: 'result-differs' });
      expect(String(calmer['reason'])).toContain('severity');
    }
    const cut = verifyAlone(bytes.subarray(0, bytes.length - 1));
    expect([cut.code, cut.out.slice(0, 8)]).toEqual([1, 'INVALID:']);
    expect(verifyAlone(Buffer.from('no proof')).out).toMatch(/^INVALID: /);
    expect(verifyAlone(bytes, '--what').code).toBe(2);
  });

  it('takes the record of the log for the detection, where there is one, and holds it to that', async () => {
    const detection = detectionOf(RULE.ordered);
    const evidence = readFileSync(at('run', 'evidence.jsonl'), 'utf8').split('\n');
    const { seqs } = JSON.parse(evidence.find((line) => line.includes(detection.id)) ?? '{}') as { seqs: number[] };
    const seq = await inHouse(async ({ keys }) => {
      const writer = await EventLogWriter.open({ directory: log, origin: 'protego/general-hospital', keys });
      const { size, rootHash } = (await EventLogReader.open({ directory: log, keys })).stat();
      const certainAtMs = Date.parse(detection.certainAt);
      const result = { kind: 'detection' as const, detection, certainAtMs, seqs };
      const event = outputEventOf(result, 'general-hospital', { size, rootHash });
      const times = { timeMs: certainAtMs, arrivedAtMs: certainAtMs, recordedAtMs: systemClock.wallMs() };
      await writer.append([{ body: Buffer.from(canonicalJson(event)), type: event.type, ...times }]);
      await writer.close();
      return size;
    });
    const { file, said } = prove(RULE.ordered, '--from-record');
    expect(said).toMatchObject({ verdict: 'VALID', recordedSeq: seq });
    const bytes = readFileSync(file);
    expect(verdictOf(bytes)).toMatchObject({ verdict: 'VALID', recordedSeq: seq });
    const claim: Forgery['claim'] = (held) => ({ ...held, detection: { ...held.detection, severity: 'low' } });
    const forgery = await inHouse(({ keys }) => forged(bytes, log, { claim }, keys.signer));
    expect(verdictOf(forgery)).toMatchObject({ verdict: 'INVALID', code: 'claim-altered', seq });
  });

  it('refuses what it cannot prove', () => {
    const out = at('none.proof');
    const missing = protego(
      'replay',
      'prove',
      '--log',
      log,
      '--run',
      at('run'),
      '--detection',
      '0'.repeat(32),
      '--out',
      out,
    );
    expect([missing.code, missing.err]).toEqual([2, expect.stringContaining('DETECTION_UNKNOWN')]);
    mkdirSync(at('streams', 'rules'), { recursive: true });
    cpSync(join(ROOT, 'streams', 'declarations'), at('streams', 'declarations'), { recursive: true });
    const { id } = detectionOf(RULE.single);
    const other = ['--run', at('run'), '--detection', id, '--out', out, '--streams', at('streams')];
    const wrongRules = protego('replay', 'prove', '--log', log, ...other);
    expect([wrongRules.code, wrongRules.err]).toEqual([2, expect.stringContaining('PROOF_RULE_MISSING')]);
    // A run that says something else than the log gives, be its hash mended or not.
    cpSync(at('run'), at('false-run'), { recursive: true });
    const lines = at('false-run', 'detections.jsonl');
    const texts = readFileSync(lines, 'utf8').trimEnd().split('\n');
    const said = texts.map((line) => {
      const detection = JSON.parse(line) as Detection;
      return detection.id === id ? canonicalJson({ ...detection, severity: 'low', title: 'Nothing' }) : line;
    });
    writeFileSync(lines, `${said.join('\n')}\n`);
    const proveFalse = (): Ran =>
      protego('replay', 'prove', '--log', log, '--run', at('false-run'), '--detection', id, '--out', out);
    expect([proveFalse().code, proveFalse().err]).toEqual([2, expect.stringContaining('MANIFEST_INVALID')]);
    const manifest = parseManifest(readFileSync(at('run', 'manifest.json'), 'utf8'));
    writeFileSync(at('false-run', 'manifest.json'), manifestText({ ...manifest, outputHash: merkleRootOf(said) }));
    expect([proveFalse().code, proveFalse().err]).toEqual([2, expect.stringContaining('PROOF_DETECTION_DIFFERS')]);
    expect(existsSync(out)).toBe(false);
  });
});
