import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Content of every file in a directory and those below it. */
export function filesOf(directory: string): Buffer[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name)));
}
