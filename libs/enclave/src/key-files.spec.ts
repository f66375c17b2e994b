import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeKeyDirectory, writeNewFile } from './key-files';

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

describe('a new file', () => {
  it('is written for its owner only, and never over another', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'protego-keys-'));
    const path = join(directory, 'new');
    try {
      expect(await writeNewFile(path, Buffer.from('first'))).toBe(true);
      expect(await writeNewFile(path, Buffer.from('second'))).toBe(false);
      expect([readFileSync(path, 'utf8'), statSync(path).mode & 0o777]).toEqual(['first', 0o600]);
      expect(readdirSync(directory)).toEqual(['new']);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it.each(['EPERM', 'EOPNOTSUPP'])('is written also where there are no hard links (%s)', async (code) => {
    const directory = mkdtempSync(join(tmpdir(), 'protego-keys-'));
    const calls = createRequire(__filename)('node:fs/promises') as { link: unknown };
    const { link } = calls;
    calls.link = () => Promise.reject(Object.assign(new Error(code), { code }));
    try {
      const path = join(directory, 'new');
      expect(await writeNewFile(path, Buffer.from('first'))).toBe(true);
      expect(await writeNewFile(path, Buffer.from('second'))).toBe(false);
      expect([readFileSync(path, 'utf8'), readdirSync(directory)]).toEqual(['first', ['new']]);
    } finally {
      calls.link = link;
      rmSync(directory, { recursive: true });
    }
  });
});
