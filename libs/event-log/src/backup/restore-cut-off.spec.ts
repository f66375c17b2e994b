import { liveKeyIdsIn, openHouseKeys, type HouseOpener } from '@protego/enclave';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isProtegoError } from '@protego/contracts';
import { eraseSubject } from '../erasure/erasure';
import { hasIdentity } from '../log-identity';
import { EventLogReader } from '../reader/reader';
import { inVaultHouse, type VaultHouse } from '../testing/vault-house';
import { nodeFileLayer } from '../writer/file-layer';
import { backupLog } from './backup';
import { registeredBackups } from './backup-registry';
import { DirectoryTarget } from './directory-target';
import { restoreLog, type RestoreOptions } from './restore';

/** Copies what a kill would leave, at every step that can be seen from outside. */
class Snapshots {
  readonly taken: string[] = [];

  constructor(
    private readonly restored: string,
    private readonly root: string,
  ) {}

  take(): void {
    const copy = join(this.root, `cut-${this.taken.length}`);
    if (existsSync(this.restored)) cpSync(this.restored, copy, { recursive: true });
    else mkdirSync(copy);
    this.taken.push(copy);
  }

  async around<T>(step: () => Promise<T>): Promise<T> {
    this.take();
    const result = await step();
    this.take();
    return result;
  }

  /** Opens a house that is looked at when it destroys keys. */
  readonly openHouse: HouseOpener = async (options) => {
    const house = await this.around(() => openHouseKeys(options));
    const destroy = house.vault.destroy.bind(house.vault);
    house.vault.destroy = (keyIds) => this.around(() => destroy(keyIds));
    return house;
  };
}

class SeenTarget extends DirectoryTarget {
  constructor(
    directory: string,
    private readonly snapshots: Snapshots,
  ) {
    super(directory);
  }

  override read(name: string): Promise<AsyncIterable<Buffer> | undefined> {
    return this.snapshots.around(() => super.read(name));
  }
}

interface Scene {
  readonly house: VaultHouse;
  /** A copy of the backup that no erasure has come to. */
  readonly carried: string;
  readonly keyIds: readonly string[];
  readonly options: Omit<RestoreOptions, 'target' | 'directory'>;
}

async function inScene(test: (scene: Scene) => Promise<void>): Promise<void> {
  await inVaultHouse(async (house) => {
    const { root, options, authority } = house;
    await authority.checkpoint();
    await backupLog({ ...options, target: new DirectoryTarget(join(root, 'carried')) });
    const { content, text } = await eraseSubject({ ...options, reason: 'request' });
    const rootSecretFile = join(options.keysDirectory, 'root.secret');
    const restoring = { openHouse: openHouseKeys, rootSecretFile, receipts: [text] };
    await test({ house, carried: join(root, 'carried'), keyIds: content.keyIds, options: restoring });
  });
}

function holdsAny(keysDirectory: string, keyIds: readonly string[]): boolean {
  const held = new Set(liveKeyIdsIn(readFileSync(join(keysDirectory, 'vault'))));
  return keyIds.some((keyId) => held.has(keyId));
}

describe('a restore that is cut off', () => {
  afterEach(() => jest.restoreAllMocks());

  async function cutEverywhere({ house, carried, options }: Scene): Promise<string[]> {
    const directory = join(house.root, 'restored');
    const snapshots = new Snapshots(directory, house.root);
    const { syncDirectory, rename } = nodeFileLayer;
    jest
      .spyOn(nodeFileLayer, 'syncDirectory')
      .mockImplementation((path) => snapshots.around(() => syncDirectory(path)));
    jest.spyOn(nodeFileLayer, 'rename').mockImplementation((from, to) => snapshots.around(() => rename(from, to)));
    const target = new SeenTarget(carried, snapshots);
    await restoreLog({ ...options, target, directory, openHouse: snapshots.openHouse });
    jest.restoreAllMocks();
    return snapshots.taken;
  }

  it('leaves no log, or one without the keys of whoever was forgotten, that knows of the backup', async () => {
    await inScene(async (scene) => {
      const cuts = await cutEverywhere(scene);
      const withLog = cuts.filter(hasIdentity);
      // At last the log is there, and before that much else.
      expect([withLog.length > 0, cuts.length - withLog.length > 20]).toEqual([true, true]);
      const location = new DirectoryTarget(scene.carried).location;
      for (const cut of withLog) {
        expect(holdsAny(join(cut, 'keys'), scene.keyIds)).toBe(false);
        expect(registeredBackups(cut)).toMatchObject([{ location }]);
      }
      for (const cut of cuts.filter((each) => existsSync(join(each, 'segments')))) {
        expect(registeredBackups(cut)).toMatchObject([{ location }]);
      }
    });
  }, 60_000);

  it('can be done again once what the refusal names is removed', async () => {
    await inScene(async (scene) => {
      const { carried, options, keyIds } = scene;
      const cuts = (await cutEverywhere(scene)).filter((cut) => !hasIdentity(cut));
      let refused = 0;
      for (const directory of cuts) {
        const restore = () => restoreLog({ ...options, target: new DirectoryTarget(carried), directory });
        await restore().catch(async (error: unknown) => {
          if (!isProtegoError(error) || error.code !== 'RESTORE_TARGET_TAKEN') throw error;
          refused++;
          for (const path of error.details['left'] as string[]) {
            expect(error.message).toContain(`\`${path}\``);
            rmSync(path, { recursive: true });
          }
          await restore();
        });
        expect(holdsAny(join(directory, 'keys'), keyIds)).toBe(false);
      }
      expect(refused).toBeGreaterThan(10);
    });
  }, 120_000);

  it('does not take the place of a log, nor of files of others', async () => {
    await inScene(async ({ house: { root, options }, carried, options: restoring }) => {
      const other = join(root, 'other');
      mkdirSync(other);
      writeFileSync(join(other, 'notes.txt'), 'mine');
      for (const directory of [other, options.directory]) {
        const again = restoreLog({ ...restoring, target: new DirectoryTarget(carried), directory });
        await expect(again).rejects.toMatchObject({ code: 'RESTORE_TARGET_TAKEN', details: { directory } });
        await expect(again).rejects.not.toMatchObject({ details: { left: expect.anything() } });
      }
      await expect(EventLogReader.open(options)).resolves.toBeDefined();
    });
  });

  it('leaves nothing behind when a step fails', async () => {
    await inScene(async ({ house: { root }, carried, options }) => {
      const directory = join(root, 'restored');
      const { rename } = nodeFileLayer;
      for (const file of ['backups.json', 'log.json']) {
        jest.spyOn(nodeFileLayer, 'rename').mockImplementation(async (from, to) => {
          await rename(from, to);
          if (to === join(directory, file)) throw new Error('the disk went away');
        });
        const restored = restoreLog({ ...options, target: new DirectoryTarget(carried), directory });
        await expect(restored).rejects.toThrow('the disk went away');
        expect(existsSync(directory)).toBe(false);
      }
    });
  });
});
