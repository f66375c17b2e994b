import {
  closeSync,
  fstatSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ProtegoError, systemClock } from '@protego/contracts';
import { FileVault, type FileVaultOptions } from './file-vault';
import { openVaultBytes } from './testing/opened-vault';
import { eventOf, storedOf } from './testing/sample-events';
import { shippedFields } from './testing/shipped-fields';
import { openVaultForWriting } from './vault-disk';
import { VAULT_SLOTS_MAX } from './vault-slot';

const ROOT = Buffer.alloc(32, 3);
const EAGER = { slotsMax: VAULT_SLOTS_MAX, compaction: { deadSlotsMin: 1, deadShareMin: 0 } };

/** Content of a file that may have no name any more. */
function contentOf(descriptor: number): Buffer {
  const bytes = Buffer.alloc(fstatSync(descriptor).size);
  readSync(descriptor, bytes, 0, bytes.length, 0);
  return bytes;
}

describe('the file of a vault that is compacted', () => {
  let directory: string;
  let path: string;
  const open: FileVault[] = [];
  const descriptors: number[] = [];

  async function vaultOf(mode: 'write' | 'read', more: Partial<FileVaultOptions> = {}): Promise<FileVault> {
    const opened = await FileVault.open({ directory, mode, root: ROOT, fields: shippedFields(), ...more });
    open.push(opened);
    return opened;
  }

  /** As another process that has it open. */
  function descriptorOf(name: string): number {
    const descriptor = openSync(join(directory, name), 'r');
    descriptors.push(descriptor);
    return descriptor;
  }

  const signIn = (uid: string) => eventOf('access.signed-in', { user: { uid, name: `Name of ${uid}` } });
  const personsIn = (bytes: Buffer): number =>
    new Set(openVaultBytes(bytes, ROOT).map(({ key }) => key.toString('hex'))).size;

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'protego-compaction-'));
    path = join(directory, 'vault');
    const vault = await vaultOf('write');
    for (let number = 0; number < 10; number++) vault.seal(signIn(`u-${number}`));
    await vault.flush();
    await vault.destroy(vault.find('u-0')?.keyIds ?? []);
    await vault.close();
    open.pop();
  });

  afterEach(async () => {
    for (const vault of open.splice(0)) await vault.close();
    for (const descriptor of descriptors.splice(0)) closeSync(descriptor);
    rmSync(directory, { recursive: true });
  });

  it('is a new one for its owner only, and of the old one no key is left on the disk', async () => {
    const old = descriptorOf('vault');
    const { size } = fstatSync(old);
    const before = personsIn(contentOf(old));
    const vault = await vaultOf('write', { limits: EAGER });
    expect(vault.use).toMatchObject({ slots: 20, deadSlots: 1, compaction: 'done', keys: { staff: 9 } });
    expect(readdirSync(directory)).toEqual(['vault', 'vault.mark']);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect([statSync(path).size, personsIn(readFileSync(path))]).toEqual([20 * 256, before]);
    expect([fstatSync(old).nlink, fstatSync(old).size, personsIn(contentOf(old))]).toEqual([0, size, 0]);
    const { sealed, body } = vault.seal(signIn('u-9'));
    await vault.destroy(vault.find('u-9')?.keyIds ?? []);
    expect(vault.use).toMatchObject({ slots: 21, deadSlots: 4 });
    expect(vault.reveal(storedOf({ body } as never), sealed).erased).not.toEqual([]);
  });

  it('is followed by a reader, who forgets whoever was destroyed meanwhile', async () => {
    let nowMs = 0;
    const clock = { ...systemClock, monotonicMs: () => nowMs };
    const reader = await vaultOf('read', { clock });
    const writer = await vaultOf('write');
    const sealings = ['u-1', 'u-2'].map((uid) => writer.seal(signIn(uid)));
    await writer.destroy(writer.find('u-1')?.keyIds ?? []);
    await writer.close();
    open.pop();
    const again = await vaultOf('write', { limits: EAGER });
    const late = again.seal(signIn('u-77'));
    await again.flush();
    const isRevealed = ({ body, sealed }: { body: Buffer; sealed: Uint8Array }): boolean =>
      reader.reveal(storedOf({ body } as never), sealed).erased.length === 0;
    expect([again.use.compaction, ...sealings.map(isRevealed)]).toEqual(['done', true, true]);
    nowMs += 1_000;
    expect([...sealings, late].map(isRevealed)).toEqual([false, true, true]);
    expect([reader.find('u-1'), reader.find('Name of u-1'), reader.use.keys.staff]).toEqual([undefined, undefined, 9]);
    expect(reader.use.deadSlots).toBe(1);
  });

  it('stays when a start ended before it was replaced, and what that left is overwritten', async () => {
    const content = readFileSync(path);
    writeFileSync(join(directory, 'vault.new'), content.subarray(0, 1_000));
    linkSync(path, join(directory, 'vault.old'));
    const rest = descriptorOf('vault.new');
    await vaultOf('write');
    expect(readdirSync(directory)).toEqual(['vault', 'vault.mark']);
    expect(readFileSync(path)).toEqual(content);
    expect([personsIn(content), personsIn(contentOf(rest))]).toEqual([10, 0]);
  });

  it('stays when a start ended after it was replaced, and the old one is overwritten', async () => {
    const content = readFileSync(path);
    writeFileSync(join(directory, 'vault.old'), content);
    const rest = descriptorOf('vault.old');
    await vaultOf('write');
    expect(readdirSync(directory)).toEqual(['vault', 'vault.mark']);
    expect([readFileSync(path).equals(content), personsIn(contentOf(rest))]).toEqual([true, 0]);
  });

  it('leaves the old one, where it is damaged itself', async () => {
    const content = readFileSync(path);
    writeFileSync(join(directory, 'vault.old'), content);
    writeFileSync(path, Buffer.from(content).fill(1, 300, 320));
    await expect(vaultOf('write')).rejects.toMatchObject({ code: 'LOG_KEYS_DAMAGED' });
    expect(readFileSync(join(directory, 'vault.old'))).toEqual(content);
  });

  it('stays as it is when the disk is full, which is said once', async () => {
    const content = readFileSync(path);
    const disk = await openVaultForWriting(directory);
    jest.spyOn(disk, 'syncSuccessor').mockRejectedValue(new ProtegoError('LOG_DISK_FULL', 'no space left'));
    const said = jest.spyOn(process.stderr, 'write').mockReturnValue(true);
    const vault = await vaultOf('write', { limits: EAGER, disk });
    const lines = said.mock.calls.map(([line]) => line);
    said.mockRestore();
    expect(lines).toEqual(['vault: dead slots could not be freed, all is kept: no space left\n']);
    expect(vault.use).toMatchObject({ compaction: 'failed', deadSlots: 4 });
    expect([readFileSync(path).equals(content), readdirSync(directory)]).toEqual([true, ['vault', 'vault.mark']]);
    vault.seal(signIn('u-5'));
  });

  it('is told by a second writer, which no lock kept out: what the first adds or destroys is not durable', async () => {
    const first = await vaultOf('write');
    const second = await vaultOf('write', { limits: EAGER });
    expect(second.use.compaction).toBe('done');
    const refusal = { code: 'LOG_WRITE_FAILED', message: expect.stringContaining('second writer') as string };
    await expect(first.destroy(first.find('u-4')?.keyIds ?? [])).rejects.toMatchObject(refusal);
    expect(readdirSync(directory)).toEqual(['vault', 'vault.mark']);
    first.seal(signIn('u-88'));
    await expect(first.flush()).rejects.toMatchObject(refusal);
    await expect(first.close()).rejects.toMatchObject(refusal);
    open.splice(open.indexOf(first), 1);
    await second.close();
    open.pop();
    expect((await vaultOf('write')).use.keys.staff).toBe(9);
  });

  it('is not durable where somebody has removed it', async () => {
    const vault = await vaultOf('write');
    vault.seal(signIn('u-88'));
    rmSync(path);
    await expect(vault.flush()).rejects.toMatchObject({ code: 'LOG_WRITE_FAILED' });
    await expect(vault.close()).rejects.toMatchObject({ code: 'LOG_WRITE_FAILED' });
    open.pop();
  });

  it.each(['gone', 'empty', 'cut', 'a directory', 'a link to nothing', 'of another log', 'older'])(
    'is not opened when it is %s, and nothing is made in its place',
    async (what) => {
      const older = readFileSync(path);
      const writer = await vaultOf('write', { limits: EAGER });
      await writer.close();
      open.pop();
      const content = readFileSync(path);
      rmSync(path);
      if (what === 'empty') writeFileSync(path, '');
      if (what === 'cut') writeFileSync(path, content.subarray(0, content.length - 256));
      if (what === 'a directory') mkdirSync(path);
      if (what === 'a link to nothing') symlinkSync(join(directory, 'nothing'), path);
      if (what === 'older') writeFileSync(path, older);
      if (what === 'of another log') {
        const other = mkdtempSync(join(tmpdir(), 'protego-other-'));
        await (await FileVault.open({ directory: other, mode: 'write', root: Buffer.alloc(32, 4) })).close();
        renameSync(join(other, 'vault'), path);
        rmSync(other, { recursive: true });
      }
      const before = readdirSync(directory);
      for (const mode of ['read', 'write'] as const)
        await expect(vaultOf(mode)).rejects.toMatchObject({ code: 'LOG_KEYS_DAMAGED' });
      expect(readdirSync(directory)).toEqual(before);
      rmSync(path, { force: true, recursive: true });
      writeFileSync(path, content);
      expect((await vaultOf('write')).use.keys.staff).toBe(9);
    },
  );

  it('is opened when it is older, once whoever put it back has removed the mark', async () => {
    const older = readFileSync(path);
    const writer = await vaultOf('write', { limits: EAGER });
    await writer.close();
    open.pop();
    writeFileSync(path, older);
    rmSync(join(directory, 'vault.mark'));
    expect((await vaultOf('read')).use.keys.staff).toBe(9);
    expect((await vaultOf('write')).use.keys.staff).toBe(9);
    expect(readdirSync(directory)).toEqual(['vault', 'vault.mark']);
  });

  it('is opened without what a crash left beside it', async () => {
    for (const name of ['vault.destroying.new', 'vault.mark.new']) writeFileSync(join(directory, name), '{"ke');
    await vaultOf('write');
    expect(readdirSync(directory)).toEqual(['vault', 'vault.mark']);
  });

  it('is not overwritten by a writer whose file somebody has exchanged', async () => {
    const disk = await openVaultForWriting(directory);
    const content = readFileSync(path);
    rmSync(path);
    writeFileSync(path, content);
    writeFileSync(join(directory, 'vault.old'), content);
    await expect(disk.removeRests()).rejects.toMatchObject({ code: 'LOG_WRITE_FAILED' });
    expect(readFileSync(join(directory, 'vault.old'))).toEqual(content);
    await disk.close();
  });
});
