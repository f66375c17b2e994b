import { hash } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FieldClasses } from '@protego/contracts';
import { DerivedLogKeys } from '../derived-log-keys';
import { openHouseKeys, type HouseKeys } from '../house-keys';
import { type LogKeys } from '../log-keys';

/** Root secret that a seed always gives: never for anything but tests. */
function fixedRoot(seed: string): Buffer {
  return Buffer.from(hash('sha256', `protego fixed root ${seed}`, 'hex'), 'hex');
}

/** Keys of a log in memory, the same for the same seed, with data keys 1…`dataKeys`. */
export function fixedKeys(seed = 'test', dataKeys = 1): LogKeys {
  const ids = Array.from({ length: dataKeys }, (_, index) => index + 1);
  return new DerivedLogKeys(fixedRoot(seed), ids);
}

/** A key directory, open for writing, whose root secret and so whose tokens come from a seed; keys of persons are random. */
export function fixedHouse(directory: string, fields?: FieldClasses, seed = 'test'): Promise<HouseKeys> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, 'root.secret');
  if (!existsSync(path)) writeFileSync(path, fixedRoot(seed), { mode: 0o600 });
  return openHouseKeys({ directory, mode: 'write', ...(fields === undefined ? {} : { fields }) });
}
