import { randomFillSync } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, parseFieldDeclarations, systemClock } from '@protego/contracts';
import { liveKeyIdsIn, openHouseKeys, type HouseKeys, type SealedEvent } from '@protego/enclave';
import { openVaultBytes, revealedOf, sealedOf } from '@protego/enclave/testing';
import { inTemporaryDirectory } from '../testing';
import { sealedRecord, signInOf } from '../testing/one-key-vault';
import { EventLogWriter } from '../writer/writer';
import { backupLog } from './backup';
import { copyKeys } from './backup-keys';
import { VAULT_OBJECT } from './backup-target';
import { DirectoryTarget } from './directory-target';
import { restoreLog } from './restore';

const DECLARATIONS = join(__dirname, '../../../../streams/declarations/fields.yaml');
const PERSONS = 160;
const DESTROYED = 120;

async function house(directory: string): Promise<HouseKeys> {
  const fields = parseFieldDeclarations(readFileSync(DECLARATIONS, 'utf8'), DECLARATIONS);
  return openHouseKeys({ directory, mode: 'write', fields });
}

/** A key directory of persons most of whom are destroyed, so that the next start compacts the vault. */
async function mostlyDead(directory: string): Promise<SealedEvent[]> {
  const { vault, close } = await house(directory);
  const sealed: SealedEvent[] = [];
  for (let number = 0; number < PERSONS; number++)
    sealed.push(await sealedOf(vault, signInOf(`u-${number}`, `Name of ${number}`, number)));
  await vault.flush();
  for (let number = 0; number < DESTROYED; number++)
    await vault.destroy((await vault.find(`u-${number}`))?.keyIds ?? []);
  await close();
  return sealed;
}

describe('a backup of a vault that was compacted', () => {
  it('is a whole vault, in which nothing of the longer one is left, and is restored as such', async () => {
    await inTemporaryDirectory(async (root) => {
      const [directory, keysDirectory] = [join(root, 'log'), join(root, 'keys')];
      const vaultPath = join(keysDirectory, 'vault');
      const sealed = await mostlyDead(keysDirectory);
      const target = new DirectoryTarget(join(root, 'backup'));
      await copyKeys(target, keysDirectory);
      const { size } = statSync(vaultPath);
      const { keys, vault, close } = await house(keysDirectory);
      expect(statSync(vaultPath).size).toBeLessThan(size / 4);
      const writer = await EventLogWriter.open({ directory, origin: 'backup.example', keys });
      await writer.append([await sealedRecord(vault, signInOf('u-150', 'Name of 150', 1), 1_767_600_000_000)]);
      await vault.flush();
      await writer.signCheckpoint();
      await backupLog({ directory, keysDirectory, keys, target, clock: systemClock });
      await writer.close();
      await close();
      const copy = readFileSync(join(root, 'backup', VAULT_OBJECT));
      expect(copy.length).toBeLessThan(size / 4);
      const secret = readFileSync(join(keysDirectory, 'root.secret'));
      expect(openVaultBytes(copy, secret).map(({ name }) => name)).toEqual(
        expect.arrayContaining(['u-120', 'name of 159']),
      );
      const restored = join(root, 'restored');
      const rootSecretFile = join(keysDirectory, 'root.secret');
      await restoreLog({ openHouse: openHouseKeys, target, directory: restored, rootSecretFile });
      const again = await house(join(restored, 'keys'));
      const revealed = await Promise.all(sealed.map((each) => revealedOf(again.vault, each)));
      expect(revealed.map(({ erased }) => erased.length === 0)).toEqual(sealed.map((_, i) => i >= DESTROYED));
      await again.close();
    });
  });

  it('never holds what a replaced vault was overwritten with', async () => {
    await inTemporaryDirectory(async (root) => {
      const keysDirectory = join(root, 'keys');
      await mostlyDead(keysDirectory);
      const path = join(keysDirectory, 'vault');
      const whole = readFileSync(path);
      class WatchedTarget extends DirectoryTarget {
        readonly written: Buffer[] = [];

        override overwrite(name: string, content: Buffer): Promise<void> {
          if (name === VAULT_OBJECT) this.written.push(content);
          return super.overwrite(name, content);
        }
      }
      const target = new WatchedTarget(join(root, 'backup'));
      const copied = copyKeys(target, keysDirectory);
      const timer = setInterval(() => replaceVault(path, whole), 0);
      await copied;
      for (let time = 0; time < 20; time++) await copyKeys(target, keysDirectory);
      clearInterval(timer);
      expect(target.written.length).toBeGreaterThan(20);
      for (const content of target.written) expect(liveKeyIdsIn(content)).toEqual(liveKeyIdsIn(whole));
    });
  });

  it('is not made of a vault that was replaced at every look at it', async () => {
    await inTemporaryDirectory(async (root) => {
      const keysDirectory = join(root, 'keys');
      await mostlyDead(keysDirectory);
      const path = join(keysDirectory, 'vault');
      const whole = readFileSync(path);
      const target = new DirectoryTarget(join(root, 'backup'));
      let isOver = false;
      const replace = (): void => {
        if (isOver) return;
        replaceVault(path, whole);
        setImmediate(replace);
      };
      replace();
      const outcome = await copyKeys(target, keysDirectory).catch(messageOf);
      isOver = true;
      expect(outcome).toMatch(/cannot read .*vault/);
      await copyKeys(target, keysDirectory);
      expect(readFileSync(join(root, 'backup', VAULT_OBJECT)).equals(whole)).toBe(true);
    });
  });
});

/** As a start does: the new one takes the name, and then the old one is overwritten. */
function replaceVault(path: string, whole: Buffer): void {
  writeFileSync(`${path}.new`, whole);
  rmSync(`${path}.old`, { force: true });
  linkSync(path, `${path}.old`);
  renameSync(`${path}.new`, path);
  writeFileSync(`${path}.old`, randomFillSync(Buffer.alloc(whole.length)), { flag: 'r+' });
}
