import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openVaultBytes } from '@protego/enclave/testing';
import {
  NeedleSearch,
  countByRegion,
  fileHits,
  keyNeedlesOf,
  keySecretOf,
  patientHits,
  processHits,
  wordHits,
  type Hit,
  type Needle,
} from './memory-scanner';

const ROOT = join(__dirname, '../..');
const PATIENTS = 1_000;

/** Processes to look at. */
interface Processes {
  /** Which may not have a secret anywhere. */
  readonly without: readonly number[];
  /** Which may have secrets in guarded memory. */
  readonly guarded: readonly number[];
}

/** What was found where it may not be. */
function leaksOf({ without, guarded }: Processes, search: NeedleSearch): Hit[] {
  const outside = guarded.flatMap((pid) => processHits(pid, search).filter(({ isGuarded }) => !isGuarded));
  return [...without.flatMap((pid) => processHits(pid, search)), ...outside];
}

/** Words that are no small integers to V8. */
function highWordsOf(key: Buffer): number {
  return [0, 4, 8, 12, 16, 20, 24, 28].filter((at) => key.readUInt32LE(at) >= 2 ** 31).length;
}

describe('secrets in memory', () => {
  const directory = mkdtempSync(join(tmpdir(), 'protego-memory-scan-'));
  const keys = join(directory, 'keys');
  let child: ChildProcess;
  let keyIds: string[] = [];
  let needles: Needle[] = [];
  let secrets: Needle[] = [];
  let search: NeedleSearch;
  let firstKey = Buffer.alloc(0);
  let planted: { name: string; key: Buffer };

  async function tell(task: string, details: object = {}): Promise<void> {
    child.send({ task, ...details });
    const [answer] = (await once(child, 'message')) as [{ isDone: boolean; error?: string }];
    if (!answer.isDone) throw new Error(answer.error);
  }

  const processes = (): Processes => ({ without: [], guarded: [child.pid as number] });
  const inverse = (key: Buffer): number[] => [...key].map((byte) => byte ^ 0xff);
  const words = (): string[] => {
    // What a collection moves meanwhile would not be found.
    child.kill('SIGSTOP');
    try {
      return wordHits(child.pid as number, secrets);
    } finally {
      child.kill('SIGCONT');
    }
  };

  beforeAll(async () => {
    const options = JSON.stringify({ root: ROOT, directory: keys, patients: PATIENTS });
    child = fork(join(__dirname, 'sealing-process.mjs'), [options], { execArgv: ['--expose-gc'] });
    await once(child, 'message');
    await tell('seal');
    await tell('open');
    const slots = openVaultBytes(readFileSync(join(keys, 'vault')), readFileSync(join(keys, 'root.secret')));
    keyIds = slots.map(({ keyId }) => keyId.toString('hex'));
    needles = slots.flatMap(({ key, name }) => keyNeedlesOf(name, key));
    secrets = slots.flatMap(({ key, name }) => keySecretOf(name, key));
    planted = slots.map(({ key, name }) => ({ key, name: `key of ${name}` })).find(({ key }) => highWordsOf(key) >= 6)!;
    firstKey = Buffer.from(slots.find(({ name }) => name === 'patient-0')?.key ?? []);
    search = new NeedleSearch(needles);
  }, 180_000);

  afterAll(() => {
    child.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  });

  it('are in guarded memory of the vault and nowhere else, after 1,000 were made and used', () => {
    expect(needles.length).toBeGreaterThan(PATIENTS * 14);
    const hits = processHits(child.pid as number, search);
    // Both halves of each key and of each content secret: the search finds what is there.
    expect(new Set(hits.map(({ needle }) => needle)).size).toBeGreaterThanOrEqual(PATIENTS * 4);
    expect(countByRegion(leaksOf(processes(), search))).toEqual({});
  }, 180_000);

  it('were not left in the heap as numbers by code that is seldom run', () => {
    expect(words()).toEqual([]);
  }, 180_000);

  it('are not all there is to find: identifiers of patients are in the memory of who names them', () => {
    const identifiers = Array.from({ length: 900 }, (_, n) => `patient-${100 + n}`);
    const found = new Set(patientHits(child.pid as number, identifiers).map(({ needle }) => needle));
    expect(found.size).toBe(identifiers.length);
  }, 180_000);

  it('are in no file', () => {
    expect(countByRegion(fileHits(directory, search))).toEqual({});
  });

  it('are nowhere once they were evicted, and are found again when they are used', async () => {
    await tell('evict');
    expect(countByRegion(processHits(child.pid as number, search))).toEqual({});
    await tell('open');
    const { guarded = 0, ...others } = countByRegion(processHits(child.pid as number, search));
    expect([guarded >= PATIENTS * 4, others]).toEqual([true, {}]);
  }, 180_000);

  it.each([
    ['plantBytes', 'key of patient-0, first half'],
    ['plantText', 'key of patient-0, hex'],
  ])(
    'would be found elsewhere: %s',
    async (task, expected) => {
      await tell(task, { secret: inverse(firstKey) });
      const leaks = leaksOf(processes(), search);
      expect(leaks.map(({ needle }) => needle)).toContain(expected);
    },
    180_000,
  );

  it('would be found as numbers', async () => {
    await tell('plantWords', { secret: inverse(planted.key) });
    expect(words()).toEqual([planted.name]);
  }, 180_000);

  it('are nowhere once they were destroyed, but where they were planted', async () => {
    await tell('destroy', { keyIds });
    const hits = processHits(child.pid as number, search);
    expect(hits.filter(({ needle }) => !needle.startsWith('key of patient-0,'))).toEqual([]);
    expect(hits.filter(({ isGuarded }) => isGuarded)).toEqual([]);
  }, 180_000);
});
