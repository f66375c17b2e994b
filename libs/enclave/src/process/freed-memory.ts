/** Where glibc looks for settings, and the one by which `free` overwrites what it gets back with a pattern. */
const TUNABLES = 'GLIBC_TUNABLES';
const OVERWRITE = 'glibc.malloc.perturb=165';

/**
 * An environment in which a process overwrites native memory that it gives back: messages that were received, and buffers
 * that the garbage collector has let go of. A process cannot ask for it once it runs. Another C library than glibc ignores it.
 */
export function overwritingFreedMemory(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const others = (environment[TUNABLES] ?? '').split(':').filter((each) => each !== '' && !isOverwriting(each));
  return { ...environment, [TUNABLES]: [...others, OVERWRITE].join(':') };
}

/** Whether a process with this environment overwrites what it gives back. */
export function isFreedMemoryOverwritten(environment: NodeJS.ProcessEnv): boolean {
  return (environment[TUNABLES] ?? '').split(':').some((each) => isOverwriting(each) && !each.endsWith('=0'));
}

function isOverwriting(setting: string): boolean {
  return setting.startsWith('glibc.malloc.perturb=');
}
