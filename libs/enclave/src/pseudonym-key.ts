import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ProtegoError } from '@protego/contracts';
import { deriveKey } from './key-derivation';
import { mustBePrivate, onDisk, syncDirectory } from './key-files';
import { AES_GCM_NONCE_BYTES, openAesGcm, sealAesGcm } from './primitives/aes-gcm';

const KEY_BYTES = 32;

/**
 * Key of the persons' tokens that all logs of an installation share, so that a person goes by one token in each of them:
 * from its file (32 random bytes, for its owner only), which is made when it is missing.
 *
 * @throws ProtegoError `LOG_KEYS_DAMAGED` when the file has another length or others can read it; `LOG_READ_ONLY`,
 *   `LOG_DISK_FULL`, `LOG_WRITE_FAILED`
 */
export async function sharedPseudonymKey(path: string): Promise<Buffer> {
  const known = await onDisk(path, () => readFile(path).catch(missing));
  if (known === undefined) return makeShared(path);
  if (known.length !== KEY_BYTES) {
    throw new ProtegoError('LOG_KEYS_DAMAGED', `\`${path}\` has ${known.length} bytes, not ${KEY_BYTES}: restore it`, {
      path,
    });
  }
  await mustBePrivate(dirname(path), basename(path));
  return known;
}

/** Seals the key under the root secret of one key directory; hex. */
export function sealPseudonymKey(key: Buffer, root: Buffer): string {
  const nonce = randomBytes(AES_GCM_NONCE_BYTES);
  return Buffer.concat([nonce, sealAesGcm({ key: wrappingKey(root), nonce }, key)]).toString('hex');
}

/**
 * Opens what {@link sealPseudonymKey} made.
 *
 * @throws ProtegoError `LOG_KEYS_DAMAGED`
 */
export function openPseudonymKey(text: string, root: Buffer): Buffer {
  const sealed = Buffer.from(text, 'hex');
  try {
    const nonce = sealed.subarray(0, AES_GCM_NONCE_BYTES);
    return openAesGcm({ key: wrappingKey(root), nonce }, sealed.subarray(AES_GCM_NONCE_BYTES));
  } catch (cause) {
    const message = 'the key of tokens in `house.json` does not open: restore the key directory';
    throw new ProtegoError('LOG_KEYS_DAMAGED', message, {}, { cause });
  }
}

function wrappingKey(root: Buffer): Buffer {
  return deriveKey(root, 'pseudonym-wrap/1', KEY_BYTES);
}

async function makeShared(path: string): Promise<Buffer> {
  const key = randomBytes(KEY_BYTES);
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(8).toString('hex')}`);
  const isFirst = await onDisk(path, async () => {
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
  return isFirst ? key : sharedPseudonymKey(path);
}

function missing(cause: NodeJS.ErrnoException): undefined {
  if (cause.code !== 'ENOENT') throw cause;
  return undefined;
}
