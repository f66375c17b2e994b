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
import { connect } from 'nats';
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

  it('erases what calls that were killed have left, under whatever id, and nothing that a name leads to', async () => {
    const target = await open('killed');
    const connection = await connect({ servers: address, user: 'backup', pass: PASSWORD });
    const stream = connection.jetstream();
    const secrets = Array.from({ length: 9 }, () => randomBytes(100_000));
    // Of the last, the first and the last message are gone: a server of version 2.9 does not find all others by subject.
    const ids = secrets.map((_, i) => (i < 3 ? '6SYH28KFRH74DXHJMGJXPA' : i < 6 ? 'c0ffee' : 'half'));
    const acks = [];
    for (const [i, secret] of secrets.entries()) acks.push(await stream.publish(`$O.killed.C.${ids[i]}`, secret));
    const manager = await connection.jetstreamManager();
    for (const at of [8, 6]) await manager.streams.deleteMessage('OBJ_killed', acks[at]?.seq as number);
    await target.write('objects/abc', piecesOf(secrets[0] as Buffer));
    await target.overwrite('keys/house.json', Buffer.from('{}'));
    await target.overwrite('keys/vault', randomBytes(1_000));
    for (const [i, secret] of secrets.entries()) {
      if (i > 0) expect(await settles(() => !storeHas(secret.subarray(50_000, 50_064)))).toBe(true);
    }
    expect((await contentOf(target, 'objects/abc'))?.equals(secrets[0] as Buffer)).toBe(true);
    expect(await contentOf(target, 'keys/house.json')).toEqual(Buffer.from('{}'));
    const { state } = await manager.streams.info('OBJ_killed', { subjects_filter: '$O.killed.C.>' });
    expect(Object.keys(state.subjects ?? {})).toHaveLength(3);
    await connection.close();
    await target.close();
  }, 60_000);

  it('stores what is new before it erases what was before', async () => {
    const target = await open('again');
    const [old, next] = [randomBytes(300_000), randomBytes(300_000)];
    await target.overwrite('keys/vault', old);
    const connection = await connect({ servers: address, user: 'backup', pass: PASSWORD });
    const requests: string[] = [];
    for (const subject of ['$JS.API.STREAM.MSG.DELETE.OBJ_again', '$O.again.>']) {
      connection.subscribe(subject, {
        callback: (_, message) => requests.push(message.subject.split('.')[2] as string),
      });
    }
    await connection.flush();
    await target.overwrite('keys/vault', next);
    await connection.flush();
    // All that is new is stored, the name leads to it, and only then the server is asked to erase what was before.
    expect(requests).toEqual([...'CCCM', ...Array.from({ length: 3 }, () => 'STREAM')]);
    expect((await contentOf(target, 'keys/vault'))?.equals(next)).toBe(true);
    expect(await settles(() => !storeHas(old.subarray(1_000, 1_064)))).toBe(true);
    await connection.close();
    await target.close();
  }, 60_000);

  it('leaves the uploads that others are at, until they have long ended', async () => {
    const target = await open('uploads');
    const content = randomBytes(400_000);
    const slow = (async function* () {
      yield content.subarray(0, 200_000);
      await target.overwrite('keys/vault', randomBytes(100));
      yield content.subarray(200_000);
    })();
    await target.write('objects/abc', slow);
    expect((await contentOf(target, 'objects/abc'))?.equals(content)).toBe(true);
    const connection = await connect({ servers: address, user: 'backup', pass: PASSWORD });
    await connection.jetstream().publish('$O.uploads.C.upload-0', content.subarray(0, 1_000));
    await target.overwrite('keys/vault', randomBytes(100));
    const counts = async (): Promise<number> => {
      const { streams } = await connection.jetstreamManager();
      const { state } = await streams.info('OBJ_uploads', { subjects_filter: '$O.uploads.C.upload-0' });
      return Object.keys(state.subjects ?? {}).length;
    };
    expect(await counts()).toBe(1);
    const now = Date.now();
    jest.spyOn(Date, 'now').mockImplementation(() => now + 3_700_000);
    await target.overwrite('keys/vault', randomBytes(100));
    jest.restoreAllMocks();
    expect(await counts()).toBe(0);
    await connection.close();
    await target.close();
  }, 60_000);

  it('says at once that an object is not whole, or not what was written', async () => {
    const target = await open('lost');
    for (const [name, lost] of [
      ['objects/none', [0, 1, 2]],
      ['objects/some', [1]],
      ['objects/other', []],
    ] as const) {
      await target.write(name, piecesOf(randomBytes(300_000)));
      const connection = await connect({ servers: address, user: 'backup', pass: PASSWORD });
      const { streams } = await connection.jetstreamManager();
      const { state } = await streams.info('OBJ_lost');
      for (const at of lost) await streams.deleteMessage('OBJ_lost', state.last_seq - 3 + at);
      const store = await connection.jetstream().views.os('lost');
      const { nuid = '' } = (await store.info(name)) ?? {};
      if (lost.length === 0) await connection.jetstream().publish(`$O.lost.C.${nuid}`, 'more');
      const atMs = performance.now();
      await expect(contentOf(target, name)).rejects.toMatchObject({ code: 'BACKUP_INVALID' });
      expect(performance.now() - atMs).toBeLessThan(5_000);
      await connection.close();
    }
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
