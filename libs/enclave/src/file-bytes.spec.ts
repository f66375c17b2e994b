import { linkSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { overwriteFile } from './file-bytes';

const KIBIBYTE = 1024;

describe('a file that is overwritten', () => {
  let directory: string;
  const at = (name: string): string => join(directory, name);
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'protego-bytes-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it.each([0, 1, 32, 1024 * KIBIBYTE, 1024 * KIBIBYTE + 1, 2500 * KIBIBYTE])(
    'keeps nothing of its %d bytes but their number',
    async (bytes) => {
      writeFileSync(at('file'), Buffer.alloc(bytes, 7));
      await overwriteFile(at('file'));
      const content = readFileSync(at('file'));
      expect(content).toHaveLength(bytes);
      const blank = Buffer.alloc(32, 7);
      // One random byte may be the old one.
      if (bytes > 1)
        for (let from = 0; from < bytes; from += KIBIBYTE)
          expect(content.subarray(from, from + 32).equals(blank)).toBe(false);
      if (bytes > 32) expect(content.subarray(-32)).not.toEqual(blank);
    },
  );

  it('is not what a link leads to, and stays where it may not be', async () => {
    writeFileSync(at('file'), 'kept');
    symlinkSync(at('file'), at('link'));
    await expect(overwriteFile(at('link'))).rejects.toMatchObject({ code: 'ELOOP' });
    linkSync(at('file'), at('other'));
    const check = ({ nlink }: { nlink: number }): void => {
      if (nlink > 1) throw new Error('it has two names');
    };
    await expect(overwriteFile(at('file'), check)).rejects.toThrow('two names');
    expect(readFileSync(at('file'), 'utf8')).toBe('kept');
  });
});
