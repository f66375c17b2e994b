import { openHouseKeys } from '@protego/enclave';
import { join } from 'node:path';
import { eraseSubject } from '../erasure/erasure';
import { signInOf } from '../testing/one-key-vault';
import { inVaultHouse, type VaultHouse } from '../testing/vault-house';
import { backupLog } from './backup';
import { ERASURES_OBJECT, MANIFESTS, VAULT_OBJECT, invalidBackup } from './backup-target';
import { readErasures } from './destroyed-keys';
import { DirectoryTarget } from './directory-target';
import { restoreLog } from './restore';

/** A target of which some objects are lost, as an object store knows it, until they are written again. */
class LossyTarget extends DirectoryTarget {
  private readonly lost = new Set<string>();

  lose(name: string): void {
    this.lost.add(name);
  }

  override async read(name: string): Promise<AsyncIterable<Buffer> | undefined> {
    if (this.lost.has(name)) throw invalidBackup(this, `\`${name}\` is not whole`);
    return super.read(name);
  }

  override async write(name: string, content: AsyncIterable<Buffer>): Promise<void> {
    await super.write(name, content);
    this.lost.delete(name);
  }

  override async overwrite(name: string, content: Buffer): Promise<void> {
    await super.overwrite(name, content);
    this.lost.delete(name);
  }
}

interface LossyHouse extends VaultHouse {
  readonly target: LossyTarget;
  erase(subject: string): ReturnType<typeof eraseSubject>;
}

/** A house with a backup, and one person forgotten since. */
async function withLoss(test: (house: LossyHouse) => Promise<void>): Promise<void> {
  await inVaultHouse(async (house) => {
    const { root, options, authority, append } = house;
    const target = new LossyTarget(join(root, 'backup'));
    const openTarget = () => Promise.resolve(target);
    const erase: LossyHouse['erase'] = (subject) =>
      eraseSubject({ ...options, subject, reason: 'request', openTarget });
    await append([signInOf('u-9', 'Ina Roth', 9)]);
    await authority.checkpoint();
    await backupLog({ ...options, target });
    await erase('u-0417');
    await test({ ...house, target, erase });
  });
}

function restoring({ root, options, target }: LossyHouse): ReturnType<typeof restoreLog> {
  const rootSecretFile = join(options.keysDirectory, 'root.secret');
  return restoreLog({ openHouse: openHouseKeys, target, directory: join(root, 'restored'), rootSecretFile });
}

describe("a target's list of destroyed keys that is lost", () => {
  it('is made again from the log by the next erasure', async () => {
    await withLoss(async ({ target, erase }) => {
      const known = await readErasures(target);
      target.lose(ERASURES_OBJECT);
      const { content } = await erase('u-9');
      expect([content.backupsErased, content.outOfReach]).toEqual([[target.location], []]);
      expect(await readErasures(target)).toEqual(new Set([...known, ...content.keyIds]));
    });
  });

  it('is made again from the log by the next backup, also where the log tells of no erasure', async () => {
    await withLoss(async ({ target, options }) => {
      const known = await readErasures(target);
      expect(known.size).toBe(1);
      target.lose(ERASURES_OBJECT);
      await backupLog({ ...options, target });
      expect(await readErasures(target)).toEqual(known);
    });
    await inVaultHouse(async ({ root, options, authority }) => {
      const target = new LossyTarget(join(root, 'backup'));
      target.lose(ERASURES_OBJECT);
      await authority.checkpoint();
      await backupLog({ ...options, target });
      expect((await readErasures(target)).size).toBe(0);
    });
  });

  it('keeps a restore from being made, which says what to do', async () => {
    await withLoss(async (house) => {
      house.target.lose(ERASURES_OBJECT);
      const refused = restoring(house);
      await expect(refused).rejects.toMatchObject({ code: 'BACKUP_INVALID' });
      await expect(refused).rejects.toThrow(/`erasures\.jsonl` is not whole.*Back up again/);
      await backupLog({ ...house.options, target: house.target });
      expect(await restoring(house)).toMatchObject({ keysDestroyed: 0 });
    });
  });

  it('has the old lines until the new are there', async () => {
    await withLoss(async ({ target, erase }) => {
      const known = await readErasures(target);
      const overwrite = jest.spyOn(target, 'overwrite');
      const { content } = await erase('u-9');
      expect(overwrite.mock.calls.map(([name]) => name)).not.toContain(ERASURES_OBJECT);
      expect(await readErasures(target)).toEqual(new Set([...known, ...content.keyIds]));
    });
  });
});

describe("a target's copy of the vault that is lost", () => {
  it('keeps a restore from being made, and is replaced by the next backup', async () => {
    await withLoss(async (house) => {
      house.target.lose(VAULT_OBJECT);
      await expect(restoring(house)).rejects.toMatchObject({ code: 'BACKUP_INVALID' });
      await backupLog({ ...house.options, target: house.target });
      expect(await restoring(house)).toMatchObject({ keysDestroyed: 0 });
    });
  });

  it('is replaced where the first backup was cut off, by an erasure and by a backup', async () => {
    await withLoss(async ({ target, options, erase }) => {
      for (const name of await target.list(MANIFESTS)) await target.remove(name);
      target.lose(VAULT_OBJECT);
      expect((await erase('u-9')).content.outOfReach).toEqual([]);
      target.lose(VAULT_OBJECT);
      await backupLog({ ...options, target });
      expect(await target.read(VAULT_OBJECT)).toBeDefined();
    });
  });
});
