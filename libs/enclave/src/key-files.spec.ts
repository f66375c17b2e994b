import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeKeyDirectory } from './key-files';

describe('the key directory', () => {
  it.each(['x', './x', 'x/y/z'])('is made as `%s`, which is relative', async (path) => {
    const before = process.cwd();
    const directory = mkdtempSync(join(tmpdir(), 'protego-keys-'));
    try {
      process.chdir(directory);
      await makeKeyDirectory(path);
      expect(existsSync(join(directory, path))).toBe(true);
    } finally {
      process.chdir(before);
      rmSync(directory, { recursive: true });
    }
  });
});
