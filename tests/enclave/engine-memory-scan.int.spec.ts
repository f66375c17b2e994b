import { execFileSync, type ChildProcess } from 'node:child_process';
import { hkdfSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { EnclaveInspection } from '@protego/enclave';
import { openVaultBytes } from '@protego/enclave/testing';
import { EngineHouse, PROTEGO, SITE, tokenOf } from '../engine/engine-house';
import {
  NeedleSearch,
  countByRegion,
  fileHits,
  keyNeedlesOf,
  keySecretOf,
  needlesOf,
  patientHits,
  processHits,
  wordHits,
  type Needle,
} from './memory-scanner';

const PATIENTS = 1_000;
const SETTLE_MS = 10_000;
const HITS_MAX = PATIENTS / 100;
/** Longer than a process of the enclave keeps keys as plaintext that it has nothing to do with. */
const IDLE_MS = 2_500;
/** What the enclave derives from the root secret and gives to nobody. */
const DERIVED = ['vault/1', 'pseudonym/1', 'content-hash/1', 'house-record/1', 'pseudonym-wrap/1'];

/** Identifiers of as many patients, none of them one of another series. */
function identifiersOf(series: string): string[] {
  return Array.from({ length: PATIENTS }, (_, n) => `${series}${String(n).padStart(6, '0')}xk`);
}

const identifiers = identifiersOf('zq');

function derivedOf(root: Buffer, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', root, '', `protego/${purpose}\0`, 32));
}

function messageOf(uid: string, n: number | string): string {
  const data = {
    actor: { user: { uid: 'staff-1' } },
    device: { uid: 'tablet-1' },
    patient: { uid },
    record_type: 'medication-plan',
    care_relationship: true,
  };
  const head = { specversion: '1.0', id: `scan-${n}`, source: 'probe', site: SITE, type: 'access.record-read' };
  return JSON.stringify({ ...head, time: new Date().toISOString(), data });
}

/** Processes that a process has started. */
function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return text === '' ? [] : text.split(' ').map(Number);
}

/** The keeper of an engine's enclave, and its replica. */
function enclaveOf({ pid }: ChildProcess): number[] {
  const [keeper] = childrenOf(pid as number);
  return [keeper as number, ...childrenOf(keeper as number)];
}

/** Needles that were found, each once. */
const namesOf = (hits: readonly { needle: string }[]): string[] => [...new Set(hits.map(({ needle }) => needle))];

describe('the memory of an engine and its enclave, after 1,000 patients came in over NATS', () => {
  const directory = mkdtempSync(join(tmpdir(), 'protego-leak-'));
  const leak = join(directory, 'leak.txt');
  let house: EngineHouse;
  let engine: ChildProcess;
  let enclavePids: number[];
  let secrets: NeedleSearch;
  let keySecrets: Needle[];

  /** Has the engine collect its garbage. */
  async function collected(): Promise<void> {
    engine.kill('SIGUSR2');
    await once(engine, 'message');
  }

  beforeAll(async () => {
    process.env['PROTEGO_TEST_LEAK'] = leak;
    house = await EngineHouse.open({
      clock: 'wall',
      nodeFlags: ['--require', join(__dirname, 'collect-garbage.cjs')],
    });
    engine = house.engine as ChildProcess;
    enclavePids = enclaveOf(engine);
    const stream = (await house.connect('anybody')).jetstream();
    const subject = `protego.v1.${SITE}.in.access.probe`;
    const publish = (uid: string, n: number): Promise<unknown> =>
      stream.publish(subject, messageOf(uid, n), { msgID: `probe/scan-${n}` });
    // Some at a time, so that messages lie across the buffers in which they are received.
    for (let n = 0; n < PATIENTS; n += 50)
      await Promise.all(identifiers.slice(n, n + 50).map((uid, i) => publish(uid, n + i)));
    await house.drained();
    const keys = join(house.logDir, 'keys');
    const root = readFileSync(join(keys, 'root.secret'));
    const slots = openVaultBytes(readFileSync(join(keys, 'vault')), root);
    expect(slots.filter(({ name }) => identifiers.includes(String(name)))).toHaveLength(PATIENTS);
    secrets = new NeedleSearch([
      ...needlesOf('root secret', root),
      ...DERIVED.flatMap((purpose) => needlesOf(purpose, derivedOf(root, purpose))),
      ...slots.flatMap(({ key, name }) => keyNeedlesOf(name, key)),
    ]);
    keySecrets = slots.flatMap(({ key, name }) => keySecretOf(name, key));
    await wait(SETTLE_MS);
  }, 240_000);

  afterAll(async () => {
    await house.close();
    delete process.env['PROTEGO_TEST_LEAK'];
    rmSync(directory, { recursive: true });
  });

  it('shows none of the 1,000 keys in the engine, in the enclave outside guarded memory, or in any file', () => {
    expect(enclavePids).toHaveLength(2);
    expect(countByRegion(processHits(engine.pid as number, secrets))).toEqual({});
    const inFiles = fileHits(house.root, secrets).filter(({ region }) => !region.endsWith('/root.secret'));
    expect(countByRegion(inFiles)).toEqual({});
    expectGuarded();
    expect(wordHits(engine.pid as number, keySecrets)).toEqual([]);
  }, 180_000);

  it('shows none of them as plaintext anywhere once the enclave has had nothing to do for a while', () => {
    expectIdle();
  }, 180_000);

  it('is shown by `enclave inspect` as ciphertext that holds none of them, with what it counted', () => {
    const url = house.natsUrl.replace('nats://', `nats://operator:${house.user('operator').password}@`);
    const asked = ['enclave', 'inspect', '--log', house.logDir, '--engine', url];
    const text = execFileSync(process.execPath, [PROTEGO, ...asked], { encoding: 'utf8' });
    expect(text).toMatch(/^ {4}page 0: [0-9a-f]{64}… tag [0-9a-f]{32}$/m);
    const json = execFileSync(process.execPath, [PROTEGO, ...asked, '--json'], { encoding: 'utf8' });
    const { processes } = JSON.parse(json) as EnclaveInspection;
    expect(processes).toHaveLength(2);
    for (const { keyMemory } of processes) {
      // 64 keys a page; all left the cache when the process had been idle.
      expect(keyMemory).toMatchObject({ pageBytes: 4096, cachedPages: 0, faults: 0 });
      expect(keyMemory.storedPages).toBeGreaterThanOrEqual(Math.ceil(PATIENTS / 64));
      expect(keyMemory.hits).toBeGreaterThan(keyMemory.misses);
      const shown = Buffer.from(keyMemory.excerpt.map(({ ciphertext, tag }) => ciphertext + tag).join(''), 'hex');
      const found: string[] = [];
      secrets.search(shown, shown.length, ({ name }) => found.push(name));
      expect([shown.length, found]).toEqual([4 * (32 + 16), []]);
    }
  });

  it('shows them in guarded memory while they are used', async () => {
    const stream = (await house.connect('anybody')).jetstream();
    const again = identifiers.slice(0, 200).map((uid, n) =>
      stream.publish(`protego.v1.${SITE}.in.access.probe`, messageOf(uid, PATIENTS + n), {
        msgID: `probe/again-${n}`,
      }),
    );
    await Promise.all(again);
    const hits = enclavePids.flatMap((pid) => processHits(pid, secrets));
    expect(namesOf(hits.filter(({ isGuarded }) => isGuarded)).length).toBeGreaterThan(0);
    expect(namesOf(hits.filter(({ isGuarded }) => !isGuarded))).toEqual([]);
  }, 180_000);

  /** No secret is in the enclave outside guarded memory. */
  function expectGuarded(): void {
    for (const pid of enclavePids) {
      const outside = processHits(pid, secrets).filter(({ isGuarded }) => !isGuarded);
      expect([countByRegion(outside), namesOf(outside), wordHits(pid, keySecrets)]).toEqual([{}, [], []]);
    }
  }

  /** No key of a person is plaintext anywhere in the enclave. */
  function expectIdle(): void {
    for (const pid of enclavePids) {
      const keys = namesOf(processHits(pid, secrets)).filter((name) => /^(key|content secret) of/.test(name));
      expect(keys).toEqual([]);
    }
  }

  /** Posts the events of patients, so many at a time, and finds whose identifiers are still in the engine some time later. */
  async function leftOfPosts(series: string, linesPerRequest: number): Promise<string[]> {
    const uids = identifiersOf(series);
    for (let n = 0; n < PATIENTS; n += linesPerRequest) {
      const lines = uids.slice(n, n + linesPerRequest).map((uid, i) => messageOf(uid, `${series}-${n + i}`));
      const post = (): Promise<Response> =>
        fetch(`${house.httpUrl}/v1/events`, {
          method: 'POST',
          headers: {
            'content-type': linesPerRequest === 1 ? 'application/json' : 'application/x-ndjson',
            authorization: `Bearer ${tokenOf('probe')}`,
          },
          body: lines.join('\n'),
        });
      // A connection that was kept may have been given up while the engine stood still for its memory to be read.
      expect((await post().catch(post)).status).toBe(200);
    }
    await house.drained();
    await wait(SETTLE_MS);
    await collected();
    return namesOf(patientHits(engine.pid as number, uids));
  }

  it.each([
    ['ha', PATIENTS],
    ['hb', 50],
    ['hc', 1],
  ])(
    'hardly shows identifiers that were posted: series %s, %i a request',
    async (series, linesPerRequest) => {
      const left = await leftOfPosts(series, linesPerRequest);
      process.stderr.write(`identifiers left, ${linesPerRequest} a request: ${left.length}\n`);
      expect(left.length).toBeLessThanOrEqual(HITS_MAX);
    },
    180_000,
  );

  it('hardly shows identifiers of patients in the engine after a collection, which would show one that was kept', async () => {
    await house.drained();
    await wait(SETTLE_MS);
    await collected();
    const hits = patientHits(engine.pid as number, identifiers);
    process.stderr.write(`identifiers in the engine: ${namesOf(hits).length} ${JSON.stringify(countByRegion(hits))}\n`);
    expect(namesOf(hits).length).toBeLessThanOrEqual(HITS_MAX);
    writeFileSync(leak, identifiers.slice(0, 100).join('\n'), { mode: 0o600 });
    engine.kill('SIGWINCH');
    await once(engine, 'message');
    await collected();
    expect(namesOf(patientHits(engine.pid as number, identifiers)).length).toBeGreaterThanOrEqual(100);
  }, 180_000);

  it('shows no secret outside guarded memory right after the next start, and no key when nothing comes', async () => {
    await house.stopEngine();
    await house.startEngine();
    engine = house.engine as ChildProcess;
    enclavePids = enclaveOf(engine);
    expectGuarded();
    await wait(IDLE_MS);
    expectIdle();
    expectGuarded();
  }, 180_000);
});
