import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { open, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isProtegoError } from '@protego/contracts';
import { HeldSecrets, type UnlockFile } from './unlock-files';
import { makeUnlockKeyFile, type UnlockSecret } from './unlock-secret';
import { unwrapRoot, wrapRoot } from './wrapped-root';

const ROOT = Buffer.alloc(32, 0x77);

describe('unlock secrets in files', () => {
  let directory: string;
  const at = (name: string): string => join(directory, name);
  const keyFile = (name: string): UnlockFile => ({ kind: 'key-file', path: at(name) });
  const passphrase = (name: string): UnlockFile => ({ kind: 'passphrase', path: at(name) });
  const put = (name: string, content: Buffer | string): void => writeFileSync(at(name), content, { mode: 0o600 });

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'unlock-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  async function reading<T>(
    files: readonly UnlockFile[],
    use: (secrets: readonly UnlockSecret[]) => T | Promise<T>,
  ): Promise<T> {
    const held = await HeldSecrets.read(files);
    try {
      return await use(held.secrets);
    } finally {
      held.free();
    }
  }

  const passphraseIn = (name: string): Promise<string | undefined> =>
    reading([passphrase(name)], ([secret]) =>
      secret?.kind === 'passphrase' ? secret.passphrase.toString('utf8') : undefined,
    );

  const codeOf = (files: readonly UnlockFile[]): Promise<string> =>
    reading(files, () => 'read').catch((error: unknown) => (isProtegoError(error) ? error.code : String(error)));

  it('unlock what was wrapped under them, in their order', async () => {
    await makeUnlockKeyFile(at('a.key'));
    put('b.pass', 'correct horse battery\n');
    const files = [keyFile('a.key'), passphrase('b.pass')];
    const wrapped = await reading(files, (secrets) => wrapRoot(ROOT, secrets));
    expect(await reading(files, (secrets) => unwrapRoot(wrapped, secrets))).toEqual(ROOT);
    const swapped = reading([...files].reverse(), (secrets) => unwrapRoot(wrapped, secrets));
    await expect(swapped).rejects.toMatchObject({ code: 'ENCLAVE_UNLOCK_REFUSED' });
  });

  it.each([
    ['one\n', 'one'],
    ['one', 'one'],
    ['one\n\n', 'one\n'],
    [' one two ', ' one two '],
    [`${'x'.repeat(1024)}\n`, 'x'.repeat(1024)],
  ])('leave out one line feed at the end of a passphrase: %j', async (content, expected) => {
    put('pass', content);
    expect(await passphraseIn('pass')).toBe(expected);
  });

  it('may come through a FIFO', async () => {
    spawnSync('mkfifo', ['-m', '600', at('pass')]);
    const [read] = await Promise.all([passphraseIn('pass'), writeFile(at('pass'), 'correct horse battery\n')]);
    expect(read).toBe('correct horse battery');
  });

  it('may come through a FIFO in pieces, and after a while', async () => {
    spawnSync('mkfifo', ['-m', '600', at('pass')]);
    const reading = passphraseIn('pass');
    await delay(60);
    const writer = await open(at('pass'), 'w');
    await delay(60);
    await writer.write('correct horse ');
    await delay(60);
    await writer.write('battery\n');
    await writer.close();
    expect(await reading).toBe('correct horse battery');
  });

  it('are read again as they are by now, but for one from a FIFO', async () => {
    spawnSync('mkfifo', ['-m', '600', at('fifo')]);
    put('a.key', Buffer.alloc(32, 1));
    const files = [keyFile('a.key'), passphrase('fifo')];
    const [held] = await Promise.all([HeldSecrets.read(files), writeFile(at('fifo'), 'correct horse battery\n\n')]);
    put('a.key', Buffer.alloc(33, 2));
    const again = await held.readAgain();
    const third = await again.readAgain();
    held.free();
    for (const { secrets } of [again, third])
      expect(secrets).toEqual([
        { kind: 'key-file', content: Buffer.alloc(33, 2) },
        { kind: 'passphrase', passphrase: Buffer.from('correct horse battery\n') },
      ]);
    rmSync(at('a.key'));
    await expect(again.readAgain()).rejects.toMatchObject({ code: 'ENCLAVE_UNLOCK_INVALID' });
    again.free();
    third.free();
  });

  it('are wiped when they are freed, and when one of them cannot be read', async () => {
    put('pass', 'correct horse battery');
    const held = await HeldSecrets.read([passphrase('pass')]);
    held.free();
    expect(held.secrets).toEqual([]);
    expect(await codeOf([passphrase('pass'), keyFile('none')])).toBe('ENCLAVE_UNLOCK_INVALID');
  });

  it('are made once as key files, at random and for their owner only', async () => {
    await makeUnlockKeyFile(at('a'));
    await makeUnlockKeyFile(at('b'));
    expect(statSync(at('a')).mode & 0o777).toBe(0o600);
    await reading([keyFile('a'), keyFile('b')], ([a, b]) => expect(a).not.toEqual(b));
    await expect(makeUnlockKeyFile(at('a'))).rejects.toMatchObject({ code: 'USAGE_INVALID' });
  });

  it('are refused when they are missing, too short, too long, no files, or others can read them', async () => {
    for (const file of [keyFile('none'), passphrase('none')])
      expect(await codeOf([file])).toBe('ENCLAVE_UNLOCK_INVALID');
    for (const bytes of [0, 31, 4097, 10_000]) {
      put('a', Buffer.alloc(bytes, 1));
      expect(await codeOf([keyFile('a')])).toBe('ENCLAVE_UNLOCK_INVALID');
    }
    for (const content of ['', '\n', 'x'.repeat(1025), `${'x'.repeat(1025)}\n`, 'x'.repeat(9_000)]) {
      put('b', content);
      expect(await codeOf([passphrase('b')])).toBe('ENCLAVE_UNLOCK_INVALID');
    }
    mkdirSync(at('folder'), { mode: 0o700 });
    expect(await codeOf([passphrase('folder')])).toBe('ENCLAVE_UNLOCK_INVALID');
    put('c', Buffer.alloc(32));
    for (const mode of [0o640, 0o604, 0o660]) {
      chmodSync(at('c'), mode);
      for (const file of [keyFile('c'), passphrase('c')]) expect(await codeOf([file])).toBe('LOG_KEYS_DAMAGED');
    }
  });
});
