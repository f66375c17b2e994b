import { createHash } from 'node:crypto';
import { copyFileSync, constants, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ProtegoError } from '@protego/contracts';
import { installationRoot } from '../installation';

/** File name of the standalone verifier of detections. */
export const DETECTION_VERIFIER_NAME = 'verify-detection.js';

/**
 * Puts the standalone verifier, one file that needs Node and nothing else, at a place, unless it is there already.
 *
 * @returns its SHA-256, hex
 * @throws ProtegoError `SOURCE_FILE_UNREADABLE` when the repository is not built; `USAGE_INVALID` when another file is there
 */
export function copyDetectionVerifier(target: string): string {
  const source = join(installationRoot(), 'dist', 'standalone', DETECTION_VERIFIER_NAME);
  if (!existsSync(source))
    throw new ProtegoError('SOURCE_FILE_UNREADABLE', `\`${source}\` is missing: run \`npm run build\``, {
      path: source,
    });
  const sha256 = sha256Of(source);
  if (!existsSync(target)) copyFileSync(source, target, constants.COPYFILE_EXCL);
  else if (sha256Of(target) !== sha256)
    throw new ProtegoError('USAGE_INVALID', `\`${target}\` exists already and is another program`, { path: target });
  return sha256;
}

function sha256Of(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}
