import { isFreedMemoryOverwritten, overwritingFreedMemory } from './freed-memory';

describe('overwritingFreedMemory', () => {
  it('adds its setting to those that are there', () => {
    expect(overwritingFreedMemory({ PATH: '/bin' })).toEqual({
      PATH: '/bin',
      GLIBC_TUNABLES: 'glibc.malloc.perturb=165',
    });
    const set = { GLIBC_TUNABLES: 'glibc.malloc.perturb=0:glibc.malloc.arena_max=2' };
    expect(overwritingFreedMemory(set)).toEqual({
      GLIBC_TUNABLES: 'glibc.malloc.arena_max=2:glibc.malloc.perturb=165',
    });
  });

  it.each([
    [{}, false],
    [{ GLIBC_TUNABLES: 'glibc.malloc.perturb=0' }, false],
    [{ GLIBC_TUNABLES: 'glibc.malloc.arena_max=2' }, false],
    [{ GLIBC_TUNABLES: 'glibc.malloc.arena_max=2:glibc.malloc.perturb=1' }, true],
  ])('is seen in %j: %s', (environment, isSeen) => {
    expect(isFreedMemoryOverwritten(environment)).toBe(isSeen);
    expect(isFreedMemoryOverwritten(overwritingFreedMemory(environment))).toBe(true);
  });
});
