import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ProtegoError } from '@protego/contracts';
import { isDirectoryLocked, lockDirectory } from './directory-lock';

describe('isDirectoryLocked', () => {
  it('tells whether somebody holds the right to a directory, and takes nothing', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'protego-lock-'));
    const held = (): ProtegoError => new ProtegoError('LOG_LOCKED', 'held');
    expect(await isDirectoryLocked(directory, 'keys')).toBe(false);
    const lock = await lockDirectory(directory, 'keys', held);
    expect(await isDirectoryLocked(directory, 'keys')).toBe(true);
    expect(await isDirectoryLocked(directory, 'log')).toBe(false);
    await lock.release();
    expect(await isDirectoryLocked(directory, 'keys')).toBe(false);
    await (await lockDirectory(directory, 'keys', held)).release();
    rmSync(directory, { recursive: true });
  });
});
