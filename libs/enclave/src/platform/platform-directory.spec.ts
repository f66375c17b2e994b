import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { platformDirectoryOf } from './platform-directory';

describe('platformDirectoryOf', () => {
  let root: string;
  beforeEach(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'protego-place-')));
    mkdirSync(join(root, 'log/keys'), { recursive: true });
  });
  afterEach(() => rmSync(root, { recursive: true }));
  const placeOf = (named?: string): string => platformDirectoryOf(join(root, 'log'), join(root, 'log/keys'), named);

  it('is `platform` beside the log unless it is named', () => {
    expect(placeOf()).toBe(join(root, 'platform'));
    expect(placeOf('')).toBe(join(root, 'platform'));
    expect(placeOf('/elsewhere')).toBe('/elsewhere');
    expect(placeOf(join(root, 'log-platform'))).toBe(join(root, 'log-platform'));
    expect(platformDirectoryOf('log', 'keys')).toBe(join(process.cwd(), 'platform'));
  });

  it.each(['log', 'log/platform', 'log/keys', 'log/keys/deep/platform', 'other/../log/x'])('refuses %s', (named) => {
    expect(() => placeOf(join(root, named))).toThrow(expect.objectContaining({ code: 'USAGE_INVALID' }) as Error);
  });

  it('refuses a place that a link leads to', () => {
    symlinkSync(join(root, 'log/keys'), join(root, 'aside'));
    expect(() => placeOf(join(root, 'aside/new'))).toThrow(expect.objectContaining({ code: 'USAGE_INVALID' }) as Error);
  });

  it('refuses a default that lies among the keys', () => {
    expect(() => platformDirectoryOf(join(root, 'log'), root)).toThrow('which is backed up');
  });
});
