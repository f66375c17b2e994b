import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { crypto_sign_verify_detached } from 'sodium-native';
import { FileVault } from './file-vault';
import { DATA_KEYS_MAX, openHouseKeys, type HouseKeys } from './house-keys';
import { formatHouseRecord } from './house-record';
import { eventOf } from './testing/sample-events';
import { fixedHouse, fixedKeys, revealedOf, sealedOf } from './testing';

const LOG_ID = Buffer.alloc(16, 7);
const SALT = Buffer.alloc(32, 9);

describe('openHouseKeys', () => {
  let parent: string;
  let directory: string;
  const open: HouseKeys[] = [];

  async function house(mode: 'write' | 'read' = 'write'): Promise<HouseKeys> {
    const opened = await openHouseKeys({ directory, mode });
    open.push(opened);
    return opened;
  }

  async function closeAll(): Promise<void> {
    for (const each of open.splice(0)) await each.close();
  }

  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), 'protego-keys-'));
    directory = join(parent, 'log', 'keys');
  });

  afterEach(async () => {
    await closeAll();
    rmSync(parent, { recursive: true });
  });

  it('makes a missing directory, for its owner only', async () => {
    await house();
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(directory)) expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(directory, 'root.secret'))).toHaveLength(32);
  });

  it('gives the same keys again, to readers as well, and others to another house', async () => {
    const { keys } = await house();
    const first = keys.blockKey(1, LOG_ID, SALT).toString('hex');
    const publicKey = keys.signer.publicKey.toString('hex');
    const reader = await house('read');
    expect(reader.keys.blockKey(1, LOG_ID, SALT).toString('hex')).toBe(first);
    expect(reader.keys.signer.publicKey.toString('hex')).toBe(publicKey);
    expect(reader.keys.subjectKey).toHaveLength(16);
    expect(reader.keys.dedupeKey).toHaveLength(32);
    const other = await openHouseKeys({ directory: join(parent, 'other'), mode: 'write' });
    open.push(other);
    expect(other.keys.blockKey(1, LOG_ID, SALT).toString('hex')).not.toBe(first);
  });

  it('derives block keys from data key, log and session', () => {
    const keys = fixedKeys('a', 2);
    const all = [
      keys.blockKey(1, LOG_ID, SALT),
      keys.blockKey(2, LOG_ID, SALT),
      keys.blockKey(1, Buffer.alloc(16), SALT),
      keys.blockKey(1, LOG_ID, Buffer.alloc(32)),
      fixedKeys('b').blockKey(1, LOG_ID, SALT),
    ].map((key) => key.toString('hex'));
    expect(new Set(all).size).toBe(5);
    expect(keys.dataKeyId).toBe(2);
  });

  it('signs with Ed25519', async () => {
    const { signer } = fixedKeys();
    const message = Buffer.from('a note');
    const signature = await signer.sign(message);
    expect(crypto_sign_verify_detached(signature, message, signer.publicKey)).toBe(true);
    expect(crypto_sign_verify_detached(signature, Buffer.from('b note'), signer.publicKey)).toBe(false);
  });

  it('keeps old data keys after a rotation', async () => {
    const first = await house();
    const old = first.keys.blockKey(1, LOG_ID, SALT).toString('hex');
    expect(await first.rotateDataKey()).toBe(2);
    expect(first.keys.dataKeyId).toBe(2);
    await closeAll();
    const { keys } = await house('read');
    expect(keys.dataKeyId).toBe(2);
    expect(keys.blockKey(1, LOG_ID, SALT).toString('hex')).toBe(old);
    expect(keys.blockKey(2, LOG_ID, SALT).toString('hex')).not.toBe(old);
    expect(() => keys.blockKey(3, LOG_ID, SALT)).toThrow(expect.objectContaining({ code: 'LOG_KEY_MISSING' }));
    await expect((await house('read')).rotateDataKey()).rejects.toMatchObject({ code: 'LOG_READ_ONLY' });
  });

  it('makes data keys that were asked for at once one after the other', async () => {
    const first = await house();
    expect(await Promise.all([1, 2, 3].map(() => first.rotateDataKey()))).toEqual([2, 3, 4]);
    const last = first.rotateDataKey();
    await closeAll();
    expect(await last).toBe(5);
    await expect(first.rotateDataKey()).rejects.toMatchObject({ code: 'LOG_CLOSED' });
    expect((await house('read')).keys.dataKeyId).toBe(5);
  });

  it('does not take the keys of a closed log for damaged ones', async () => {
    await house();
    const { keys } = await house('read');
    const refreshed = Promise.resolve(keys.refresh?.());
    const closed = closeAll();
    await expect(refreshed).rejects.toMatchObject({ code: 'LOG_CLOSED' });
    await closed;
  });

  it('keeps the old data key in use when the new one cannot be written, and makes it the next time', async () => {
    const first = await house();
    const inTheWay = join(directory, 'house.json.new');
    mkdirSync(inTheWay);
    await expect(first.rotateDataKey()).rejects.toMatchObject({ code: 'LOG_WRITE_FAILED' });
    expect(first.keys.dataKeyId).toBe(1);
    expect((await house('read')).keys.dataKeyId).toBe(1);
    rmSync(inTheWay, { recursive: true });
    expect(await first.rotateDataKey()).toBe(2);
    const { dataKeyIds } = JSON.parse(readFileSync(join(directory, 'house.json'), 'utf8')) as { dataKeyIds: number[] };
    expect(dataKeyIds).toEqual([1, 2]);
  });

  it('makes so many data keys and no more', async () => {
    await house();
    await closeAll();
    const root = readFileSync(join(directory, 'root.secret'));
    const dataKeyIds = Array.from({ length: DATA_KEYS_MAX - 1 }, (_, i) => i + 1);
    writeFileSync(join(directory, 'house.json'), formatHouseRecord({ dataKeyIds }, root));
    const full = await house();
    expect(await full.rotateDataKey()).toBe(DATA_KEYS_MAX);
    await expect(full.rotateDataKey()).rejects.toMatchObject({ code: 'DATA_KEYS_FULL' });
  });

  it('has one writer', async () => {
    await house();
    await expect(house()).rejects.toMatchObject({ code: 'LOG_LOCKED' });
    await closeAll();
    await house();
  });

  it('makes nothing when it reads', async () => {
    await expect(house('read')).rejects.toMatchObject({ code: 'LOG_KEY_MISSING' });
    expect(existsSync(directory)).toBe(false);
  });

  it('makes no new secret beside files of a lost one', async () => {
    await house();
    await closeAll();
    rmSync(join(directory, 'root.secret'));
    await expect(house()).rejects.toMatchObject({ code: 'LOG_KEY_MISSING' });
    expect(existsSync(join(directory, 'root.secret'))).toBe(false);
  });

  it('finishes a first start that ended after the secret', async () => {
    await house();
    const secret = readFileSync(join(directory, 'root.secret'));
    await closeAll();
    rmSync(join(directory, 'house.json'));
    rmSync(join(directory, 'vault'), { force: true });
    await expect(house()).rejects.toMatchObject({ code: 'LOG_KEY_MISSING' });
    rmSync(join(directory, 'vault.mark'));
    await house();
    expect(readFileSync(join(directory, 'root.secret'))).toEqual(secret);
    expect(existsSync(join(directory, 'house.json'))).toBe(true);
  });

  it('finishes a first start that ended before there was a vault', async () => {
    jest.spyOn(FileVault, 'open').mockRejectedValueOnce(new Error('killed'));
    await expect(house()).rejects.toThrow('killed');
    expect(readdirSync(directory).sort()).toEqual(['house.json', 'root.secret', 'vault.mark']);
    await (await openHouseKeys({ directory, mode: 'read' })).close();
    await house();
  });

  it('is refused where the vault is missing, until somebody says that it is lost', async () => {
    await house();
    await closeAll();
    rmSync(join(directory, 'vault'));
    await expect(house()).rejects.toMatchObject({ code: 'LOG_KEYS_DAMAGED' });
    rmSync(join(directory, 'vault.mark'));
    for (const mode of ['write', 'read'] as const)
      await expect(openHouseKeys({ directory, mode })).rejects.toMatchObject({
        code: 'LOG_KEY_MISSING',
        message: expect.stringContaining('empty file') as string,
      });
    expect(readdirSync(directory).sort()).toEqual(['house.json', 'root.secret']);
    writeFileSync(join(directory, 'vault'), '', { mode: 0o600 });
    await house();
    expect(existsSync(join(directory, 'vault.mark'))).toBe(true);
  });

  it.each([
    ['a secret cut short', 'root.secret', (bytes: Buffer) => bytes.subarray(0, 31)],
    ['another secret', 'root.secret', (bytes: Buffer) => Buffer.from(bytes.map((byte) => byte ^ 1))],
    ['an altered house.json', 'house.json', (bytes: Buffer) => Buffer.from(bytes.toString().replace('[1]', '[2]'))],
    ['an empty house.json', 'house.json', () => Buffer.alloc(0)],
  ])('refuses %s', async (_what, name, alter) => {
    await house();
    await closeAll();
    const path = join(directory, name);
    writeFileSync(path, alter(readFileSync(path)));
    for (const mode of ['read', 'write'] as const) {
      await expect(house(mode)).rejects.toMatchObject({ code: 'LOG_KEYS_DAMAGED' });
    }
  });

  it('refuses a secret that others can read, and says how to mend it', async () => {
    await house();
    await closeAll();
    const path = join(directory, 'root.secret');
    chmodSync(path, 0o640);
    await expect(house()).rejects.toMatchObject({
      code: 'LOG_KEYS_DAMAGED',
      message: expect.stringContaining(`chmod 600 ${path}`) as string,
    });
  });

  it('shows no secret when it is printed, and forgets all when it is closed', async () => {
    const opened = await house();
    const secret = readFileSync(join(directory, 'root.secret'));
    const { keys } = opened;
    const secrets = [secret, keys.subjectKey, keys.dedupeKey, keys.blockKey(1, LOG_ID, SALT)].map((key) =>
      Buffer.from(key),
    );
    const shown = [inspect(opened, { depth: 9, showHidden: true }), JSON.stringify(opened), String(keys)].join('\n');
    for (const each of secrets) {
      expect(shown).not.toContain(each.toString('hex'));
      expect(shown).not.toContain(each.toString('base64'));
      expect(shown).not.toContain(JSON.stringify([...each]).slice(1, -1));
      expect(shown).not.toContain(
        each
          .toString('hex')
          .slice(0, 16)
          .replace(/(..)(?=.)/g, '$1 '),
      );
    }
    await closeAll();
    expect(() => keys.subjectKey).toThrow(expect.objectContaining({ code: 'LOG_CLOSED' }));
    expect(() => keys.blockKey(1, LOG_ID, SALT)).toThrow(expect.objectContaining({ code: 'LOG_CLOSED' }));
  });

  it('holds the vault, and keeps what it made when it is closed', async () => {
    const event = eventOf('access.signed-in', { user: { uid: 'p-1' } });
    const first = await house();
    const sealed = await sealedOf(first.vault, event);
    await first.vault.flush();
    expect((await revealedOf((await house('read')).vault, sealed)).event).toEqual(event);
    await closeAll();
    expect((await revealedOf((await house()).vault, sealed)).event).toEqual(event);
  });

  it('of a fixed house gives tokens that a seed decides, and keys that it does not', async () => {
    const [a, b] = [await fixedHouse(join(parent, 'a')), await fixedHouse(join(parent, 'b'))];
    const c = await fixedHouse(join(parent, 'c'), undefined, 'other');
    open.push(a, b, c);
    const event = eventOf('access.signed-in', {}, { subject: 'p-1' });
    const [one, two, three] = await Promise.all([a, b, c].map(({ vault }) => sealedOf(vault, event)));
    expect(one?.body).toEqual(two?.body);
    expect(one?.body).not.toEqual(three?.body);
    expect(one?.contentHash).not.toEqual(two?.contentHash);
    expect((await a.vault.find('p-1'))?.keyIds).not.toEqual((await b.vault.find('p-1'))?.keyIds);
  });

  it('does not open a vault beside a secret that is not its own', async () => {
    const { vault } = await house();
    await sealedOf(vault, eventOf('access.signed-in', {}, { subject: 'p-1' }));
    await vault.flush();
    await closeAll();
    const other = await fixedHouse(join(parent, 'other'));
    await other.close();
    for (const name of ['root.secret', 'house.json']) {
      writeFileSync(join(directory, name), readFileSync(join(parent, 'other', name)), { mode: 0o600 });
    }
    await expect(house('read')).rejects.toMatchObject({ code: 'LOG_KEYS_DAMAGED' });
  });
});
