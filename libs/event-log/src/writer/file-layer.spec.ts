import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeFileLayer } from './file-layer';

describe('the disk of a log', () => {
  it.each(['x', './x', 'x/y/z'])('makes the directory `%s`, which is relative', async (path) => {
    const before = process.cwd();
    const directory = mkdtempSync(join(tmpdir(), 'protego-disk-'));
    try {
      process.chdir(directory);
      await nodeFileLayer.makeDirectory(path);
      expect(existsSync(join(directory, path))).toBe(true);
    } finally {
      process.chdir(before);
      rmSync(directory, { recursive: true });
    }
  });
});
