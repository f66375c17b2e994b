import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { ProtegoError, systemClock, type Clock } from '@protego/contracts';
import { deriveKey } from '../key-derivation';
import { makeKeyDirectory, mustBePrivate, writeKeyFile } from '../key-files';
import { EmulatedPlatform, PLATFORM_SECRET_BYTES } from './emulated-platform';
import { COUNTERS_FILE, FileCounters, lockPlatform } from './file-counters';
import { readPlatformFile } from './platform-directory';
import { type Platform } from './platform';

const SECRET_FILE = 'platform.secret';

/**
 * Opens the emulated platform of a directory and makes it when there is none: `platform.secret` (32 random bytes, for its
 * owner only) and `counters.json`. Several processes may have it open.
 *
 * @param options `mustExist`: makes no platform
 * @throws ProtegoError `ENCLAVE_NOT_ATTESTED` when there is none and none may be made; `ENCLAVE_PLATFORM_DAMAGED` when a file is missing or was altered; `LOG_KEYS_DAMAGED` when
 *   others can read the secret; `LOG_LOCKED` when others do not let go of the directory; `LOG_DISK_FULL`,
 *   `LOG_READ_ONLY`, `LOG_WRITE_FAILED`
 */
export async function openPlatform({
  directory,
  clock = systemClock,
  mustExist = false,
}: {
  directory: string;
  clock?: Clock;
  mustExist?: boolean;
}): Promise<Platform> {
  const known = await readPlatformFile(directory, SECRET_FILE);
  if (known === undefined && mustExist) {
    const message = `there is no platform in \`${directory}\`: name its directory, or start the engine, which makes one`;
    throw new ProtegoError('ENCLAVE_NOT_ATTESTED', message, { directory });
  }
  const secret = known ?? (await makePlatform(directory));
  await mustBePrivate(directory, SECRET_FILE);
  if (secret.length !== PLATFORM_SECRET_BYTES) {
    const path = join(directory, SECRET_FILE);
    const message = `\`${path}\` has ${secret.length} bytes, not ${PLATFORM_SECRET_BYTES}: restore it`;
    throw new ProtegoError('ENCLAVE_PLATFORM_DAMAGED', message, { path });
  }
  const counters = countersOf(directory, secret);
  try {
    // A torn or missing file is better found now than when the first blob is opened.
    await counters.read('platform');
    return new EmulatedPlatform({ secret, counters, clock });
  } catch (error) {
    secret.fill(0);
    counters.close();
    throw error;
  }
}

async function makePlatform(directory: string): Promise<Buffer> {
  await makeKeyDirectory(directory);
  const lock = await lockPlatform(directory);
  try {
    const madeByAnother = await readPlatformFile(directory, SECRET_FILE);
    if (madeByAnother !== undefined) return madeByAnother;
    await mustBeUnused(directory);
    const secret = randomBytes(PLATFORM_SECRET_BYTES);
    // The secret comes last: with it there are always counters, and without it none were ever used.
    const counters = countersOf(directory, secret);
    await counters.create();
    counters.close();
    await writeKeyFile(directory, SECRET_FILE, secret);
    return secret;
  } finally {
    await lock.release();
  }
}

/** Beside counters that were used, a new secret would open nothing: the old one has to come back. */
async function mustBeUnused(directory: string): Promise<void> {
  const counters = await readPlatformFile(directory, COUNTERS_FILE);
  if (counters === undefined || counters.includes('"counters":{}')) return;
  const path = join(directory, SECRET_FILE);
  throw new ProtegoError('ENCLAVE_PLATFORM_DAMAGED', `\`${path}\` is missing: restore it`, { path });
}

function countersOf(directory: string, secret: Buffer): FileCounters {
  return new FileCounters(directory, deriveKey(secret, 'counters/1', PLATFORM_SECRET_BYTES));
}
