import { fork, type ChildProcess } from 'node:child_process';
import { hkdfSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { openVaultBytes } from '@protego/enclave/testing';
import {
  NeedleSearch,
  countByRegion,
  keyNeedlesOf,
  keySecretOf,
  needlesOf,
  processHits,
  wordHits,
  type Needle,
} from './memory-scanner';

const ROOT = join(__dirname, '../..');
const PATIENTS = 1_000;
/** Secrets of a house that all processes of its enclave have, by the purpose that they are derived for. */
const SHARED = ['pseudonym/1', 'vault/1', 'content-hash/1'];
/** Those that are wiped after use. */
const PASSING = ['house-record/1', 'pseudonym-wrap/1'];
/** Longer than a process keeps keys as plaintext that it has nothing to do with. */
const IDLE_MS = 2_500;
/** Starts that are looked at: what is left on a stack is not the same each time. */
const STARTS = 3;

function derivedOf(root: Buffer, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', root, '', `protego/${purpose}\0`, 32));
}

/** A process that seals with the help of an enclave of two. */
class Starter {
  private constructor(
    readonly child: ChildProcess,
    /** The keeper's first. */
    readonly enclavePids: readonly number[],
  ) {}

  static async start(directory: string): Promise<Starter> {
    const options = JSON.stringify({ root: ROOT, directory, patients: PATIENTS, processes: 2 });
    const child = fork(join(__dirname, 'sealing-process.mjs'), [options], { execArgv: ['--expose-gc'] });
    const [{ pids }] = (await once(child, 'message')) as [{ pids: number[] }];
    return new Starter(child, pids);
  }

  async tell(task: string): Promise<void> {
    this.child.send({ task });
    const [answer] = (await once(this.child, 'message')) as [{ isDone: boolean; error?: string }];
    if (!answer.isDone) throw new Error(answer.error);
  }

  /** Stopped, the enclave keeps what it has: a second later it would have encrypted it. */
  stop(): void {
    for (const pid of this.enclavePids) process.kill(pid, 'SIGSTOP');
  }

  goOn(): void {
    for (const pid of this.enclavePids) process.kill(pid, 'SIGCONT');
  }

  async end(): Promise<void> {
    this.goOn();
    await this.tell('close');
    this.child.kill('SIGKILL');
  }
}

describe('secrets in the memory of an enclave of two processes', () => {
  const directory = mkdtempSync(join(tmpdir(), 'protego-enclave-scan-'));
  const keys = join(directory, 'keys');
  let starter: Starter | undefined;
  let secrets: Needle[];
  let search: NeedleSearch;

  /** What is found where it may not be. */
  function strayIn(pid: number): unknown {
    const outside = processHits(pid, search).filter(({ isGuarded }) => !isGuarded);
    return [countByRegion(outside), [...new Set(outside.map(({ needle }) => needle))], wordHits(pid, secrets)];
  }

  beforeAll(async () => {
    starter = await Starter.start(keys);
    await starter.tell('seal');
    await starter.tell('open');
    starter.stop();
    const root = readFileSync(join(keys, 'root.secret'));
    const slots = openVaultBytes(readFileSync(join(keys, 'vault')), root);
    const derived = [...SHARED, ...PASSING].map((purpose) => ({ name: purpose, bytes: derivedOf(root, purpose) }));
    secrets = [
      { name: 'root secret', bytes: root },
      ...derived,
      ...slots.flatMap(({ key, name }) => keySecretOf(name, key)),
    ];
    search = new NeedleSearch([
      ...needlesOf('root secret', root),
      ...derived.flatMap(({ name, bytes }) => needlesOf(name, bytes)),
      ...slots.flatMap(({ key, name }) => keyNeedlesOf(name, key)),
    ]);
  }, 180_000);

  afterAll(async () => {
    await starter?.end();
    rmSync(directory, { recursive: true, force: true });
  });

  it('are in guarded memory of the keeper and of the replica, which hears of each key that is made', () => {
    const pids = starter?.enclavePids ?? [];
    expect(pids).toHaveLength(2);
    for (const pid of pids) {
      const found = new Set(processHits(pid, search).map(({ needle }) => needle));
      expect(SHARED.filter((purpose) => !found.has(`${purpose}, first half`))).toEqual([]);
      expect(found.size).toBeGreaterThanOrEqual(4 * PATIENTS);
      expect(strayIn(pid)).toEqual([{}, [], []]);
    }
  }, 180_000);

  it('are nowhere in the process that started it', () => {
    const pid = starter?.child.pid as number;
    expect([countByRegion(processHits(pid, search)), wordHits(pid, secrets)]).toEqual([{}, []]);
  }, 180_000);

  it('are in guarded memory right after a start, and no key of a person is plaintext when nobody calls', async () => {
    for (let start = 0; start < STARTS; start++) {
      await starter?.end();
      starter = undefined;
      starter = await Starter.start(keys);
      starter.stop();
      for (const pid of starter.enclavePids) expect(strayIn(pid)).toEqual([{}, [], []]);
      starter.goOn();
    }
    await wait(IDLE_MS);
    for (const pid of starter?.enclavePids ?? []) {
      const found = [...new Set(processHits(pid, search).map(({ needle }) => needle))];
      expect(found.filter((name) => /^(key|content secret) of/.test(name))).toEqual([]);
      expect(SHARED.filter((purpose) => !found.includes(`${purpose}, first half`))).toEqual([]);
    }
  }, 180_000);
});
