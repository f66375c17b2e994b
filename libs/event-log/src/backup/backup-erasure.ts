import { canonicalJson, formatRfc3339, messageOf, type Clock } from '@protego/contracts';
import type { CopyOutOfReach } from '../erasure/copy-out-of-reach';
import { copyKeys } from './backup-keys';
import { registeredBackups } from './backup-registry';
import { ERASURES_OBJECT, readSmall, type BackupTarget } from './backup-target';

/** Opens the target at a location that a backup was registered with. */
export type TargetOpener = (location: string) => Promise<BackupTarget>;

/** Most bytes of a target's list of destroyed keys: one for each key of a full vault. */
const ERASURES_BYTES_MAX = 1 << 28;
const KEY_ID = /^[0-9a-f]{32}$/;

/** In which backups keys were destroyed, and in which they could not be. */
export interface BackupErasure {
  /** Locations. */
  readonly erased: string[];
  readonly outOfReach: CopyOutOfReach[];
}

/**
 * Destroys keys in every registered backup within reach: names them in the target's list, and writes the present vault
 * over its copy. Failures make a target one out of reach, never an error: the keys are destroyed here already.
 */
export async function eraseFromBackups(
  parts: {
    readonly directory: string;
    readonly keysDirectory: string;
    readonly clock: Clock;
    readonly openTarget?: TargetOpener;
  },
  keyIds: readonly string[],
): Promise<BackupErasure> {
  const { directory, keysDirectory, clock, openTarget } = parts;
  const result: BackupErasure = { erased: [], outOfReach: [] };
  for (const { location, lastBackupAt } of registeredBackups(directory)) {
    try {
      if (openTarget === undefined) throw new Error('it was not opened');
      const target = await openTarget(location);
      try {
        await addErasures(target, keyIds, clock.wallMs());
        await copyKeys(target, keysDirectory);
      } finally {
        await target.close();
      }
      result.erased.push(location);
    } catch (cause) {
      const note = `backup of ${lastBackupAt}, could not be changed: ${messageOf(cause)}; back up again, or delete it`;
      result.outOfReach.push({ kind: 'backup', name: location, note });
    }
  }
  return result;
}

/** Adds keys to a target's list of destroyed ones, durably. */
export async function addErasures(target: BackupTarget, keyIds: readonly string[], nowMs: number): Promise<void> {
  const known = await readErasures(target);
  const missing = keyIds.filter((keyId) => !known.has(keyId));
  if (missing.length === 0) return;
  const before = (await readSmall(target, ERASURES_OBJECT, ERASURES_BYTES_MAX)) ?? Buffer.alloc(0);
  // A last line that a crash cut short is ended, so that the next does not become part of it.
  const gap = before.length === 0 || before.at(-1) === 0x0a ? '' : '\n';
  const at = formatRfc3339(nowMs);
  const lines = missing.map((keyId) => `${canonicalJson({ at, keyId })}\n`);
  await target.overwrite(ERASURES_OBJECT, Buffer.concat([before, Buffer.from(gap + lines.join(''))]));
}

/** Ids of the keys that a target's list names; lines that were cut short are passed over. */
export async function readErasures(target: BackupTarget): Promise<Set<string>> {
  const text = (await readSmall(target, ERASURES_OBJECT, ERASURES_BYTES_MAX))?.toString('utf8') ?? '';
  const keyIds = new Set<string>();
  for (const line of text.split('\n')) {
    const keyId = keyIdOf(line);
    if (keyId !== undefined) keyIds.add(keyId);
  }
  return keyIds;
}

function keyIdOf(line: string): string | undefined {
  try {
    const { keyId } = JSON.parse(line) as { keyId?: unknown };
    return typeof keyId === 'string' && KEY_ID.test(keyId) ? keyId : undefined;
  } catch {
    return undefined;
  }
}
