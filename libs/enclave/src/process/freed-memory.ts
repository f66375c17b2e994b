/** Where glibc looks for settings. */
const TUNABLES = 'GLIBC_TUNABLES';
/**
 * By the first, `free` overwrites what it gets back with a pattern; but not what it puts into a cache of the thread for small
 * pieces, which the second leaves empty.
 */
const OVERWRITE = { 'glibc.malloc.perturb': '165', 'glibc.malloc.tcache_count': '0' };

/**
 * An environment in which a process overwrites native memory that it gives back: messages that were received, and buffers
 * that the garbage collector has let go of. A process cannot ask for it once it runs. Another C library than glibc ignores it.
 */
export function overwritingFreedMemory(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const settings = Object.entries({ ...settingsOf(environment), ...OVERWRITE }).map((setting) => setting.join('='));
  return { ...environment, [TUNABLES]: settings.join(':') };
}

/** Whether a process with this environment overwrites what it gives back. */
export function isFreedMemoryOverwritten(environment: NodeJS.ProcessEnv): boolean {
  const { 'glibc.malloc.perturb': pattern = '0', 'glibc.malloc.tcache_count': cached } = settingsOf(environment);
  return pattern !== '0' && cached === '0';
}

function settingsOf(environment: NodeJS.ProcessEnv): Record<string, string> {
  const settings = (environment[TUNABLES] ?? '').split(':').map((setting) => setting.split('=') as [string, string?]);
  return Object.fromEntries(settings.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}
