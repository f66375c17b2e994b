import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commandSubject, type ProtegoEvent } from '@protego/contracts';
import { checkInclusion, generateReceiverKey, leafHash, openCheckpoint, parseVerifierKey } from '@protego/event-log';
import { openEverything, search, slotKeysNaming, spellingsOf, spellingsOfKey, type Needle } from './attacker';
import { JONAS, MARIA, TEXTS, crowd, refused, suspicious, textsNaming } from './crowd';
import { ANYBODY_USER, EngineHouse, PROTEGO, ROOT, SITE, until } from './engine-house';
import { bytesOf, subjectOf } from './sample-events';
import { storedBlocks } from './stored-messages';

jest.setTimeout(120_000);

const NAMES = [
  ...[MARIA.name, 'maria.keller', 'Keller, Maria', 'maria%20keller', 'maria+keller', 'mariakeller', MARIA.uid],
  '\\u004daria Kell\\u0065r',
  ...['<b>Maria</b>', 'M%61ria/K&#101;ller'],
];
/** A rule about what is named in clear: without her texts nobody can say what it would find. */
const RULE = `title: Notes for somebody
id: 0c7d1c55-3a0e-4f5e-9d5f-1a4f0f6f1a11
name: notes_for_somebody
status: test
description: A program for notes was started for somebody.
date: 2026-03-02
logsource:
  product: protego
  category: device.process-started
detection:
  selection:
    process.cmd_line|contains: '--for'
  condition: selection
level: low
`;
const RULE_ID = '0c7d1c55-3a0e-4f5e-9d5f-1a4f0f6f1a11';
/** Counts emergencies for which one person wrote the same reason, so that it groups by a text. */
const SAME_REASON_RULE_ID = '6d799de1-2571-4d2d-82c5-4a3013cf273a';
const OVER_HTTP = 600;

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function protego(...args: string[]): Ran {
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROTEGO, ...args], {
    encoding: 'utf8',
    maxBuffer: 1 << 27,
  });
  return { code: status, out: stdout, err: stderr };
}

function done(...args: string[]): string {
  const { code, out, err } = protego(...args);
  if (code !== 0) throw new Error(`${args.slice(0, 3).join(' ')} ended with ${code}: ${err}`);
  return out;
}

const jsonLines = (text: string): Record<string, unknown>[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('one of a thousand people is forgotten', () => {
  const aside = mkdtempSync(join(tmpdir(), 'protego-aside-'));
  const at = (name: string): string => join(aside, name);
  const needles: Needle[] = NAMES.flatMap(spellingsOf);
  let house: EngineHouse;
  let backups: string;
  let history: string;
  let inclusion: Record<string, unknown>;
  let restored: EngineHouse | undefined;

  const inLog = (): string[] => ['--log', house.logDir];
  const isOf = (line: string, id: string): boolean => (JSON.parse(line) as { ruleId: string }).ruleId === id;
  const isOfRule = (line: string): boolean => isOf(line, RULE_ID);
  const isOfReasons = (line: string): boolean => isOf(line, SAME_REASON_RULE_ID);
  const command = async (name: string, input: object): Promise<object> => {
    const connection = await house.connect('operator');
    const reply = await connection.request(commandSubject(SITE, name), JSON.stringify(input), { timeout: 30_000 });
    if (reply.headers?.get('Nats-Service-Error-Code')) throw new Error(reply.string());
    return reply.json<object>();
  };
  const attack = async (): Promise<string[]> => search(await openEverything([house.root]), needles);
  /** Lines of a replay's files, under the rules that are shipped and one more. */
  const replayed = (name: string): Record<'detections' | 'undecidable', string[]> => {
    done('replay', ...inLog(), '--out', at(name), '--rules', at('rules'), '--json');
    const lines = (file: string): string[] =>
      existsSync(join(at(name), file))
        ? readFileSync(join(at(name), file), 'utf8')
            .split('\n')
            .slice(0, -1)
        : [];
    return { detections: lines('detections.jsonl'), undecidable: lines('undecidable.jsonl') };
  };

  async function publish(messages: readonly { readonly subject: string; readonly bytes: Buffer }[]): Promise<void> {
    const connection = await house.connect(ANYBODY_USER);
    const stream = connection.jetstream();
    for (const { subject, bytes } of messages) await stream.publish(subject, bytes);
  }

  async function feed(): Promise<void> {
    const timeMs = Date.now();
    const people = crowd(timeMs);
    // She comes over NATS, like most who name her.
    const overHttp = people.slice(0, OVER_HTTP);
    const body = Buffer.concat(overHttp.flatMap((event) => [bytesOf(event), Buffer.from('\n')]));
    const answer = (await (await house.post(body, 'application/x-ndjson')).json()) as { results: { seq?: number }[] };
    expect(answer.results.filter(({ seq }) => seq !== undefined)).toHaveLength(OVER_HTTP);
    const overNats = [...people.slice(OVER_HTTP), ...textsNaming(timeMs), ...suspicious(timeMs)];
    await publish(overNats.map((event: ProtegoEvent) => ({ subject: subjectOf(event), bytes: bytesOf(event) })));
    await house.drained();
    const subject = `protego.v1.${SITE}.in.access.probe`;
    await publish(refused(timeMs).map((bytes) => ({ subject, bytes })));
    await until(
      async () => (await house.stream('PROTEGO_REJECTED')).length === refused(timeMs).length,
      'the dead letters',
    );
    await house.drained();
  }

  /** Another log of the house, into which a file was imported that names her in what was refused. */
  function importHistory(): void {
    const known = { ...crowd(Date.now()).find(({ data }) => JSON.stringify(data).includes(MARIA.uid)), id: 'imported' };
    const lines = [
      JSON.stringify(known),
      JSON.stringify({ ...known, id: 'forged', type: 'detection.raised' }),
      `{"who":"Maria Keller", broken`,
      `{"who":"then\\nu-0417", broken`,
    ].map((line) => Buffer.from(`${line}\n`));
    const notUtf8 = Buffer.from('{"ort":"K\xf6ln","who":"Maria Keller"}\n', 'latin1');
    writeFileSync(at('history.ndjson'), Buffer.concat([...lines, notUtf8]));
    const args = ['--log', history, '--format', 'cloudevents', '--json', at('history.ndjson')];
    expect(JSON.parse(done('import', ...args))).toMatchObject({ appended: 1, rejected: 4 });
  }

  /** Her key and the keys of the slots that name her, which nothing may hold afterwards. */
  async function learnKeys(): Promise<void> {
    await house.reading(async ({ house: { vault }, reader }) => {
      const keyIds = (await vault.find(MARIA.uid))?.keyIds.map((id) => Buffer.from(id, 'hex')) ?? [];
      expect(keyIds.length).toBeGreaterThan(0);
      for (const { sealed } of reader.records()) {
        if (!keyIds.some((id) => sealed.includes(id))) continue;
        const keys = slotKeysNaming(sealed, keyIds, (await vault.slotKeys([sealed]))[0] ?? []);
        needles.push(...keys.map((key) => ({ what: 'record key', bytes: key, ignoresCase: false })));
      }
    });
    for (const { where, bytes } of await openEverything([join(house.logDir, 'keys')])) {
      const isHers = NAMES.some((name) => bytes.toString('utf8').toLowerCase().endsWith(` ${name.toLowerCase()}`));
      if (where.endsWith('opened') && isHers && !bytes.subarray(0, 32).equals(Buffer.alloc(32)))
        needles.push(...spellingsOfKey('key of the person', bytes.subarray(0, 32)));
    }
  }

  beforeAll(async () => {
    house = await EngineHouse.open({ clock: 'wall' });
    backups = join(house.root, 'backups');
    history = join(house.root, 'history');
    const { password } = house.user('operator');
    writeFileSync(
      join(house.root, 'nats/operator.url'),
      house.natsUrl.replace('nats://', `nats://operator:${password}@`),
    );
    await feed();
    importHistory();
    cpSync(join(ROOT, 'streams/rules'), at('rules'), { recursive: true });
    writeFileSync(join(at('rules'), 'notes.yml'), RULE);
    const receiver = generateReceiverKey().publicKey;
    await command('export', { selection: { subject: MARIA.uid }, purpose: 'case 9', receiver });
    writeFileSync(at('before.checkpoint'), done('log', 'checkpoint', ...inLog(), '--new'));
    done('log', 'backup', ...inLog(), '--to', backups);
    // A copy that no erasure can reach.
    cpSync(backups, at('carried-away'), { recursive: true });
    cpSync(join(house.logDir, 'keys/root.secret'), at('root.secret'));
    inclusion = JSON.parse(done('log', 'prove', ...inLog(), '--seq', '950', '--json')) as Record<string, unknown>;
    await learnKeys();
  });

  afterAll(async () => {
    await restored?.close();
    await house.close();
    rmSync(aside, { recursive: true, force: true });
  });

  it('whom an attacker with all files and keys finds before, wherever something was kept', async () => {
    const hits = await attack();
    const found = (pattern: RegExp): number => hits.filter((hit) => pattern.test(hit)).length;
    expect(found(/log record \d+ opened: .*(?:UTF-8|base64)/)).toBeGreaterThan(TEXTS);
    expect(found(/log\/keys\/vault opened: /)).toBeGreaterThan(1);
    expect(found(/log\/keys\/vault opened: key of the person/)).toBeGreaterThan(0);
    expect(found(/record \d+ opened: record key/)).toBeGreaterThan(TEXTS);
    expect(found(/[^-]backups\/.*vault opened: /)).toBeGreaterThan(1);
    expect(found(/PROTEGO_REJECTED.*unsealed: /)).toBeGreaterThan(4);
    expect(found(/history\/rejects-\d+\.ndjson at \d+ unsealed: /)).toBeGreaterThan(3);
    // Without a key: nothing.
    expect(hits.filter((hit) => !/ (opened|unsealed): /.test(hit))).toEqual([]);
  });

  it('whom the bus shows while she waits to be taken in, and no longer', async () => {
    await house.stopEngine();
    const [waiting] = textsNaming(Date.now());
    const event = { ...waiting, id: 'waiting', time: new Date().toISOString() } as ProtegoEvent;
    await publish([{ subject: subjectOf(event), bytes: bytesOf(event) }]);
    const isOnDisk = (): boolean =>
      storedBlocks(join(house.root, 'nats')).some(({ bytes }) => bytes.includes(MARIA.name));
    await until(isOnDisk, 'the message on the disk', 10_000);
    await house.startEngine();
    await house.drained();
    await until(() => !isOnDisk(), 'the message to go', 10_000);
  });

  it('whom nobody finds afterwards, in any file', async () => {
    const before = replayed('before');
    expect(before).toMatchObject({ undecidable: [] });
    expect(before.detections.filter(isOfRule)).toHaveLength(Math.ceil(TEXTS / 3) + 1);
    const erase = ['--subject', MARIA.uid, '--reason', 'request 2026-117', '--receipt', at('receipt.json'), '--json'];
    const { receipt } = JSON.parse(done('log', 'erase', ...inLog(), ...erase)) as { receipt: Record<string, unknown> };
    expect(receipt).toMatchObject({
      affected: { records: TEXTS + 5 },
      texts: { records: 0 },
      outOfReach: [{ kind: 'bundle' }],
      backupsErased: [`directory:${backups}`],
    });
    const inHistory = ['--log', history, '--subject', MARIA.name, '--reason', 'request 2026-117', '--json'];
    expect(JSON.parse(done('log', 'erase', ...inHistory))).toMatchObject({ receipt: { outOfReach: [] } });
    expect(await attack()).toEqual([]);

    const after = replayed('after');
    // Four spellings of her name stand in reasons, each of them as often as the rule allows.
    expect(before.detections.filter(isOfReasons)).toHaveLength(4);
    expect(after.detections).toEqual(before.detections.filter((line) => !isOfRule(line) && !isOfReasons(line)));
    expect(after.detections.length).toBeGreaterThanOrEqual(3);
    expect(after.undecidable.filter(isOfReasons).length).toBeGreaterThan(0);
    // One line for each text that a rule asks about: command lines, and reasons.
    expect(after.undecidable.filter(isOfRule)).toHaveLength(Math.ceil(TEXTS / 3) + 1);
    const askedFor = after.undecidable.flatMap((line) => (JSON.parse(line) as { fields: string[] }).fields);
    expect(new Set(askedFor)).toEqual(new Set(['process.cmd_line', 'reason']));
  });

  it('and the log is as good as it was', () => {
    done('log', 'verify', ...inLog(), '--against', at('before.checkpoint'));
    done('log', 'verify', ...inLog(), '--receipt', at('receipt.json'));
    const { seq, leaf, proof, checkpoint, verifierKey } = inclusion as Record<string, string>;
    const { size, root } = openCheckpoint(String(checkpoint), [parseVerifierKey(String(verifierKey))]);
    const now = JSON.parse(done('log', 'prove', ...inLog(), '--seq', String(seq), '--json')) as { leaf: string };
    expect(now.leaf).toBe(leaf);
    const bytes = Buffer.from(now.leaf, 'base64');
    const hashes = (proof as unknown as string[]).map((hash) => Buffer.from(hash, 'base64'));
    expect(() =>
      checkInclusion({ leafHash: leafHash(bytes), index: Number(seq), size, root } as never, hashes),
    ).not.toThrow();
  });

  it('and whoever is named beside her can still be read', async () => {
    const shown = jsonLines(done('log', 'cat', ...inLog(), '--type', 'device.process-started', '--reveal', 'case 1'));
    expect(shown.length).toBeGreaterThan(TEXTS / 3 - 1);
    for (const { event, erased } of shown as { event: ProtegoEvent; erased: string[] }[]) {
      expect(event.data).toMatchObject({
        actor: { user: JONAS },
        process: { cmd_line: expect.stringMatching(/^~t\./) },
      });
      expect(erased).toEqual(['/data/process/cmd_line']);
    }
    const lines = done('log', 'rejects', '--log', history, '--reveal', 'case 1');
    expect(jsonLines(lines).map(({ line, erased }) => [line, erased])).toEqual(
      [2, 3, 4, 5].map((line) => [line, true]),
    );
    expect(await attack()).toEqual([]);
  });

  it('also after the engine was started again', async () => {
    await house.stopEngine();
    await house.startEngine();
    await house.drained();
    expect((await fetch(`${house.httpUrl}/health/ready`)).status).toBe(200);
    expect(await attack()).toEqual([]);
  });

  it('also when the backup of yesterday is brought back, and an engine started on it', async () => {
    const secret = ['--root-secret', at('root.secret')];
    restored = await EngineHouse.open({
      clock: 'wall',
      prepareLog: (directory) => done('log', 'restore', '--from', backups, '--log', directory, ...secret),
    });
    expect(await restored.metric('protego_log_records')).toBeGreaterThan(1_000);
    expect(search(await openEverything([restored.root]), needles)).toEqual([]);
    const log = JSON.stringify((await restored.log()).map(({ event }) => event));
    expect(log).toContain(JONAS.name);
    const again = ['--from', at('carried-away'), '--log', at('again'), ...secret, '--receipt', at('receipt.json')];
    done('log', 'restore', ...again);
    expect(search(await openEverything([at('again')]), needles)).toEqual([]);
    // What the receipt is for: without it the copy that nobody could reach still has her key.
    done('log', 'restore', '--from', at('carried-away'), '--log', at('unwarned'), ...secret);
    expect(search(await openEverything([at('unwarned')]), needles).length).toBeGreaterThan(TEXTS);
  });
});
