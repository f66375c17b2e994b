import { randomBytes } from 'node:crypto';
import { link, mkdir, open, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ProtegoError } from '@protego/contracts';
import { withDerivedKey } from './key-derivation';
import { onDisk, readSecretFile, syncDirectory } from './key-files';
import { GuardedBytes } from './memory/guarded-memory';
import { AES_GCM_NONCE_BYTES, openAesGcm, sealAesGcm } from './primitives/aes-gcm';
import { randomBytesInto } from './sodium';

const KEY_BYTES = 32;
const WRAPPING_KEY_PURPOSE = 'pseudonym-wrap/1';

/**
 * Key of the persons' tokens that all logs of an installation share, so that a person goes by one token in each of them:
 * from its file (32 random bytes, for its owner only), which is made when it is missing. The caller frees it.
 *
 * @throws ProtegoError `LOG_KEYS_DAMAGED` when the file has another length or others can read it; `LOG_KEY_MISSING` when it
 *   cannot be read; `LOG_READ_ONLY`, `LOG_DISK_FULL`, `LOG_WRITE_FAILED`
 */
export async function sharedPseudonymKey(path: string): Promise<GuardedBytes> {
  return (await readSecretFile(path, KEY_BYTES)) ?? makeShared(path);
}

/** Seals the key under the root secret of one key directory; hex. */
export function sealPseudonymKey(key: Buffer, root: Buffer): string {
  const nonce = randomBytes(AES_GCM_NONCE_BYTES);
  return withDerivedKey(root, WRAPPING_KEY_PURPOSE, (wrapping) =>
    Buffer.concat([nonce, sealAesGcm({ key: wrapping, nonce }, key)]).toString('hex'),
  );
}

/**
 * Opens what {@link sealPseudonymKey} made, into guarded memory that the caller frees.
 *
 * @throws ProtegoError `LOG_KEYS_DAMAGED`
 */
export function openPseudonymKey(text: string, root: Buffer): GuardedBytes {
  const sealed = Buffer.from(text, 'hex');
  let opened: Buffer;
  try {
    const nonce = sealed.subarray(0, AES_GCM_NONCE_BYTES);
    opened = withDerivedKey(root, WRAPPING_KEY_PURPOSE, (wrapping) =>
      openAesGcm({ key: wrapping, nonce }, sealed.subarray(AES_GCM_NONCE_BYTES)),
    );
  } catch (cause) {
    const message = 'the key of tokens in `house.json` does not open: restore the key directory';
    throw new ProtegoError('LOG_KEYS_DAMAGED', message, {}, { cause });
  }
  return GuardedBytes.take(opened);
}

async function makeShared(path: string): Promise<GuardedBytes> {
  const key = GuardedBytes.allocate(KEY_BYTES);
  randomBytesInto(key.bytes);
  try {
    if (await isFirstToWrite(path, key.bytes)) return key;
  } catch (error) {
    key.free();
    throw error;
  }
  key.free();
  return sharedPseudonymKey(path);
}

/** Puts the key in place, durably, unless another process was first. */
async function isFirstToWrite(path: string, key: Buffer): Promise<boolean> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(8).toString('hex')}`);
  return onDisk(path, async () => {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(key);
      await handle.sync();
    } finally {
      await handle.close();
    }
    try {
      // Of two that begin at once, one is first and the other takes its key.
      return await link(temporary, path).then(
        () => true,
        (cause: NodeJS.ErrnoException) => {
          if (cause.code !== 'EEXIST') throw cause;
          return false;
        },
      );
    } finally {
      await rm(temporary, { force: true });
      await syncDirectory(dirname(path));
    }
  });
}
