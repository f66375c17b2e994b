import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { ProtegoError, isProtegoError } from '@protego/contracts';
import { readKeyFile } from '../key-files';

const PLATFORM_FOLDER = 'platform';

/**
 * Where the platform of a log's enclave is: as `named`, else `platform` beside the directory of the log, so that the engine and
 * the command line find the same one. What is backed up together with the log would be no platform: sealed blobs would
 * travel with the key that opens them.
 *
 * @param named path, or empty for the default
 * @throws ProtegoError `USAGE_INVALID` when it lies in the directory of the log or of its keys, or is one of them
 */
export function platformDirectoryOf(logDirectory: string, keysDirectory: string, named = ''): string {
  const directory = named === '' ? join(dirname(resolve(logDirectory)), PLATFORM_FOLDER) : named;
  for (const backedUp of [logDirectory, keysDirectory]) {
    if (!isPathWithin(directory, backedUp)) continue;
    const message = `the platform \`${directory}\` lies in \`${backedUp}\`, which is backed up: name another place for it`;
    throw new ProtegoError('USAGE_INVALID', message, { directory, backedUp });
  }
  return directory;
}

/** Whether a path is a directory or leads into it, whatever symbolic links there are and whether or not it exists. */
export function isPathWithin(path: string, directory: string): boolean {
  const [real, above] = [realPathOf(path), realPathOf(directory)];
  return real === above || real.startsWith(above.endsWith(sep) ? above : above + sep);
}

/** The path without symbolic links, as far as it exists. */
function realPathOf(path: string): string {
  const absolute = resolve(path);
  if (existsSync(absolute) || absolute === dirname(absolute)) return realpathSync(absolute);
  return join(realPathOf(dirname(absolute)), basename(absolute));
}

/**
 * Content of a file of a platform; undefined when there is none.
 *
 * @throws ProtegoError `ENCLAVE_PLATFORM_DAMAGED` when it cannot be read, or is no file
 */
export async function readPlatformFile(directory: string, name: string): Promise<Buffer | undefined> {
  try {
    return await readKeyFile(directory, name);
  } catch (cause) {
    if (!isProtegoError(cause) || cause.code !== 'LOG_KEY_MISSING') throw cause;
    const message = `${cause.message}: make it readable, or restore it`;
    throw new ProtegoError('ENCLAVE_PLATFORM_DAMAGED', message, cause.details, { cause });
  }
}
