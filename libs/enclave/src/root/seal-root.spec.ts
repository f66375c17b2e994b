import {
  closeSync,
  cpSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { isProtegoError } from '@protego/contracts';
import { openHouseKeys, openServedHouse, type OpenedHouse } from '../house-keys';
import { lockKeys } from '../directory-lock';
import { inspectBlob } from '../sealing/blob-format';
import { sealBlob } from '../sealing/sealed-blob';
import { type LaunchedEnclave } from '../platform/platform';
import { MemoryCounters, memoryPlatform } from '../testing/memory-platform';
import { sampleImage, type SampleEnclave } from '../testing/sample-enclaves';
import { type UnlockFile } from '../unlock/unlock-files';
import { wrapRoot } from '../unlock/wrapped-root';
import { hasRoot, isRootSealed } from './root-files';
import { sealRoot, type SealRootOptions, type SealedRootReport } from './seal-root';

const LOG_ID = Buffer.alloc(16, 7);
const SALT = Buffer.alloc(32, 9);

describe('a sealed root', () => {
  let parent: string;
  let directory: string;
  let counters: MemoryCounters;
  let secret: Buffer;
  let blockKey: string;
  let keyFile: UnlockFile;
  let passphrase: UnlockFile;
  const at = (name: string): string => join(parent, name);
  const keysFile = (name: string): string => join(directory, name);
  const rootFiles = (): string[] => readdirSync(directory).filter((name) => name.startsWith('root'));

  const enclave = (sample: SampleEnclave = {}, seed = 'root'): LaunchedEnclave =>
    memoryPlatform({ seed, counters }).launch(sampleImage(sample));
  const seal = (options: Partial<SealRootOptions> = {}, by = enclave()): Promise<SealedRootReport> =>
    sealRoot(by, { directory, unlock: [], ...options });

  async function opened<T>(
    use: (house: OpenedHouse) => T | Promise<T>,
    {
      by = enclave(),
      unlock,
      mode = 'write',
    }: { by?: LaunchedEnclave; unlock?: readonly UnlockFile[]; mode?: 'read' | 'write' } = {},
  ): Promise<T> {
    const house = await openServedHouse({ directory, mode, ...(unlock && { unlock }) }, by);
    house.secrets.root.free();
    house.secrets.pseudonymKey.free();
    try {
      return await use(house);
    } finally {
      await house.house.close();
    }
  }

  const keyOf = ({ house }: OpenedHouse): string => house.keys.blockKey(1, LOG_ID, SALT).toString('hex');
  const codeOf = (action: Promise<unknown>): Promise<string> =>
    action.then(
      () => 'done',
      (error: unknown) => (isProtegoError(error) ? error.code : String(error)),
    );
  const openingCode = (how: Parameters<typeof opened>[1] = {}): Promise<string> => codeOf(opened(keyOf, how));

  beforeEach(async () => {
    parent = mkdtempSync(join(tmpdir(), 'protego-root-'));
    directory = at('keys');
    counters = new MemoryCounters();
    const house = await openHouseKeys({ directory, mode: 'write' });
    blockKey = house.keys.blockKey(1, LOG_ID, SALT).toString('hex');
    await house.close();
    secret = readFileSync(keysFile('root.secret'));
    writeFileSync(at('a.key'), Buffer.alloc(32, 5), { mode: 0o600 });
    writeFileSync(at('b.pass'), 'correct horse battery\n', { mode: 0o600 });
    keyFile = { kind: 'key-file', path: at('a.key') };
    passphrase = { kind: 'passphrase', path: at('b.pass') };
  });
  afterEach(() => rmSync(parent, { recursive: true }));

  it.each([
    ['nothing but the platform', () => []],
    ['a key file', () => [keyFile]],
    ['a passphrase', () => [passphrase]],
    ['two operators', () => [keyFile, passphrase]],
  ])('opens to the same keys with %s, for writers and readers, and replaces the secret', async (_name, files) => {
    const unlock = files();
    const factors = unlock.map(({ kind }) => kind);
    expect(await seal({ unlock })).toEqual({ kept: 'sealed', factors, from: 'root.secret', recoveryFile: null });
    expect(rootFiles()).toEqual(['root.sealed']);
    expect(statSync(keysFile('root.sealed')).mode & 0o777).toBe(0o600);
    for (const mode of ['write', 'read'] as const) {
      await opened(
        (house) => {
          expect(keyOf(house)).toBe(blockKey);
          expect(house.custody).toEqual({ kept: 'sealed', factors });
        },
        { unlock, mode },
      );
    }
  });

  it('opens in the enclave of any configuration of the same code, and in no other', async () => {
    await seal();
    expect(inspectBlob(readFileSync(keysFile('root.sealed')))).toMatchObject({ policy: 'code', label: 'root' });
    expect(await openingCode({ by: enclave({ site: 'south' }) })).toBe('done');
    const codes = {
      code: await openingCode({ by: enclave({ code: 'v2' }) }),
      debug: await openingCode({ by: enclave({ isDebug: true }) }),
      platform: await openingCode({ by: enclave({}, 'other') }),
      none: await codeOf(openServedHouse({ directory, mode: 'read' })),
    };
    expect(codes).toEqual({
      code: 'ENCLAVE_CODE_MISMATCH',
      debug: 'ENCLAVE_CODE_MISMATCH',
      platform: 'ENCLAVE_PLATFORM_MISMATCH',
      none: 'ENCLAVE_NOT_ATTESTED',
    });
    await expect(opened(keyOf, { by: enclave({ code: 'v2' }) })).rejects.toThrow(/protego enclave seal --root-secret/);
  });

  it('says which secrets it needs, not which of them is wrong, and is not opened without', async () => {
    await seal({ unlock: [keyFile, passphrase] });
    writeFileSync(at('other.key'), Buffer.alloc(32, 6), { mode: 0o600 });
    writeFileSync(at('other.pass'), 'correct horse butter!', { mode: 0o600 });
    const otherKey: UnlockFile = { kind: 'key-file', path: at('other.key') };
    const otherPass: UnlockFile = { kind: 'passphrase', path: at('other.pass') };
    for (const unlock of [[], [keyFile], [passphrase]]) {
      const opening = opened(keyOf, { unlock });
      await expect(opening).rejects.toMatchObject({
        code: 'ENCLAVE_UNLOCK_NEEDED',
        message: expect.stringMatching(/a key file and then a passphrase/) as string,
      });
    }
    const wrong = [
      [otherKey, passphrase],
      [keyFile, otherPass],
      [otherKey, otherPass],
      [passphrase, keyFile],
    ];
    const messages = new Set<string>();
    for (const unlock of [...wrong, [keyFile, passphrase, passphrase]]) {
      const error = await opened(keyOf, { unlock }).catch((thrown: unknown) => thrown as Error);
      expect(error).toMatchObject({ code: 'ENCLAVE_UNLOCK_REFUSED' });
      messages.add((error as Error).message);
      expect(inspect(error, { depth: 9 })).not.toContain('horse');
    }
    expect(messages.size).toBe(1);
    expect(await openingCode({ unlock: [keyFile, passphrase] })).toBe('done');
  });

  it('does not read the secrets for a root that is in a file, or of which the blob is refused', async () => {
    const unlock = [{ kind: 'passphrase', path: at('there is none') }] as const;
    expect(await openingCode({ unlock })).toBe('done');
    await seal({ unlock: [passphrase] });
    expect(await openingCode({ unlock, by: enclave({ code: 'v2' }) })).toBe('ENCLAVE_CODE_MISMATCH');
    expect(await openingCode({ unlock })).toBe('ENCLAVE_UNLOCK_INVALID');
  });

  it('makes older ones void, whatever unlocked them, and stays where it was sealed', async () => {
    await seal({ recoveryFile: at('recovery') });
    const older = readFileSync(keysFile('root.sealed'));
    await seal({ rootSecretFile: at('recovery'), unlock: [keyFile] });
    const newest = readFileSync(keysFile('root.sealed'));
    writeFileSync(keysFile('root.sealed'), older);
    expect(await openingCode()).toBe('ENCLAVE_ROLLED_BACK');
    writeFileSync(keysFile('root.sealed'), newest);
    const copy = at('copy');
    cpSync(directory, copy, { recursive: true });
    expect(await codeOf(openServedHouse({ directory: copy, mode: 'read', unlock: [keyFile] }, enclave()))).toBe(
      'ENCLAVE_LABEL_MISMATCH',
    );
    // A restored copy that is sealed beside it does not make this one void.
    await seal({ directory: copy, rootSecretFile: at('recovery') });
    expect(await openingCode({ unlock: [keyFile] })).toBe('done');
  });

  it('is not taken when it was sealed without a counter, for another purpose or to a measurement', async () => {
    await seal();
    const { counter } = inspectBlob(readFileSync(keysFile('root.sealed')));
    const wrapped = await wrapRoot(secret, []);
    const put = async (options: Parameters<typeof sealBlob>[2]): Promise<string> => {
      writeFileSync(keysFile('root.sealed'), await sealBlob(enclave(), wrapped, options));
      return openingCode();
    };
    expect(await put({ policy: 'code', label: 'root' })).toBe('ENCLAVE_LABEL_MISMATCH');
    expect(await put({ policy: 'code', label: 'other', counter })).toBe('ENCLAVE_LABEL_MISMATCH');
    expect(await put({ policy: 'measurement', label: 'root', counter })).toBe('ENCLAVE_CODE_MISMATCH');
    expect(await put({ policy: 'code', label: 'root', counter })).toBe('done');
  });

  it('never has a new root made beside it, and none is made when it is lost', async () => {
    await seal();
    for (const name of ['house.json', 'vault']) renameSync(keysFile(name), at(name));
    expect(await openingCode({ by: enclave({ code: 'v2' }) })).toBe('ENCLAVE_CODE_MISMATCH');
    expect(rootFiles()).toEqual(['root.sealed']);
    for (const name of ['house.json', 'vault']) renameSync(at(name), keysFile(name));
    rmSync(keysFile('root.sealed'));
    expect(await openingCode()).toBe('LOG_KEY_MISSING');
    expect(hasRoot(directory)).toBe(false);
  });

  it('beside `root.secret` is refused until a sealing ends that was interrupted', async () => {
    await seal();
    writeFileSync(keysFile('root.secret'), secret, { mode: 0o600 });
    for (const mode of ['read', 'write'] as const) expect(await openingCode({ mode })).toBe('ENCLAVE_ROOT_AMBIGUOUS');
    expect(await seal({ unlock: [keyFile] })).toMatchObject({ from: 'root.secret', factors: ['key-file'] });
    expect(rootFiles()).toEqual(['root.sealed']);
    expect(await openingCode({ unlock: [keyFile] })).toBe('done');
  });

  it('opens while the old secret is still to be overwritten, which the next writer does', async () => {
    await seal();
    writeFileSync(keysFile('root.secret.old'), secret, { mode: 0o600 });
    expect(await openingCode({ mode: 'read' })).toBe('done');
    expect(await openingCode({ by: enclave({ code: 'v2' }) })).toBe('ENCLAVE_CODE_MISMATCH');
    expect(rootFiles()).toEqual(['root.sealed', 'root.secret.old']);
    expect(await openingCode()).toBe('done');
    expect(rootFiles()).toEqual(['root.sealed']);
  });

  it('is made of the root of these keys and of no other, and then removes nothing', async () => {
    writeFileSync(at('other'), Buffer.alloc(32, 1), { mode: 0o600 });
    expect(await codeOf(seal({ rootSecretFile: at('other') }))).toBe('LOG_KEYS_DAMAGED');
    await seal({ recoveryFile: at('recovery') });
    writeFileSync(keysFile('root.secret'), Buffer.alloc(32, 1), { mode: 0o600 });
    expect(await codeOf(seal())).toBe('LOG_KEYS_DAMAGED');
    expect(await codeOf(seal({ rootSecretFile: at('recovery') }))).toBe('LOG_KEYS_DAMAGED');
    expect(readFileSync(keysFile('root.secret'))).toEqual(Buffer.alloc(32, 1));
    rmSync(keysFile('root.secret'));
    expect(await codeOf(seal({ rootSecretFile: at('none') }))).toBe('LOG_KEY_MISSING');
    expect(await codeOf(seal({ directory: at('nowhere') }))).toBe('LOG_KEY_MISSING');
    expect(await openingCode()).toBe('done');
  });

  it('has a recovery copy first, which may be there already when it is one', async () => {
    const recoveryFile = at('recovery');
    await seal({ recoveryFile });
    expect(readFileSync(recoveryFile)).toEqual(secret);
    expect(statSync(recoveryFile).mode & 0o777).toBe(0o600);
    expect(await seal({ recoveryFile })).toMatchObject({ from: 'root.sealed', recoveryFile });
    for (const content of [Buffer.alloc(1), Buffer.alloc(32), secret.subarray(1)]) {
      writeFileSync(at('taken'), content, { mode: 0o600 });
      expect(await codeOf(seal({ recoveryFile: at('taken') }))).toBe('USAGE_INVALID');
      expect(readFileSync(at('taken'))).toEqual(content);
    }
    expect(await codeOf(seal({ recoveryFile: at('no/such/place') }))).toBe('LOG_WRITE_FAILED');
    expect(existsSync(at('no'))).toBe(false);
  });

  it('is not made while the keys are written, nor under a secret that is easily guessed, and leaves nothing then', async () => {
    const before = readdirSync(parent).sort();
    const lock = await lockKeys(directory);
    expect(await codeOf(seal({ recoveryFile: at('recovery') }))).toBe('LOG_LOCKED');
    await lock.release();
    writeFileSync(at('b.pass'), 'short', { mode: 0o600 });
    expect(await codeOf(seal({ recoveryFile: at('recovery'), unlock: [passphrase] }))).toBe('ENCLAVE_UNLOCK_INVALID');
    expect(await codeOf(seal({ recoveryFile: at('recovery'), unlock: [keyFile, keyFile] }))).toBe(
      'ENCLAVE_UNLOCK_INVALID',
    );
    expect(readdirSync(parent).sort()).toEqual(before);
    expect(isRootSealed(directory)).toBe(false);
    expect(await openingCode()).toBe('done');
  });

  it('overwrites the secret that it removes', async () => {
    const opened = openSync(keysFile('root.secret'), 'r');
    await seal();
    const left = Buffer.alloc(secret.length + 1);
    expect(readSync(opened, left, 0, left.length, 0)).toBe(secret.length);
    expect(left.subarray(0, -1)).not.toEqual(secret);
    closeSync(opened);
  });

  it('removes nothing when what was sealed does not open again', async () => {
    const sound = enclave();
    let requests = 0;
    const broken: LaunchedEnclave = {
      ...sound,
      sealingKey: (request) => {
        const key = sound.sealingKey(request);
        if (requests++ > 0) key.reverse();
        return key;
      },
    };
    expect(await codeOf(seal({}, broken))).toBe('ENCLAVE_BLOB_DAMAGED');
    expect(readFileSync(keysFile('root.secret'))).toEqual(secret);
    rmSync(keysFile('root.sealed'));
    expect(await openingCode()).toBe('done');
  });

  it('makes the key file that is to unlock it', async () => {
    const made: UnlockFile = { kind: 'key-file', path: at('made.key') };
    await seal({ unlock: [{ ...made, isNew: true }, passphrase] });
    expect(statSync(made.path)).toMatchObject({ size: 32 });
    expect(statSync(made.path).mode & 0o777).toBe(0o600);
    expect(await openingCode({ unlock: [made, passphrase] })).toBe('done');
    const content = readFileSync(made.path);
    expect(await codeOf(seal({ unlock: [{ ...made, isNew: true }] }))).toBe('USAGE_INVALID');
    expect(readFileSync(made.path)).toEqual(content);
    const other = { ...made, path: at('other.key'), isNew: true };
    writeFileSync(at('b.pass'), 'short', { mode: 0o600 });
    expect(await codeOf(seal({ unlock: [other, passphrase] }))).toBe('ENCLAVE_UNLOCK_REFUSED');
    expect(existsSync(other.path)).toBe(false);
  });
});
