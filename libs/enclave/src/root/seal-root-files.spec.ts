import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isProtegoError } from '@protego/contracts';
import { openHouseKeys, openServedHouse } from '../house-keys';
import { GuardedBytes } from '../memory/guarded-memory';
import { type LaunchedEnclave } from '../platform/platform';
import { MemoryCounters, memoryPlatform } from '../testing/memory-platform';
import { sampleImage } from '../testing/sample-enclaves';
import { type UnlockFile } from '../unlock/unlock-files';
import { sealRoot, type SealRootOptions, type SealedRootReport } from './seal-root';
import * as sealedRoot from './sealed-root';

jest.mock('./sealed-root', () => ({ __esModule: true, ...jest.requireActual<typeof sealedRoot>('./sealed-root') }));

describe('the files of a root that is sealed', () => {
  let parent: string;
  let directory: string;
  let counters: MemoryCounters;
  let secret: Buffer;
  const at = (name: string): string => join(parent, name);
  const keysFile = (name: string): string => join(directory, name);
  const rootFiles = (): string[] => readdirSync(directory).filter((name) => name.startsWith('root'));
  const put = (name: string, content: Buffer | string): string => {
    writeFileSync(at(name), content, { mode: 0o600 });
    return at(name);
  };
  const keyFile = (path: string): UnlockFile => ({ kind: 'key-file', path });
  const enclave = (): LaunchedEnclave => memoryPlatform({ seed: 'root', counters }).launch(sampleImage());
  const seal = (options: Partial<SealRootOptions> = {}, by = enclave()): Promise<SealedRootReport> =>
    sealRoot(by, { directory, unlock: [], ...options });
  const codeOf = (action: Promise<unknown>): Promise<string> =>
    action.then(
      () => 'done',
      (error: unknown) => (isProtegoError(error) ? error.code : String(error)),
    );
  const openingCode = (unlock: readonly UnlockFile[] = [], place = directory): Promise<string> =>
    codeOf(openServedHouse({ directory: place, mode: 'write', unlock }, enclave()).then(({ house }) => house.close()));

  beforeEach(async () => {
    parent = mkdtempSync(join(tmpdir(), 'protego-root-files-'));
    directory = at('keys');
    counters = new MemoryCounters();
    await (await openHouseKeys({ directory, mode: 'write' })).close();
    secret = readFileSync(keysFile('root.secret'));
  });
  afterEach(() => {
    jest.restoreAllMocks();
    rmSync(parent, { recursive: true });
  });

  it.each(['recoveryFile', 'rootSecretFile', 'unlock', 'nothing'] as const)(
    'are not touched when `root.secret` has another name, which is given as %s',
    async (option) => {
      linkSync(keysFile('root.secret'), at('other'));
      const given = option === 'unlock' ? { unlock: [keyFile(at('other'))] } : { [option]: at('other') };
      expect(await codeOf(seal(option === 'nothing' ? {} : given))).toBe('ENCLAVE_ROOT_LINKED');
      expect([rootFiles(), readFileSync(at('other'))]).toEqual([['root.secret'], secret]);
      expect(await openingCode()).toBe('done');
      rmSync(at('other'));
      expect(await codeOf(seal())).toBe('done');
    },
  );

  it.each(['recoveryFile', 'rootSecretFile', 'nothing'] as const)(
    'are not touched when `root.secret` leads to another file, which is given as %s',
    async (option) => {
      renameSync(keysFile('root.secret'), at('other'));
      symlinkSync(at('other'), keysFile('root.secret'));
      expect(await openingCode()).toBe('done');
      const refused = await seal(option === 'nothing' ? {} : { [option]: at('other') }).catch(
        (error: unknown) => error,
      );
      expect(refused).toMatchObject({
        code: 'ENCLAVE_ROOT_LINKED',
        message: expect.stringContaining('cp -p') as string,
      });
      expect([rootFiles(), readFileSync(at('other'))]).toEqual([['root.secret'], secret]);
    },
  );

  it.each(['root.secret.old', 'root.secret.new'])('are not touched when `%s` has another name', async (name) => {
    put('copy', secret);
    linkSync(at('copy'), keysFile(name));
    expect(await codeOf(seal({ recoveryFile: at('copy') }))).toBe('ENCLAVE_ROOT_LINKED');
    rmSync(keysFile(name));
    await seal({ recoveryFile: at('copy') });
    linkSync(at('copy'), keysFile(name));
    expect(await openingCode()).toBe('ENCLAVE_ROOT_LINKED');
    expect(readFileSync(at('copy'))).toEqual(secret);
  });

  it('must lie elsewhere than the keys, whatever name their directory has', async () => {
    symlinkSync(directory, at('alias'));
    for (const recoveryFile of ['keys/root.secret', 'alias/root.secret', 'alias/root.secret.old', 'alias/new'])
      expect(await codeOf(seal({ recoveryFile: at(recoveryFile) }))).toBe('USAGE_INVALID');
    expect(await codeOf(seal({ unlock: [keyFile(at('alias/root.secret'))] }))).toBe('USAGE_INVALID');
    expect(await codeOf(seal({ unlock: [{ ...keyFile(at('alias/k')), isNew: true }] }))).toBe('USAGE_INVALID');
    expect([rootFiles(), readFileSync(keysFile('root.secret'))]).toEqual([['root.secret'], secret]);
  });

  it('opens however the key directory is reached', async () => {
    symlinkSync(directory, at('alias'));
    await seal({ directory: at('alias') });
    expect([await openingCode(), await openingCode([], at('alias'))]).toEqual(['done', 'done']);
  });

  it('goes nowhere without the secrets as they lie on the disk', async () => {
    const unlock = [keyFile(put('a.key', Buffer.alloc(32, 5)))];
    const sound = enclave();
    let changed = false;
    // The first thing that is asked of the enclave comes after the secrets were read.
    const meddled: LaunchedEnclave = {
      ...sound,
      sealingKey: (request) => {
        if (!changed) put('a.key', Buffer.alloc(32, 6));
        changed = true;
        return sound.sealingKey(request);
      },
    };
    expect(await codeOf(seal({ unlock }, meddled))).toBe('ENCLAVE_UNLOCK_REFUSED');
    expect(readFileSync(keysFile('root.secret'))).toEqual(secret);
  });

  it('stays as it was sealed before, where a secret changed before it was sealed anew', async () => {
    const unlock = [keyFile(put('a.key', Buffer.alloc(32, 5)))];
    await seal({ unlock });
    const before = readFileSync(keysFile('root.sealed'));
    const { openSealedRoot } = sealedRoot;
    jest.spyOn(sealedRoot, 'openSealedRoot').mockImplementationOnce(async (...args) => {
      const opened = await openSealedRoot(...args);
      put('a.key', Buffer.alloc(32, 6));
      return opened;
    });
    expect(await codeOf(seal({ unlock }))).toBe('ENCLAVE_UNLOCK_REFUSED');
    expect(readFileSync(keysFile('root.sealed'))).toEqual(before);
    put('a.key', Buffer.alloc(32, 5));
    expect(await openingCode(unlock)).toBe('done');
  });

  it.each([
    ['before', 0, ['root.sealed', 'root.secret']],
    ['after', 1, ['root.sealed', 'root.secret']],
  ])('leaves the secret when what was sealed opens as another one %s it was removed', async (_when, calls, files) => {
    const { openSealedRoot } = sealedRoot;
    let left = calls;
    jest.spyOn(sealedRoot, 'openSealedRoot').mockImplementation(async (...args) => {
      const opened = await openSealedRoot(...args);
      if (left-- > 0) return opened;
      opened.root.free();
      return { ...opened, root: GuardedBytes.take(Buffer.alloc(32, 1)) };
    });
    expect(await codeOf(seal())).toBe('ENCLAVE_BLOB_DAMAGED');
    expect([rootFiles().sort(), readFileSync(keysFile('root.secret'))]).toEqual([files, secret]);
    jest.restoreAllMocks();
    expect(await codeOf(seal())).toBe('done');
    expect(await openingCode()).toBe('done');
  });

  it('is not sealed beside a recovery copy that was altered meanwhile', async () => {
    const { openSealedRoot } = sealedRoot;
    jest.spyOn(sealedRoot, 'openSealedRoot').mockImplementationOnce((...args) => {
      put('recovery', Buffer.alloc(32));
      return openSealedRoot(...args);
    });
    expect(await codeOf(seal({ recoveryFile: at('recovery') }))).toBe('USAGE_INVALID');
    expect(readFileSync(keysFile('root.secret'))).toEqual(secret);
  });

  it('takes an empty file, which a crash left, for none, and clears what else it left', async () => {
    put('recovery', '');
    put('a.key', '');
    put('.recovery.0123456789abcdef.new', secret);
    put('.recovery.mine.new', 'kept');
    writeFileSync(keysFile('root.secret.new'), secret, { mode: 0o600 });
    await seal({ recoveryFile: at('recovery'), unlock: [{ ...keyFile(at('a.key')), isNew: true }] });
    expect([readFileSync(at('recovery')), readFileSync(at('a.key')).length]).toEqual([secret, 32]);
    expect(rootFiles()).toEqual(['root.sealed']);
    expect(readdirSync(parent).sort()).toEqual(['.recovery.mine.new', 'a.key', 'keys', 'recovery']);
    expect(await openingCode([keyFile(at('a.key'))])).toBe('done');
  });

  it('keeps no second name of a key file that a crash left when it was made', async () => {
    put('a.key', Buffer.alloc(32, 5));
    linkSync(at('a.key'), at('.a.key.0123456789abcdef.new'));
    put('recovery', secret);
    linkSync(at('recovery'), at('.recovery.0123456789abcdef.new'));
    await seal({ recoveryFile: at('recovery'), unlock: [keyFile(at('a.key'))] });
    expect(readdirSync(parent).sort()).toEqual(['a.key', 'keys', 'recovery']);
    expect([readFileSync(at('recovery')), await openingCode([keyFile(at('a.key'))])]).toEqual([secret, 'done']);
  });

  it('writes no recovery copy over a link', async () => {
    mkdirSync(at('safe'));
    symlinkSync(at('safe/none'), at('recovery'));
    expect(await codeOf(seal({ recoveryFile: at('recovery') }))).toBe('USAGE_INVALID');
    expect([existsSync(at('safe/none')), rootFiles()]).toEqual([false, ['root.secret']]);
  });
});
