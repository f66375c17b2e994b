import { fork, type ChildProcess } from 'node:child_process';
import { hkdfSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openVaultBytes } from '@protego/enclave/testing';
import { NeedleSearch, countByRegion, keyNeedlesOf, needlesOf, processHits } from './memory-scanner';

const ROOT = join(__dirname, '../..');
const PATIENTS = 1_000;
/** Secrets of a house that all processes of its enclave have, by the purpose that they are derived for. */
const SHARED = ['pseudonym/1', 'vault/1', 'content-hash/1'];

function derivedOf(root: Buffer, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', root, '', `protego/${purpose}\0`, 32));
}

describe('secrets in the memory of an enclave of two processes', () => {
  const directory = mkdtempSync(join(tmpdir(), 'protego-enclave-scan-'));
  const keys = join(directory, 'keys');
  let starter: ChildProcess;
  let enclavePids: number[] = [];
  let search: NeedleSearch;

  async function tell(task: string): Promise<void> {
    starter.send({ task });
    const [answer] = (await once(starter, 'message')) as [{ isDone: boolean; error?: string }];
    if (!answer.isDone) throw new Error(answer.error);
  }

  beforeAll(async () => {
    const options = JSON.stringify({ root: ROOT, directory: keys, patients: PATIENTS, processes: 2 });
    starter = fork(join(__dirname, 'sealing-process.mjs'), [options], { execArgv: ['--expose-gc'] });
    const [{ pids }] = (await once(starter, 'message')) as [{ pids: number[] }];
    enclavePids = pids;
    await tell('seal');
    // Stopped, they keep what they have: a second later they would have encrypted it.
    await tell('open');
    for (const pid of enclavePids) process.kill(pid, 'SIGSTOP');
    const root = readFileSync(join(keys, 'root.secret'));
    const slots = openVaultBytes(readFileSync(join(keys, 'vault')), root);
    search = new NeedleSearch([
      ...needlesOf('root secret', root),
      ...SHARED.flatMap((purpose) => needlesOf(purpose, derivedOf(root, purpose))),
      ...slots.flatMap(({ key, name }) => keyNeedlesOf(name, key)),
    ]);
  }, 180_000);

  afterAll(async () => {
    for (const pid of enclavePids) process.kill(pid, 'SIGCONT');
    await tell('close');
    starter.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  });

  it('are in guarded memory of the keeper and of the replica, which hears of each key that is made', () => {
    expect(enclavePids).toHaveLength(2);
    for (const pid of enclavePids) {
      const hits = processHits(pid, search);
      const found = new Set(hits.map(({ needle }) => needle));
      expect(SHARED.filter((purpose) => !found.has(`${purpose}, first half`))).toEqual([]);
      expect(found.size).toBeGreaterThanOrEqual(4 * PATIENTS);
      const outside = hits.filter(({ isGuarded }) => !isGuarded);
      expect([countByRegion(outside), [...new Set(outside.map(({ needle }) => needle))]]).toEqual([{}, []]);
    }
  }, 180_000);

  it('are nowhere in the process that started it', () => {
    expect(countByRegion(processHits(starter.pid as number, search))).toEqual({});
  }, 180_000);
});
