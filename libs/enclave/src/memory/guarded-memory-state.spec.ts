import { stateOf, type KnownState } from './guarded-memory-state';

const LIMITS = [
  'Limit                     Soft Limit           Hard Limit           Units     ',
  'Max processes             95000                95000                processes ',
  'Max locked memory         65536                8388608              bytes     ',
].join('\n');
const STATUS = 'Name:\tnode\nVmPin:\t       0 kB\nVmLck:\t     128 kB\nVmRSS:\t    1 kB\n';
const mapping = (kibibytes: number, flags: string): string =>
  `Size:      ${kibibytes} kB\nRss: 4 kB\nVmFlags: ${flags} \n`;
const LOCKED: KnownState = { isLocked: true, guardedBytes: 8192, unlockedBytes: 0, undumpedBytesMin: 8192 };

describe('the state of guarded memory', () => {
  it('is read from what the kernel tells', () => {
    const smaps = mapping(16, 'rd wr mr mw me ac') + mapping(12, 'rd wr mr mw me lo ac dd');
    expect(stateOf({ limits: LIMITS, status: STATUS, smaps }, LOCKED)).toEqual({
      isLocked: true,
      isLeftOutOfCoreDumps: true,
      lockLimitBytes: 65_536,
      lockedBytes: 131_072,
      guardedBytes: 8_192,
      unlockedBytes: 0,
    });
  });

  it('says what is unknown where there is nothing to read', () => {
    expect(stateOf({}, LOCKED)).toMatchObject({ isLeftOutOfCoreDumps: null, lockLimitBytes: null, lockedBytes: null });
    expect(stateOf({ smaps: 'Size: 4 kB\n' }, LOCKED).isLeftOutOfCoreDumps).toBeNull();
    expect(stateOf({}, { ...LOCKED, isLocked: false }).warning).toContain('(unknown)');
  });

  it('knows that there may be no limit', () => {
    const limits = LIMITS.replace('65536', 'unlimited');
    expect(stateOf({ limits }, LOCKED).lockLimitBytes).toBe(Infinity);
  });

  it('warns of what may be swapped out or dumped, with the limit', () => {
    const smaps = mapping(4, 'rd wr mr mw me lo ac dd') + mapping(64, 'rd mr pf io de dd') + mapping(64, 'rd wr mr');
    const { warning, isLeftOutOfCoreDumps } = stateOf({ limits: LIMITS, smaps }, { ...LOCKED, isLocked: false });
    expect(isLeftOutOfCoreDumps).toBe(false);
    expect(warning).toMatch(/swapped out.*65536 bytes.*ulimit -l.*; .*core dumps.*ulimit -c 0/);
  });
});
