import { canonicalJson, formatRfc3339 } from '@protego/contracts';
import { ERASURES_OBJECT, readSmall, type BackupTarget } from './backup-target';

/** Most bytes of a target's list of destroyed keys: one for each key of a full vault. */
const ERASURES_BYTES_MAX = 1 << 28;
const KEY_ID = /^[0-9a-f]{32}$/;

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
