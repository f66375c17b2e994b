import { readFileSync, statSync } from 'node:fs';
import { copyFile, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { ProtegoError, messageOf } from '@protego/contracts';
import { BUNDLE_BYTES_MAX } from './bundle-file';
import {
  EvidenceError,
  checkBundle,
  checkReceipt,
  openBundle,
  receiverPrivateKey,
  type CheckedBundle,
  type JsonObject,
  type OpenedRecord,
} from './standalone/verify-bundle';

/** File name of the standalone verifier beside this module, once the repository is built. */
const VERIFIER_FILE = 'verify-bundle.js';

/**
 * Checks a bundle file: everything that needs no private key.
 *
 * @param verifierKey key of the log as its owner publishes it; without it the bundle is checked against the key inside it,
 *   which proves nothing until somebody compares the two
 * @throws ProtegoError `BUNDLE_INVALID`; `SOURCE_FILE_UNREADABLE`
 */
export function verifyBundleFile(path: string, verifierKey?: string): CheckedBundle {
  return asProtegoError(() => checkBundle(readBundle(path), verifierKey));
}

/**
 * Checks a bundle file and puts its personal fields back in clear.
 *
 * @param privateKey the receiver's X25519 key as PEM or JWK text
 * @throws ProtegoError `BUNDLE_INVALID`, `BUNDLE_KEY_INVALID`, `SOURCE_FILE_UNREADABLE`
 */
export function openBundleFile(path: string, privateKey: string, verifierKey?: string): OpenedRecord[] {
  const bundle = verifyBundleFile(path, verifierKey);
  return asProtegoError(() => openBundle(bundle, receiverPrivateKey(privateKey)));
}

/**
 * Checks the receipt of an erasure and gives what it says.
 *
 * @param text the receipt as it was handed out
 * @param verifierKey as for {@link verifyBundleFile}
 * @throws ProtegoError `RECEIPT_INVALID`
 */
export function verifyReceipt(text: string | Buffer, verifierKey?: string): JsonObject {
  return asProtegoError(() => checkReceipt(Buffer.from(text), verifierKey));
}

/**
 * Puts the standalone verifier, which needs Node and nothing else, beside a bundle.
 *
 * @throws ProtegoError `SOURCE_FILE_UNREADABLE` when the repository is not built; `USAGE_INVALID` when the file exists
 */
export async function copyStandaloneVerifier(target: string): Promise<void> {
  const source = join(__dirname, 'standalone', VERIFIER_FILE);
  try {
    await copyFile(source, target, constants.COPYFILE_EXCL);
  } catch (cause) {
    const isTaken = (cause as NodeJS.ErrnoException).code === 'EEXIST';
    const message = isTaken ? `\`${target}\` exists already` : `cannot copy \`${source}\`: ${messageOf(cause)}`;
    throw new ProtegoError(isTaken ? 'USAGE_INVALID' : 'SOURCE_FILE_UNREADABLE', message, { target }, { cause });
  }
}

function readBundle(path: string): Buffer {
  try {
    if (statSync(path).size <= BUNDLE_BYTES_MAX) return readFileSync(path);
  } catch (cause) {
    const message = `cannot read \`${path}\`: ${messageOf(cause)}`;
    throw new ProtegoError('SOURCE_FILE_UNREADABLE', message, { path }, { cause });
  }
  throw new ProtegoError('BUNDLE_INVALID', `\`${path}\` has more than ${BUNDLE_BYTES_MAX} bytes`, { path });
}

function asProtegoError<T>(check: () => T): T {
  try {
    return check();
  } catch (cause) {
    if (!(cause instanceof EvidenceError)) throw cause;
    throw new ProtegoError(cause.code, cause.message, {}, { cause });
  }
}
