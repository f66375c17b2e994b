import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Clock } from '@protego/contracts';
import { openHouseKeys } from '@protego/enclave';
import { sealedOf } from '@protego/enclave/testing';
import {
  EventLogReader,
  EventLogWriter,
  backupLog,
  eraseSubject,
  listBackups,
  restoreLog,
  subjectsOfRecord,
  writerAuthority,
} from '@protego/event-log';
import { findNatsServer } from '../up/nats-binary';
import { ObjectStoreTarget } from './object-store-target';

const CACHE = resolve(__dirname, '../../../../.cache');
const PASSWORD = randomBytes(12).toString('hex');
const clock: Clock = { wallMs: () => Date.parse('2026-02-01T00:00:00Z'), monotonicMs: () => 0 };

describe('backups in an object store of JetStream', () => {
  const root = mkdtempSync(join(tmpdir(), 'protego-backup-'));
  const store = join(root, 'nats');
  let server: ChildProcess;
  let address = '';

  // Not as `up` starts it: that server encrypts its files, and what it erases could not be told from what it keeps.
  beforeAll(async () => {
    const binary = findNatsServer(CACHE, () => undefined);
    const args = ['-a', '127.0.0.1', '-p', '-1', '--ports_file_dir', root, '-js', '-sd', store];
    server = spawn(binary, [...args, '--user', 'backup', '--pass', PASSWORD], { stdio: 'ignore' });
    const portsFile = join(root, `nats-server_${server.pid}.ports`);
    await settles(() => existsSync(portsFile) && readFileSync(portsFile, 'utf8').includes('nats://'));
    address = /nats:\/\/([\d.]+:\d+)/.exec(readFileSync(portsFile, 'utf8'))?.[1] ?? '';
  }, 60_000);

  afterAll(async () => {
    const ended = once(server, 'exit');
    server.kill();
    await ended;
    rmSync(root, { recursive: true, force: true });
  });

  function open(bucket: string): Promise<ObjectStoreTarget> {
    return ObjectStoreTarget.open(`nats://backup:${PASSWORD}@${address}/${bucket}`);
  }

  function storeHas(bytes: Buffer): boolean {
    const files = readdirSync(store, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    return files.some(({ parentPath, name }) => readFileSync(join(parentPath, name)).includes(bytes));
  }

  /** The server writes behind its answers, some milliseconds. */
  async function settles(condition: () => boolean): Promise<boolean> {
    for (let waitedMs = 0; waitedMs < 5_000 && !condition(); waitedMs += 50) await delay(50);
    return condition();
  }

  async function* piecesOf(content: Buffer): AsyncGenerator<Buffer> {
    for (let at = 0; at < content.length; at += 50_000) yield content.subarray(at, at + 50_000);
  }

  async function contentOf(target: ObjectStoreTarget, name: string): Promise<Buffer | undefined> {
    const content = await target.read(name);
    if (content === undefined) return undefined;
    const pieces: Buffer[] = [];
    for await (const piece of content) pieces.push(piece);
    return Buffer.concat(pieces);
  }

  it('gives back what was written, lists it, and removes it', async () => {
    const target = await open('plain');
    const content = randomBytes(1_000_003);
    await target.write('objects/abc', piecesOf(content));
    await target.write('objects/empty', piecesOf(Buffer.alloc(0)));
    await target.write('manifests/x.note', piecesOf(Buffer.from('note')));
    expect((await contentOf(target, 'objects/abc'))?.equals(content)).toBe(true);
    expect(await contentOf(target, 'objects/empty')).toEqual(Buffer.alloc(0));
    expect((await target.list('objects/')).sort()).toEqual(['objects/abc', 'objects/empty']);
    await target.remove('objects/abc');
    await target.remove('objects/never');
    expect(await contentOf(target, 'objects/abc')).toBeUndefined();
    expect(await target.list('objects/')).toEqual(['objects/empty']);
    expect(target.location).toBe(`nats://${address}/plain`);
    await target.close();
  }, 60_000);

  it('writes over so that nothing of the old content is on the disk of the server', async () => {
    const target = await open('secrets');
    const secrets = Array.from({ length: 3 }, () => randomBytes(200_000));
    await target.overwrite('keys/vault', Buffer.concat(secrets));
    expect(await settles(() => storeHas(secrets[1]?.subarray(1_000, 1_064) as Buffer))).toBe(true);
    await target.overwrite('keys/vault', randomBytes(100));
    for (const secret of secrets) {
      for (const at of [0, 1_000, 150_000, 199_900]) {
        expect(await settles(() => !storeHas(secret.subarray(at, at + 64)))).toBe(true);
      }
    }
    expect(await contentOf(target, 'keys/vault')).toHaveLength(100);
    await target.close();
  }, 60_000);

  it('refuses what names no bucket, and says so when nobody answers, without the password', async () => {
    await expect(ObjectStoreTarget.open('nats://127.0.0.1:4222')).rejects.toMatchObject({ code: 'USAGE_INVALID' });
    const refused = ObjectStoreTarget.open(`nats://backup:not-the-word@${address}/plain`);
    await expect(refused).rejects.toMatchObject({ code: 'NATS_UNAVAILABLE' });
    await expect(refused).rejects.not.toThrow('not-the-word');
  }, 60_000);

  it('restores a log, in which a person who was forgotten since stays forgotten', async () => {
    const target = await open('hospital');
    const directory = join(root, 'log');
    const keysDirectory = join(directory, 'keys');
    const house = await openHouseKeys({ directory: keysDirectory, mode: 'write' });
    const { keys, vault } = house;
    const writer = await EventLogWriter.open({ directory, origin: 'hospital.example', keys });
    const time = '2026-01-05T08:00:00.000Z';
    const timeMs = Date.parse(time);
    const sealing = Array.from({ length: 100 }, async (_, i) => {
      const sealed = await sealedOf(vault, {
        ...{ specversion: '1.0', id: `e-${i}`, source: 'hosts', type: 'access.signed-in', time, site: 'ward' },
        ...{ subject: `nurse-${i % 10}`, data: { service: { name: 'ehr' } } },
      });
      return { ...sealed, type: 'access.signed-in', timeMs, arrivedAtMs: timeMs, recordedAtMs: timeMs };
    });
    const records = await Promise.all(sealing);
    await vault.flush();
    await writer.append(records);
    await writer.signCheckpoint();
    const parts = { directory, keysDirectory, keys, clock };
    expect(await backupLog({ ...parts, target })).toMatchObject({ size: 100, location: target.location });
    expect(await listBackups(target)).toHaveLength(1);
    const reader = await EventLogReader.open({ directory, keys, subjectsOf: subjectsOfRecord });
    const authority = writerAuthority({ writer, clock, site: 'ward' });
    const { content } = await eraseSubject({
      ...{ ...parts, reader, vault, authority, subject: 'nurse-3', reason: 'request' },
      openTarget: () => open('hospital'),
    });
    expect(content.backupsErased).toEqual([target.location]);
    const restored = join(root, 'restored');
    const report = await restoreLog({
      openHouse: openHouseKeys,
      target,
      directory: restored,
      rootSecretFile: join(keysDirectory, 'root.secret'),
    });
    expect(report.size).toBe(100);
    const copy = await openHouseKeys({ directory: join(restored, 'keys'), mode: 'write' });
    expect((await copy.vault.find('nurse-3'))?.keyIds ?? []).toEqual([]);
    expect((await copy.vault.find('nurse-4'))?.keyIds).toHaveLength(1);
    await target.close();
    await copy.close();
    await writer.close();
    await house.close();
  }, 60_000);
});
