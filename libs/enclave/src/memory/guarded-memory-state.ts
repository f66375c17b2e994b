import { readFileSync } from 'node:fs';
import { GuardedBytes, guardedMemoryUse } from './guarded-memory';

/** How well guarded memory is protected in this process, as a quote states it. */
export interface GuardedMemoryState {
  /** Whether all guarded memory that is allocated is locked; without any, whether a piece for trial could be. */
  readonly isLocked: boolean;
  /** Whether the kernel leaves guarded memory out of core dumps; null where it does not tell. */
  readonly isLeftOutOfCoreDumps: boolean | null;
  /** Limit on locked memory, bytes: Infinity when there is none, null where the kernel does not tell. */
  readonly lockLimitBytes: number | null;
  /** Memory that the whole process has locked, bytes; null where the kernel does not tell. */
  readonly lockedBytes: number | null;
  /** Guarded memory that is allocated, bytes. */
  readonly guardedBytes: number;
  /** Part of it that the kernel would not lock, bytes. */
  readonly unlockedBytes: number;
  /** What is not as it should be and how to mend it, one sentence; absent when all is well. */
  readonly warning?: string;
}

/** What the kernel tells about the process; undefined where it does not. */
export interface ProcessFiles {
  /** `/proc/self/limits` */
  readonly limits?: string;
  /** `/proc/self/status` */
  readonly status?: string;
  /** `/proc/self/smaps` */
  readonly smaps?: string;
}

/** Looks at how guarded memory is protected in this process now; takes a few milliseconds. See proc(5), mlock(2). */
export function guardedMemoryState(): GuardedMemoryState {
  const probe = GuardedBytes.allocate(16);
  try {
    const { pieces, bytes, unlockedBytes } = guardedMemoryUse();
    const isProbeOnly = pieces === 1;
    const guardedBytes = bytes - probe.length;
    const otherUnlockedBytes = probe.isLocked ? unlockedBytes : unlockedBytes - probe.length;
    return stateOf(processFiles(), {
      isLocked: isProbeOnly ? probe.isLocked : otherUnlockedBytes === 0,
      guardedBytes,
      unlockedBytes: otherUnlockedBytes,
      undumpedBytesMin: bytes,
    });
  } finally {
    probe.free();
  }
}

/** What the process itself knows of its guarded memory. */
export interface KnownState {
  readonly isLocked: boolean;
  readonly guardedBytes: number;
  readonly unlockedBytes: number;
  /** So many bytes must be marked to be left out of core dumps. */
  readonly undumpedBytesMin: number;
}

/** The state from what the kernel and the process tell. */
export function stateOf(files: ProcessFiles, known: KnownState): GuardedMemoryState {
  const { isLocked, guardedBytes, unlockedBytes, undumpedBytesMin } = known;
  const undumped = undumpedBytesOf(files.smaps);
  const lockLimitBytes = lockLimitOf(files.limits);
  const isLeftOutOfCoreDumps = undumped === null ? null : undumped >= undumpedBytesMin;
  const warnings: string[] = [];
  if (!isLocked) {
    const limit = lockLimitBytes === null ? 'unknown' : `${lockLimitBytes} bytes`;
    warnings.push(
      `guarded memory may be swapped out: the limit on locked memory (${limit}) is too small for it; raise it with \`ulimit -l\` or LimitMEMLOCK=`,
    );
  }
  if (isLeftOutOfCoreDumps === false)
    warnings.push('guarded memory may appear in core dumps: forbid them with `ulimit -c 0`');
  return {
    isLocked,
    isLeftOutOfCoreDumps,
    lockLimitBytes,
    lockedBytes: lockedBytesOf(files.status),
    guardedBytes,
    unlockedBytes,
    ...(warnings.length > 0 && { warning: warnings.join('; ') }),
  };
}

function lockLimitOf(limits: string | undefined): number | null {
  const soft = /^Max locked memory\s+(\d+|unlimited)\s/m.exec(limits ?? '')?.[1];
  if (soft === undefined) return null;
  return soft === 'unlimited' ? Infinity : Number(soft);
}

function lockedBytesOf(status: string | undefined): number | null {
  const kibibytes = /^VmLck:\s+(\d+) kB$/m.exec(status ?? '')?.[1];
  return kibibytes === undefined ? null : Number(kibibytes) * 1024;
}

/** Bytes of writable mappings with the flag `dd`: not dumped. */
function undumpedBytesOf(smaps: string | undefined): number | null {
  if (smaps === undefined || !smaps.includes('VmFlags:')) return null;
  let bytes = 0;
  let mappingBytes = 0;
  for (const line of smaps.split('\n')) {
    const size = /^Size:\s+(\d+) kB$/.exec(line)?.[1];
    if (size !== undefined) mappingBytes = Number(size) * 1024;
    else if (/^VmFlags:.* wr .*\bdd\b/.test(line)) bytes += mappingBytes;
  }
  return bytes;
}

function processFiles(): ProcessFiles {
  return {
    limits: textOf('/proc/self/limits'),
    status: textOf('/proc/self/status'),
    smaps: textOf('/proc/self/smaps'),
  };
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // Systems without /proc do not tell; the state says so with null.
    return undefined;
  }
}
