import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ProtegoError, isProtegoError } from '@protego/contracts';
import { lockDirectory, type DirectoryLock } from '@protego/enclave';
import { parseManifest } from '@protego/replay';
import { makeOutDirectory } from '../out-directory';
import { isWorkOfRun } from './run-directory';

/** What stands in a directory into which something is to be written. */
export type OutContent = 'nothing' | 'unfinished' | 'finished' | 'foreign';

/** Says what stands in a directory, of which the names within are given; at least one. */
type Recognise = (path: string, names: readonly string[]) => Exclude<OutContent, 'nothing'>;

/** File that makes a directory that of a log. */
const LOG_FILE = 'log.json';

/**
 * Makes a directory to write into, where it is not there yet, and keeps others from writing it until the lock is released.
 *
 * @param recognise - tells results of the same kind, which may be replaced, from what is somebody else's
 * @param replaced - called when a finished result is there
 * @throws ProtegoError `REPLAY_OUT_TAKEN` when it holds something else; `REPLAY_OUT_LOCKED` when another run writes it;
 *   `USAGE_INVALID` when it is a file
 */
export async function claimOut(path: string, recognise: Recognise, replaced: () => void): Promise<DirectoryLock> {
  makeOutDirectory(path);
  const lock = await lockDirectory(path, 'run', () => {
    return new ProtegoError('REPLAY_OUT_LOCKED', `another run writes to \`${path}\``, { path });
  });
  try {
    const content = contentOf(path, recognise);
    if (content === 'foreign') {
      const message = `\`${path}\` holds files that are not those of an earlier result: name a new or empty directory`;
      throw new ProtegoError('REPLAY_OUT_TAKEN', message, { path });
    }
    if (content === 'finished') replaced();
    return lock;
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** Recognises what a run wrote: by its manifest, or by the folder in which it keeps what it needs to go on. */
export const recogniseRun: Recognise = (path, names) => {
  if (names.includes('manifest.json'))
    return isReadable(() => parseManifest(readFileSync(join(path, 'manifest.json'), 'utf8'))) ? 'finished' : 'foreign';
  return isWorkOfRun(path) ? 'unfinished' : 'foreign';
};

/** True when `read` reads a document without finding fault with it. */
export function isReadable(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch (error) {
    // A document of another kind is what is asked about; a disk that fails is not.
    if (isProtegoError(error)) return false;
    throw error;
  }
}

function contentOf(path: string, recognise: Recognise): OutContent {
  const names = readdirSync(path);
  if (names.length === 0) return 'nothing';
  return existsSync(join(path, LOG_FILE)) ? 'foreign' : recognise(path, names);
}
