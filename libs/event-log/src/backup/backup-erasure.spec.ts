import { openHouseKeys } from '@protego/enclave';
import { cpSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { eraseSubject } from '../erasure/erasure';
import { applyErasures } from '../erasure/erasure-events';
import { inTemporaryDirectory } from '../testing';
import { signInOf } from '../testing/one-key-vault';
import { inVaultHouse, type VaultHouse } from '../testing/vault-house';
import { backupLog } from './backup';
import { eraseFromBackups } from './backup-erasure';
import { listBackups, readManifest, writeManifest } from './backup-manifest';
import { BACKUPS_FILE, registerBackup, registerRestored, registeredBackups } from './backup-registry';
import { VAULT_OBJECT } from './backup-target';
import { readErasures } from './destroyed-keys';
import { DirectoryTarget, openDirectoryTarget } from './directory-target';
import { restoreLog } from './restore';

/** A vault house with a backup. */
async function withBackup(test: (house: VaultHouse, target: DirectoryTarget) => Promise<void>): Promise<void> {
  await inVaultHouse(async (house) => {
    const target = new DirectoryTarget(join(house.root, 'backup'));
    await house.authority.checkpoint();
    await backupLog({ ...house.options, target });
    await test(house, target);
  });
}

function isVaultCopied({ root, options }: VaultHouse): boolean {
  const present = readFileSync(join(options.keysDirectory, 'vault'));
  return readFileSync(join(root, 'backup', VAULT_OBJECT)).equals(present);
}

/** Waits where it is to write the vault, writes it, and is gone. */
class CutOffTarget extends DirectoryTarget {
  isWaiting = false;
  go: () => void = () => undefined;

  override async overwrite(name: string, content: Buffer): Promise<void> {
    if (name !== VAULT_OBJECT) return super.overwrite(name, content);
    this.isWaiting = true;
    await new Promise<void>((resolve) => (this.go = resolve));
    await super.overwrite(name, content);
    throw new Error('killed');
  }
}

describe('an erasure and backups', () => {
  it('takes a place where no backup is for one out of reach, and makes nothing there', async () => {
    await withBackup(async (house, target) => {
      const { root, options, reader, vault } = house;
      const away = join(root, 'unplugged');
      renameSync(join(root, 'backup'), away);
      mkdirSync(join(root, 'backup'));
      const { content } = await eraseSubject({ ...options, reason: 'request', openTarget: openDirectoryTarget });
      expect([content.backupsErased, content.outOfReach]).toMatchObject([
        [],
        [{ kind: 'backup', name: target.location }],
      ]);
      expect(readdirSync(join(root, 'backup'))).toEqual([]);
      rmSync(join(root, 'backup'), { recursive: true });
      renameSync(away, join(root, 'backup'));
      const backups = { ...options, openTarget: openDirectoryTarget };
      expect((await applyErasures({ reader, vault, backups })).backupsOutOfReach).toEqual([]);
      expect([isVaultCopied(house), (await readErasures(target)).size]).toEqual([true, 1]);
    });
  });

  it('does not come to the backup of another log', async () => {
    await withBackup(async ({ root, options }) => {
      await withBackup(async (other) => {
        rmSync(join(root, 'backup'), { recursive: true });
        cpSync(join(other.root, 'backup'), join(root, 'backup'), { recursive: true });
      });
      const { content } = await eraseSubject({ ...options, reason: 'request', openTarget: openDirectoryTarget });
      expect(content.outOfReach).toMatchObject([{ kind: 'backup', note: expect.stringContaining('it holds the log') }]);
      expect(readdirSync(join(root, 'backup'))).not.toContain('erasures.jsonl');
    });
  });

  it('does not come to the keys that the first backup of another log left when it was cut off, nor does a backup', async () => {
    await withBackup(async ({ root, options }, target) => {
      rmSync(join(root, 'backup'), { recursive: true });
      await withBackup((other) => {
        cpSync(join(other.root, 'backup', 'keys'), join(root, 'backup', 'keys'), { recursive: true });
        return Promise.resolve();
      });
      const kept = readFileSync(join(root, 'backup', VAULT_OBJECT));
      expect(kept.length).toBeGreaterThan(256);
      const { content } = await eraseSubject({ ...options, reason: 'request', openTarget: openDirectoryTarget });
      expect(content.outOfReach).toMatchObject([{ kind: 'backup', note: expect.stringContaining('of another log') }]);
      await expect(backupLog({ ...options, target })).rejects.toMatchObject({ code: 'BACKUP_INVALID' });
      expect(readdirSync(join(root, 'backup'), { recursive: true }).sort()).toEqual([
        'keys',
        'keys/house.json',
        'keys/vault',
      ]);
      expect(readFileSync(join(root, 'backup', VAULT_OBJECT)).equals(kept)).toBe(true);
    });
  });

  it('comes to the keys that the own first backup left when it was cut off', async () => {
    await withBackup(async (house) => {
      const { root, options, append } = house;
      for (const each of ['manifests', 'objects']) rmSync(join(root, 'backup', each), { recursive: true });
      await append([signInOf('u-9', 'Ina Roth', 9)]);
      const { content } = await eraseSubject({ ...options, reason: 'request', openTarget: openDirectoryTarget });
      expect([content.outOfReach, isVaultCopied(house)]).toEqual([[], true]);
    });
  });

  it('leaves no key behind where a backup is cut off that had read the vault before', async () => {
    await withBackup(async (house) => {
      const { root, options } = house;
      const target = new CutOffTarget(join(root, 'backup'));
      const backup = backupLog({ ...options, target }).catch((error: Error) => error.message);
      while (!target.isWaiting) await sleep(5);
      const erasure = eraseSubject({ ...options, reason: 'request', openTarget: openDirectoryTarget });
      await sleep(200);
      target.go();
      expect(await backup).toContain('killed');
      expect((await erasure).content.outOfReach).toEqual([]);
      expect(isVaultCopied(house)).toBe(true);
    });
  });

  it('keeps every target that is noted at the same time', async () => {
    await inVaultHouse(async ({ options: { directory } }) => {
      const notes = ['a', 'b', 'c'].map((name) => ({ location: `directory:/${name}`, lastBackupAt: 'x' }));
      await Promise.all(notes.map((note) => registerBackup(directory, note)));
      expect(registeredBackups(directory)).toHaveLength(3);
    });
  });

  it('knows the target that a log was restored from', async () => {
    await withBackup(async ({ root, options }, target) => {
      const directory = join(root, 'restored');
      await restoreLog({
        openHouse: openHouseKeys,
        target,
        directory,
        rootSecretFile: join(options.keysDirectory, 'root.secret'),
      });
      expect(registeredBackups(directory)).toMatchObject([{ location: target.location }]);
    });
  });

  it('comes from a restored log to the targets that the backup names, or lists them as out of reach', async () => {
    await withBackup(async ({ root, options }, target) => {
      const other = new DirectoryTarget(join(root, 'other'));
      await backupLog({ ...options, target: other });
      await backupLog({
        ...options,
        clock: { ...options.clock, wallMs: () => options.clock.wallMs() + 1_000 },
        target,
      });
      const directory = join(root, 'restored');
      const rootSecretFile = join(options.keysDirectory, 'root.secret');
      await restoreLog({ openHouse: openHouseKeys, target, directory, rootSecretFile });
      const locations = [other.location, target.location];
      expect(registeredBackups(directory).map(({ location }) => location)).toEqual(locations);
      const keysDirectory = join(directory, 'keys');
      const reach = { ...options, directory, keysDirectory, openTarget: openDirectoryTarget };
      const keyId = 'ab'.repeat(16);
      expect(await eraseFromBackups(reach, { keyIds: [keyId], throughSeq: 9 })).toEqual({
        erased: locations,
        outOfReach: [],
      });
      expect(await readErasures(other)).toEqual(new Set([keyId]));
      rmSync(join(root, 'other'), { recursive: true });
      const { outOfReach } = await eraseFromBackups(reach, { keyIds: [keyId], throughSeq: 10 });
      expect(outOfReach).toMatchObject([{ kind: 'backup', name: other.location }]);
    });
  });

  it('knows as many targets as a log may have when the one that it was restored from was moved', async () => {
    await inTemporaryDirectory(async (directory) => {
      const lastBackupAt = '2026-02-01T00:00:00Z';
      const others = Array.from({ length: 64 }, (_, i) => ({
        location: `directory:/${i}`,
        lastBackupAt,
        erasedThroughSeq: 5,
      }));
      const from = { location: 'directory:/moved', lastBackupAt };
      await registerRestored(directory, from, others);
      await registerBackup(directory, { ...from, erasedThroughSeq: 7 });
      const list = registeredBackups(directory);
      expect([list.length, list[0]]).toEqual([65, { location: 'directory:/0', lastBackupAt }]);
      const more = registerBackup(directory, { location: 'directory:/more', lastBackupAt });
      await expect(more).rejects.toMatchObject({ code: 'USAGE_INVALID' });
    });
  });

  it('is restored from a backup that names no other targets, as older ones do', async () => {
    await withBackup(async ({ root, options }, target) => {
      const name = (await listBackups(target))[0] as string;
      const { name: _, tree, backups, ...older } = await readManifest(target, name);
      expect(backups).toMatchObject([{ location: target.location }]);
      const manifest = { ...older, createdAt: '2027-02-01T00:00:00.000Z' };
      const backup = await writeManifest(target, manifest, tree.size, options.keys.signer);
      const directory = join(root, 'restored');
      const rootSecretFile = join(options.keysDirectory, 'root.secret');
      await restoreLog({ openHouse: openHouseKeys, target, directory, rootSecretFile, backup });
      expect(registeredBackups(directory)).toMatchObject([{ location: target.location }]);
    });
  });

  it('keeps no log from being opened when the list of backups is damaged, and is refused before anything is written', async () => {
    await withBackup(async ({ options, reader, vault, append, writer }) => {
      await append([signInOf('u-9', 'Ina Roth', 9)]);
      await eraseSubject({ ...options, subject: 'u-9', reason: 'request', openTarget: openDirectoryTarget });
      const path = join(options.directory, BACKUPS_FILE);
      writeFileSync(path, '[{"location":');
      const { backupsOutOfReach } = await applyErasures({ reader, vault, backups: options });
      expect(backupsOutOfReach).toMatchObject([{ kind: 'backup', name: path }]);
      const { size } = writer;
      await expect(eraseSubject({ ...options, reason: 'request' })).rejects.toMatchObject({ code: 'BACKUP_INVALID' });
      expect([writer.size, (await vault.find('u-0417'))?.keyIds.length]).toEqual([size, 1]);
    });
  });

  it('is not undone by a backup of a vault that was put back to an earlier day', async () => {
    await withBackup(async (house, target) => {
      const { root, options } = house;
      const kept = join(root, 'kept');
      cpSync(options.keysDirectory, kept, { recursive: true });
      await eraseSubject({ ...options, reason: 'request', openTarget: openDirectoryTarget });
      const refused = backupLog({ ...options, keysDirectory: kept, target });
      await expect(refused).rejects.toMatchObject({ code: 'LOG_KEYS_DAMAGED', details: { keys: 1 } });
      expect(isVaultCopied(house)).toBe(true);
    });
  });
});
