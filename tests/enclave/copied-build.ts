import { cpSync, mkdtempSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../engine/engine-house';

/** The build that the tests run. */
export const BUILD = join(ROOT, 'dist');
/** Script of an enclave process, below a build. */
export const ENCLAVE_ENTRY = 'libs/enclave/src/process/enclave-main.js';
/** Script of the command line, below a build. */
export const CLI_ENTRY = 'apps/cli/src/main.js';

/** Changes the text of a file. */
export type Edits = Readonly<Record<string, (text: string) => string>>;

/**
 * Copies parts of the build to another place, where they run.
 *
 * @param root real path of the directory for it
 * @param edits by path below the build's `libs`
 * @returns path of the copied build
 */
export function copyBuild(
  root: string,
  edits: Edits = {},
  parts: readonly string[] = ['libs/enclave', 'libs/contracts'],
): string {
  const place = mkdtempSync(join(root, 'copy-'));
  for (const part of parts) cpSync(join(BUILD, part), join(place, 'dist', part), { recursive: true });
  cpSync(join(ROOT, 'package.json'), join(place, 'package.json'));
  symlinkSync(realpathSync(join(ROOT, 'node_modules')), join(place, 'node_modules'));
  for (const [path, edit] of Object.entries(edits)) {
    const file = join(place, 'dist/libs', path);
    const [before, after] = [readFileSync(file, 'utf8'), edit(readFileSync(file, 'utf8'))];
    if (before === after) throw new Error(`nothing to edit in ${path}`);
    writeFileSync(file, after);
  }
  return join(place, 'dist');
}
