import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isProtegoError } from '@protego/contracts';
import { openHouseKeys, openServedHouse } from '../house-keys';
import { type LaunchedEnclave } from '../platform/platform';
import { randomOf } from '../testing/fault-disk';
import { MemoryCounters, memoryPlatform } from '../testing/memory-platform';
import { PowerLost, PoweredDirectories } from '../testing/power-loss';
import { sampleImage } from '../testing/sample-enclaves';
import { sealRoot } from './seal-root';

describe('a sealing during which power is lost', () => {
  let parent: string;
  let directory: string;
  let safe: string;
  let counters: MemoryCounters;
  let secret: Buffer;
  const enclave = (): LaunchedEnclave => memoryPlatform({ seed: 'root', counters }).launch(sampleImage());
  const recoveryFile = (): string => join(safe, 'recovery');
  const keyFile = (isNew: boolean) => ({ kind: 'key-file', path: join(safe, 'a.key'), isNew }) as const;
  const seal = (isNew: boolean): Promise<unknown> =>
    sealRoot(enclave(), { directory, unlock: [keyFile(isNew)], recoveryFile: recoveryFile() });
  const opened = async (): Promise<string> => {
    try {
      const { house, custody } = await openServedHouse(
        { directory, mode: 'read', unlock: [keyFile(false)] },
        enclave(),
      );
      await house.close();
      return custody.kept;
    } catch (error) {
      return isProtegoError(error) ? error.code : String(error);
    }
  };

  beforeEach(async () => {
    parent = mkdtempSync(join(tmpdir(), 'protego-power-'));
    [directory, safe] = [join(parent, 'keys'), join(parent, 'safe')];
    await fresh();
  });
  afterEach(() => rmSync(parent, { recursive: true }));

  async function fresh(): Promise<void> {
    for (const each of [directory, safe]) rmSync(each, { recursive: true, force: true });
    mkdirSync(safe, { mode: 0o700 });
    counters = new MemoryCounters();
    await (await openHouseKeys({ directory, mode: 'write' })).close();
    secret = readFileSync(join(directory, 'root.secret'));
  }

  /** Seals until power is lost; false when it ended before. */
  async function isCutAt(steps: number, isKept: () => boolean): Promise<boolean> {
    const powered = new PoweredDirectories([directory, safe], steps);
    try {
      await seal(true);
      return false;
    } catch (error) {
      // Its message is all that is left of it where a failure of the disk is told on.
      if (!(error instanceof PowerLost) && !isProtegoError(error)) throw error;
      return true;
    } finally {
      powered.loseUnsynced(isKept);
    }
  }

  it('has lost no root, and is ended as it was begun, wherever that was', async () => {
    const outcomes = new Map<string, number>();
    let cuts = 0;
    for (let steps = 0, isCut = true; isCut; steps++) {
      for (let seed = 0; seed < 4; seed++) {
        await fresh();
        const chance = randomOf(steps * 100 + seed);
        isCut = await isCutAt(steps, () => seed > 0 && (seed === 1 || chance() < 0.5));
        if (!isCut) break;
        cuts++;
        const outcome = await opened();
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        expect(['file', 'sealed', 'ENCLAVE_ROOT_AMBIGUOUS']).toContain(outcome);
        if (outcome === 'sealed') expect(readFileSync(recoveryFile())).toEqual(secret);
        if (outcome !== 'sealed') await seal(!existsSync(keyFile(true).path));
        expect([await opened(), readFileSync(recoveryFile())]).toEqual(['sealed', secret]);
      }
    }
    expect([...outcomes.keys()].sort()).toEqual(['ENCLAVE_ROOT_AMBIGUOUS', 'file', 'sealed']);
    expect(cuts).toBeGreaterThan(80);
  }, 120_000);

  it('has its copy and has no plain secret once it has ended, whatever the disk has not written yet', async () => {
    const powered = new PoweredDirectories([directory, safe], Infinity);
    await seal(true);
    powered.loseUnsynced(() => false);
    expect(readFileSync(recoveryFile())).toEqual(secret);
    expect(readdirSync(safe).sort()).toEqual(['a.key', 'recovery']);
    expect(readdirSync(directory).filter((name) => name.startsWith('root'))).toEqual(['root.sealed']);
    // That of the recovery copy.
    expect(powered.surface.filter((content) => content.includes(secret))).toHaveLength(1);
    expect(await opened()).toBe('sealed');
  });
});
