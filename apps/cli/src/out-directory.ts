import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { ProtegoError } from '@protego/contracts';

/**
 * Refuses a path that cannot become a directory, before anything is made.
 *
 * @throws ProtegoError `USAGE_INVALID` when it, or what it lies in, is a file
 */
export function requireDirectoryPath(path: string): void {
  let existing = resolve(path);
  while (!existsSync(existing) && dirname(existing) !== existing) existing = dirname(existing);
  if (!statSync(existing).isDirectory())
    throw new ProtegoError('USAGE_INVALID', `--out \`${path}\`: \`${existing}\` is a file, name a directory`, { path });
}

/** Makes a directory with those above it, where they are not there yet; throws as {@link requireDirectoryPath}. */
export function makeOutDirectory(path: string): void {
  requireDirectoryPath(path);
  mkdirSync(path, { recursive: true });
}
