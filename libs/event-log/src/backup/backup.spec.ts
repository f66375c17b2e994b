import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type Clock } from '@protego/contracts';
import { openHouseKeys, type HouseKeys } from '@protego/enclave';
import { EventLogReader } from '../reader/reader';
import { inTemporaryDirectory, sampleRecords } from '../testing';
import { verifyLog } from '../verify/verify';
import { EventLogWriter } from '../writer/writer';
import { backupLog, type BackupSummary } from './backup';
import { listBackups, readManifest } from './backup-manifest';
import { registeredBackups } from './backup-registry';
import { OBJECTS } from './backup-target';
import { DirectoryTarget } from './directory-target';
import { restoreLog } from './restore';

const START_MS = Date.parse('2026-02-01T00:00:00Z');

interface Site {
  readonly root: string;
  readonly directory: string;
  readonly keysDirectory: string;
  readonly house: HouseKeys;
  readonly writer: EventLogWriter;
  readonly target: DirectoryTarget;
  /** A backup, a day after the one before. */
  backup(keepCount?: number): Promise<BackupSummary>;
}

/** A log of 900 records in three finished segments and one that is not. */
async function atSite(test: (site: Site) => Promise<void>): Promise<void> {
  await inTemporaryDirectory(async (root) => {
    const directory = join(root, 'log');
    const keysDirectory = join(directory, 'keys');
    const house = await openHouseKeys({ directory: keysDirectory, mode: 'write' });
    const { keys } = house;
    const limits = { segmentRecordsMax: 250, blockBytesMax: 4_096 };
    const writer = await EventLogWriter.open({ directory, origin: 'backup.example', keys, ...limits });
    let days = 0;
    const clock: Clock = { wallMs: () => START_MS + days * 86_400_000, monotonicMs: () => 0 };
    const target = new DirectoryTarget(join(root, 'backups'));
    try {
      for (let i = 0; i < 18; i++) await writer.append(sampleRecords(50, 50 * i));
      await writer.signCheckpoint();
      const backup = (keepCount?: number): Promise<BackupSummary> => {
        days++;
        return backupLog({ directory, keysDirectory, keys, target, clock, keepCount });
      };
      await test({ root, directory, keysDirectory, house, writer, target, backup });
    } finally {
      await writer.close();
      await house.close();
    }
  });
}

function bodiesOf(reader: EventLogReader): string[] {
  return [...reader.records()].map(({ body }) => body.toString());
}

describe('a backup', () => {
  it('is restored as the same log, beside which the writer goes on', async () => {
    await atSite(async ({ root, directory, keysDirectory, house, writer, target, backup }) => {
      const summary = await backup();
      expect(summary).toMatchObject({ size: 900, removed: [] });
      expect(registeredBackups(directory)).toEqual([
        { location: target.location, lastBackupAt: '2026-02-02T00:00:00.000Z' },
      ]);
      await writer.append(sampleRecords(10, 900));
      const restored = join(root, 'restored');
      const rootSecretFile = join(keysDirectory, 'root.secret');
      const { verifierKey } = writer.identity;
      const report = await restoreLog({
        openHouse: openHouseKeys,
        target,
        directory: restored,
        rootSecretFile,
        verifierKey,
      });
      expect(report).toMatchObject({ backup: summary.name, size: 900, firstSeq: 0, checkpointSize: 900, verifierKey });
      expect(report.rootHash).toBe(summary.rootHash);
      const original = await EventLogReader.open({ directory, keys: house.keys });
      const copy = await openHouseKeys({ directory: join(restored, 'keys'), mode: 'write' });
      try {
        const reader = await EventLogReader.open({ directory: restored, keys: copy.keys });
        expect(bodiesOf(reader)).toEqual(bodiesOf(original).slice(0, 900));
        const again = await EventLogWriter.open({ directory: restored, origin: 'backup.example', keys: copy.keys });
        await again.append(sampleRecords(3, 900));
        await again.close();
        expect(verifyLog({ directory: restored, keys: copy.keys })).toMatchObject({ ok: true, size: 903 });
      } finally {
        await copy.close();
      }
    });
  });

  it('holds no root secret, and copies nothing twice', async () => {
    await atSite(async ({ root, keysDirectory, writer, backup }) => {
      const first = await backup();
      const secret = readFileSync(join(keysDirectory, 'root.secret'));
      const files = readdirSync(join(root, 'backups'), { recursive: true, withFileTypes: true }).filter((e) =>
        e.isFile(),
      );
      for (const { parentPath, name } of files) {
        expect(readFileSync(join(parentPath, name)).includes(secret)).toBe(false);
        expect(statSync(join(parentPath, name)).mode & 0o077).toBe(0);
      }
      expect(await backup()).toMatchObject({ objectsWritten: 0, bytesWritten: 0 });
      await writer.append(sampleRecords(20, 900));
      await writer.signCheckpoint();
      const third = await backup();
      expect(third.size).toBe(920);
      expect(third.bytesWritten).toBeLessThan(first.bytesWritten / 2);
    });
  });

  it('keeps so many and no more, and removes only what none of them needs', async () => {
    await atSite(async ({ root, writer, keysDirectory, target, backup }) => {
      const names: string[] = [];
      for (let i = 0; i < 4; i++) {
        await writer.append(sampleRecords(5, 900 + 5 * i));
        await writer.signCheckpoint();
        names.push((await backup(2)).name);
      }
      expect(await listBackups(target)).toEqual(names.slice(2));
      const rootSecretFile = join(keysDirectory, 'root.secret');
      for (const [i, name] of names.slice(2).entries()) {
        const directory = join(root, `restored-${i}`);
        const report = await restoreLog({ openHouse: openHouseKeys, target, directory, rootSecretFile, backup: name });
        expect(report.checkpointSize).toBe(915 + 5 * i);
      }
      const directory = join(root, 'gone');
      await expect(
        restoreLog({ openHouse: openHouseKeys, target, directory, rootSecretFile, backup: names[0] }),
      ).rejects.toMatchObject({
        code: 'BACKUP_INVALID',
      });
      expect(existsSync(directory)).toBe(false);
    });
  });

  it('is refused when any of its objects was altered or is gone, and leaves nothing behind', async () => {
    await atSite(async ({ root, keysDirectory, target, backup }) => {
      const { name } = await backup();
      const rootSecretFile = join(keysDirectory, 'root.secret');
      const names = [...(await target.list('')).filter((each) => !each.startsWith('keys/'))];
      expect(names.length).toBeGreaterThan(8);
      for (const each of names) {
        const path = join(root, 'backups', each);
        const bytes = readFileSync(path);
        const altered = Buffer.from(bytes);
        altered[altered.length >> 1] = (altered[altered.length >> 1] as number) ^ 4;
        for (const content of [altered, bytes.subarray(0, -1), undefined]) {
          if (content === undefined) rmSync(path);
          else writeFileSync(path, content);
          const directory = join(root, 'restored');
          const restored = restoreLog({ openHouse: openHouseKeys, target, directory, rootSecretFile, backup: name });
          await expect(restored).rejects.toMatchObject({ code: 'BACKUP_INVALID' });
          expect(existsSync(directory)).toBe(false);
        }
        writeFileSync(path, bytes);
      }
      await restoreLog({ openHouse: openHouseKeys, target, directory: join(root, 'restored'), rootSecretFile });
    });
  }, 60_000);

  it('is refused into a directory that is taken, without the root secret, and with that of another log', async () => {
    await atSite(async ({ root, directory, keysDirectory, target, backup }) => {
      await backup();
      const rootSecretFile = join(keysDirectory, 'root.secret');
      await expect(restoreLog({ openHouse: openHouseKeys, target, directory, rootSecretFile })).rejects.toMatchObject({
        code: 'RESTORE_TARGET_TAKEN',
      });
      const restored = join(root, 'restored');
      await expect(restoreLog({ openHouse: openHouseKeys, target, directory: restored })).rejects.toMatchObject({
        code: 'LOG_KEY_MISSING',
      });
      const other = join(root, 'other.secret');
      writeFileSync(other, Buffer.alloc(32, 7), { mode: 0o600 });
      const wrong = restoreLog({ openHouse: openHouseKeys, target, directory: restored, rootSecretFile: other });
      await expect(wrong).rejects.toMatchObject({ code: 'LOG_KEYS_DAMAGED' });
      const verifierKey = 'backup.example+00000000+AAAA';
      const unsigned = restoreLog({
        openHouse: openHouseKeys,
        target,
        directory: restored,
        rootSecretFile,
        verifierKey,
      });
      await expect(unsigned).rejects.toMatchObject({ code: 'BACKUP_INVALID' });
      expect(existsSync(restored)).toBe(false);
    });
  });

  it('uses a key directory that is there as it is', async () => {
    await atSite(async ({ root, keysDirectory, target, backup }) => {
      await backup();
      const kept = join(root, 'kept-keys');
      cpSync(keysDirectory, kept, { recursive: true });
      const before = readFileSync(join(kept, 'house.json'));
      await restoreLog({ openHouse: openHouseKeys, target, directory: join(root, 'restored'), keysDirectory: kept });
      expect(readFileSync(join(kept, 'house.json')).equals(before)).toBe(true);
      expect(existsSync(join(root, 'restored', 'keys'))).toBe(false);
    });
  });

  it('proves the root of a checkpoint that somebody has kept', async () => {
    await atSite(async ({ root, writer, keysDirectory, target, backup }) => {
      const kept = await writer.signCheckpoint();
      await writer.append(sampleRecords(40, 900));
      const later = await writer.signCheckpoint();
      await backup();
      await writer.append(sampleRecords(40, 940));
      const latest = await writer.signCheckpoint();
      const rootSecretFile = join(keysDirectory, 'root.secret');
      for (const [i, checkpoint] of [kept, later].entries()) {
        await restoreLog({
          openHouse: openHouseKeys,
          target,
          directory: join(root, `restored-${i}`),
          rootSecretFile,
          checkpoint,
        });
      }
      const directory = join(root, 'behind');
      await expect(
        restoreLog({ openHouse: openHouseKeys, target, directory, rootSecretFile, checkpoint: latest }),
      ).rejects.toMatchObject({
        code: 'LOG_TRUNCATED',
      });
    });
  });

  it('is not made over that of another history, of a longer log, or of another log', async () => {
    await atSite(async ({ root, directory, keysDirectory, house, writer, target, backup }) => {
      const copy = join(root, 'copy');
      await writer.close();
      cpSync(directory, copy, { recursive: true });
      const { keys } = house;
      const open = (at: string, origin = 'backup.example'): Promise<EventLogWriter> =>
        EventLogWriter.open({ directory: at, origin, keys });
      const longer = await open(directory);
      await longer.append(sampleRecords(10, 900));
      await longer.close();
      await backup();
      const clock: Clock = { wallMs: () => START_MS + 9e9, monotonicMs: () => 0 };
      const attempt = (at: string): Promise<BackupSummary> =>
        backupLog({ directory: at, keysDirectory, keys, target, clock });
      await expect(attempt(copy)).rejects.toMatchObject({ code: 'LOG_TRUNCATED' });
      const forked = await open(copy);
      await forked.append(sampleRecords(20, 5_000));
      await forked.close();
      await expect(attempt(copy)).rejects.toMatchObject({ code: 'LOG_FORKED' });
      const foreign = join(root, 'foreign');
      const other = await open(foreign, 'foreign.example');
      await other.append(sampleRecords(1));
      await other.close();
      await expect(attempt(foreign)).rejects.toMatchObject({ code: 'BACKUP_INVALID' });
      expect(await listBackups(target)).toHaveLength(1);
    });
  });

  it('refuses a finished segment that is not what it was', async () => {
    await atSite(async ({ directory, target, backup }) => {
      const { name } = await backup();
      const { files } = await readManifest(target, name);
      const path = join(directory, 'segments', '0000000000000250.seg');
      const bytes = readFileSync(path);
      bytes[300] = (bytes[300] as number) ^ 1;
      writeFileSync(path, bytes);
      await expect(backup()).rejects.toMatchObject({ code: 'LOG_BLOCK_CORRUPT' });
      expect(await listBackups(target)).toEqual([name]);
      expect(files.some(({ path: each }) => each === 'segments/0000000000000250.seg')).toBe(true);
    });
  });
});

describe('the directory target', () => {
  it('writes over in place, and leaves nothing of a longer content', async () => {
    await inTemporaryDirectory(async (root) => {
      const target = new DirectoryTarget(join(root, 'target'));
      await target.overwrite('keys/vault', Buffer.from('a secret that is long'));
      const path = join(root, 'target', 'keys', 'vault');
      const { ino } = statSync(path);
      await target.overwrite('keys/vault', Buffer.from('short'));
      expect(statSync(path).ino).toBe(ino);
      expect(readFileSync(path, 'utf8')).toBe('short');
      mkdirSync(join(root, 'target', OBJECTS));
      copyFileSync(path, join(root, 'target', OBJECTS, 'x.part'));
      expect(await target.list(OBJECTS)).toEqual([]);
      expect(await target.list('keys/')).toEqual(['keys/vault']);
      expect(await target.read('keys/none')).toBeUndefined();
      await expect(target.read('../outside')).rejects.toMatchObject({ code: 'BACKUP_INVALID' });
      await target.remove('keys/vault');
      expect(existsSync(path)).toBe(false);
    });
  });
});
