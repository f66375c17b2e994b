import { isFreedMemoryOverwritten, overwritingFreedMemory } from './freed-memory';

const ON = 'glibc.malloc.perturb=165:glibc.malloc.tcache_count=0';

describe('overwritingFreedMemory', () => {
  it('adds its settings to those that are there', () => {
    expect(overwritingFreedMemory({ PATH: '/bin' })).toEqual({ PATH: '/bin', GLIBC_TUNABLES: ON });
    const set = { GLIBC_TUNABLES: 'glibc.malloc.arena_max=2:glibc.malloc.perturb=0' };
    expect(overwritingFreedMemory(set)).toEqual({ GLIBC_TUNABLES: `glibc.malloc.arena_max=2:${ON}` });
  });

  it.each([
    [{}, false],
    [{ GLIBC_TUNABLES: 'glibc.malloc.perturb=0:glibc.malloc.tcache_count=0' }, false],
    [{ GLIBC_TUNABLES: 'glibc.malloc.perturb=165' }, false],
    [{ GLIBC_TUNABLES: 'glibc.malloc.tcache_count=0' }, false],
    [{ GLIBC_TUNABLES: 'glibc.malloc.tcache_count=0:glibc.malloc.perturb=1' }, true],
  ])('is seen in %j: %s', (environment, isSeen) => {
    expect(isFreedMemoryOverwritten(environment)).toBe(isSeen);
    expect(isFreedMemoryOverwritten(overwritingFreedMemory(environment))).toBe(true);
  });
});
