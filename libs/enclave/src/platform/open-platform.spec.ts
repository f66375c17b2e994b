import {
  chmodSync,
  copyFileSync,
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
import { sampleImage } from '../testing/sample-enclaves';
import { memoryPlatform } from '../testing/memory-platform';
import { formatCounters, parseCounters } from './counter-table';
import { openPlatform } from './open-platform';

let directory: string;
const at = (name: string): string => join(directory, name);

beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), 'platform-')), 'platform');
});
afterEach(() => rmSync(join(directory, '..'), { recursive: true, force: true }));

const SALT = Buffer.alloc(32, 5);
const REQUEST = { policy: 'measurement', label: 'root', salt: SALT } as const;

describe('platform', () => {
  it('is made once, for its owner only, and is the same when it is opened again', async () => {
    const first = await openPlatform({ directory });
    const again = await openPlatform({ directory });
    expect(again.attestationKey).toEqual(first.attestationKey);
    expect(again.platformId).toEqual(first.platformId);
    expect(again.launch(sampleImage()).sealingKey(REQUEST)).toEqual(first.launch(sampleImage()).sealingKey(REQUEST));
    expect([statSync(directory).mode & 0o777, statSync(at('platform.secret')).mode & 0o777]).toEqual([0o700, 0o600]);
    expect(readdirSync(directory).sort()).toEqual(['counters.json', 'platform.secret']);
  });

  it('is one platform when several processes begin at once', async () => {
    const opened = await Promise.all([1, 2, 3, 4].map(() => openPlatform({ directory })));
    expect(new Set(opened.map(({ attestationKey }) => attestationKey.kid)).size).toBe(1);
  });

  it('names itself by the thumbprint of its key', async () => {
    const { attestationKey, platformId } = await openPlatform({ directory });
    expect(attestationKey).toMatchObject({ kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', use: 'sig' });
    expect(attestationKey.kid).toBe(platformId.toString('base64url'));
  });

  it('gives each enclave, policy, label and salt a key of its own', () => {
    const platform = memoryPlatform({ seed: 'keys' });
    const [a, b] = [{ author: 'a' }, { author: 'a', code: 'v2' }].map((image) => platform.launch(sampleImage(image)));
    if (a === undefined || b === undefined) throw new Error('not launched');
    const keys = [
      a.sealingKey(REQUEST),
      b.sealingKey(REQUEST),
      a.sealingKey({ ...REQUEST, label: 'roof' }),
      a.sealingKey({ ...REQUEST, salt: Buffer.alloc(32, 6) }),
      a.sealingKey({ ...REQUEST, policy: 'signer', securityVersion: 0 }),
      a.sealingKey({ ...REQUEST, policy: 'signer', securityVersion: 1 }),
      a.sealingKey({ ...REQUEST, policy: 'migration', from: a.identity.measurement, to: b.identity.measurement }),
      a.sealingKey({ ...REQUEST, policy: 'migration', from: b.identity.measurement, to: a.identity.measurement }),
      memoryPlatform({ seed: 'other' })
        .launch(sampleImage({ author: 'a' }))
        .sealingKey(REQUEST),
    ];
    expect(new Set(keys.map((key) => key.toString('hex'))).size).toBe(keys.length);
  });

  it('gives an enclave no key that is not its own', () => {
    const enclave = memoryPlatform().launch(sampleImage({ author: 'a', securityVersion: 2 }));
    const [from, to] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
    const code = (text: string): Error => expect.objectContaining({ code: text });
    expect(() => enclave.sealingKey({ ...REQUEST, policy: 'migration', from, to })).toThrow(
      code('ENCLAVE_MEASUREMENT_MISMATCH'),
    );
    expect(() => enclave.sealingKey({ ...REQUEST, policy: 'signer', securityVersion: 3 })).toThrow(
      code('ENCLAVE_VERSION_TOO_OLD'),
    );
    for (const change of [{ salt: Buffer.alloc(31) }, { label: '' }, { label: 'a b' }, { label: 'x'.repeat(129) }]) {
      expect(() => enclave.sealingKey({ ...REQUEST, ...change })).toThrow(code('ENCLAVE_BLOB_INVALID'));
    }
  });

  it('shows no secret when it is printed, and does nothing once it is closed', async () => {
    const platform = await openPlatform({ directory });
    const secret = readFileSync(at('platform.secret'));
    const enclave = platform.launch(sampleImage());
    const shown = inspect([platform, enclave], { depth: 9, showHidden: true }) + JSON.stringify([platform, enclave]);
    expect(shown).not.toContain(secret.toString('hex').slice(0, 16));
    expect(shown).not.toMatch(/secret/i);
    platform.close();
    const closed = expect.objectContaining({ code: 'ENCLAVE_CLOSED' });
    expect(() => enclave.sealingKey(REQUEST)).toThrow(closed);
    expect(() => platform.launch(sampleImage())).toThrow(closed);
    await expect(platform.counters.increment('a')).rejects.toThrow(closed);
  });

  it('refuses a secret that others can read or that has another length', async () => {
    await openPlatform({ directory });
    chmodSync(at('platform.secret'), 0o640);
    await expect(openPlatform({ directory })).rejects.toMatchObject({ code: 'LOG_KEYS_DAMAGED' });
    chmodSync(at('platform.secret'), 0o600);
    writeFileSync(at('platform.secret'), Buffer.alloc(31));
    await expect(openPlatform({ directory })).rejects.toMatchObject({ code: 'ENCLAVE_PLATFORM_DAMAGED' });
  });

  it.each(['platform.secret', 'counters.json'])('is damaged where `%s` is no file', async (name) => {
    await openPlatform({ directory });
    rmSync(at(name));
    mkdirSync(at(name));
    await expect(openPlatform({ directory })).rejects.toMatchObject({ code: 'ENCLAVE_PLATFORM_DAMAGED' });
  });

  it('makes no new secret beside counters that were used, and does after a first start that was cut off', async () => {
    const { counters } = await openPlatform({ directory });
    rmSync(at('platform.secret'));
    await openPlatform({ directory });
    await counters.increment('a').catch(() => undefined);
    await (await openPlatform({ directory })).counters.increment('a');
    rmSync(at('platform.secret'));
    await expect(openPlatform({ directory })).rejects.toMatchObject({ code: 'ENCLAVE_PLATFORM_DAMAGED' });
  });
});

describe('counters', () => {
  it('grow by one each time, whoever counts, and survive a restart', async () => {
    const [a, b] = [await openPlatform({ directory }), await openPlatform({ directory })];
    const values = await Promise.all([a, b, a, b, a, b].map(({ counters }) => counters.increment('blob')));
    expect([...values].sort()).toEqual([1, 2, 3, 4, 5, 6]);
    const { counters } = await openPlatform({ directory });
    expect([await counters.read('blob'), await counters.read('other')]).toEqual([6, 0]);
  });

  it('advance, and never go back', async () => {
    const { counters } = await openPlatform({ directory });
    await counters.advance('a', 7);
    await counters.advance('a', 3);
    expect(await counters.read('a')).toBe(7);
  });

  it('notice a cut and a missing file', async () => {
    const { counters } = await openPlatform({ directory });
    await counters.increment('a');
    const content = readFileSync(at('counters.json'));
    const damaged = { code: 'ENCLAVE_PLATFORM_DAMAGED' };
    for (const length of [0, 1, content.length - 1]) {
      writeFileSync(at('counters.json'), content.subarray(0, length));
      await expect(openPlatform({ directory })).rejects.toMatchObject(damaged);
    }
    rmSync(at('counters.json'));
    await expect(openPlatform({ directory })).rejects.toMatchObject(damaged);
    writeFileSync(at('counters.json'), content);
    expect(await counters.read('a')).toBe(1);
  });

  it('notice every flipped bit', () => {
    const key = Buffer.alloc(32, 8);
    const content = formatCounters(new Map([['a', 1]]), key);
    expect(parseCounters(content, key, 'file')).toEqual(new Map([['a', 1]]));
    for (let bit = 0; bit < 8 * content.length; bit++) {
      const altered = Buffer.from(content);
      altered.writeUInt8(altered.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      const damaged = expect.objectContaining({ code: 'ENCLAVE_PLATFORM_DAMAGED' });
      expect(() => parseCounters(altered, key, 'file')).toThrow(damaged);
    }
  });

  it('of another platform are refused', async () => {
    await openPlatform({ directory });
    const other = join(directory, '..', 'other');
    await openPlatform({ directory: other });
    copyFileSync(join(other, 'counters.json'), at('counters.json'));
    await expect(openPlatform({ directory })).rejects.toMatchObject({ code: 'ENCLAVE_PLATFORM_DAMAGED' });
  });

  it('that were put back are noticed by who has seen more, and by a keeper outside', async () => {
    const { counters } = await openPlatform({ directory });
    await counters.increment('a');
    const older = readFileSync(at('counters.json'));
    await counters.increment('a');
    writeFileSync(at('counters.json'), older);
    await expect(counters.read('a')).rejects.toMatchObject({ code: 'ENCLAVE_ROLLED_BACK' });
    await expect(counters.increment('a')).rejects.toMatchObject({ code: 'ENCLAVE_ROLLED_BACK' });
    const restarted = (await openPlatform({ directory })).counters;
    expect(await restarted.read('a')).toBe(1);
    await expect(restarted.read('a', { expectedAtLeast: 2 })).rejects.toMatchObject({ code: 'ENCLAVE_ROLLED_BACK' });
  });

  it('that were put back are noticed by who has only read them', async () => {
    const { counters } = await openPlatform({ directory });
    await counters.increment('a');
    const older = readFileSync(at('counters.json'));
    await counters.increment('a');
    const reader = (await openPlatform({ directory })).counters;
    expect(await reader.read('a')).toBe(2);
    writeFileSync(at('counters.json'), older);
    await expect(reader.read('a')).rejects.toMatchObject({ code: 'ENCLAVE_ROLLED_BACK' });
    await expect(reader.advance('a', 1)).rejects.toMatchObject({ code: 'ENCLAVE_ROLLED_BACK' });
  });

  it('are bounded in number, name and value', async () => {
    const { counters } = await openPlatform({ directory });
    const refused = { code: 'ENCLAVE_COUNTER_REFUSED' };
    for (const name of ['', 'a b', '__proto__', 'x'.repeat(129)]) {
      await expect(counters.increment(name)).rejects.toMatchObject(refused);
    }
    await expect(counters.advance('a', 1.5)).rejects.toMatchObject(refused);
    await counters.advance('a', Number.MAX_SAFE_INTEGER);
    await expect(counters.increment('a')).rejects.toMatchObject(refused);
    expect(await counters.read('constructor')).toBe(0);
    const memory = memoryPlatform().counters;
    for (let i = 0; i < 1024; i++) await memory.increment(`c${i}`);
    await expect(memory.increment('more')).rejects.toMatchObject(refused);
  });
});
