import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ProtegoError, canonicalJson, messageOf } from '@protego/contracts';
import type { LogKeys } from '@protego/enclave';
import { readSmallFile } from './files-if-there';
import { writeFileAtomically, type LogFileLayer } from './writer/file-layer';
import { verifierKeyOf } from './tree/signed-note';

/** Version of the log's layout on disk that this code writes and reads. */
export const LOG_FORMAT = 2;

/** Makes a directory a log. */
export const IDENTITY_FILE = 'log.json';
// An origin is one line of a signed note (C2SP tlog-checkpoint), so it has no control characters and no white space.
const ORIGIN = /^[^\s\p{Cc}+]{1,256}$/u;
const SITE_PREFIX = 'protego/';
const LOG_ID = /^[0-9a-f]{32}$/;
const LOG_ID_BYTES = 16;

/** What a log says about itself in `log.json`. */
export interface LogIdentity {
  /** Name of the log, as its checkpoints carry it. */
  readonly origin: string;
  /** 16 random bytes, drawn when the log was made: what is encrypted for one log opens in no other. */
  readonly logId: Buffer;
  /** Key that verifies the log's checkpoints, as a C2SP verifier key: name, key id, and Ed25519 public key. */
  readonly verifierKey: string;
}

/** Origin of the log of a site. */
export function originOfSite(site: string): string {
  return `${SITE_PREFIX}${site}`;
}

/** Site whose log has this origin; any other origin is given back as it is. */
export function siteOfOrigin(origin: string): string {
  return origin.startsWith(SITE_PREFIX) ? origin.slice(SITE_PREFIX.length) : origin;
}

/** True when the directory holds a log. */
export function hasIdentity(directory: string): boolean {
  return existsSync(join(directory, IDENTITY_FILE));
}

/**
 * Reads `log.json`.
 *
 * @throws ProtegoError `LOG_NOT_FOUND`, `LOG_FORMAT_UNKNOWN` for another version, `LOG_BLOCK_CORRUPT` when it is damaged
 */
export function readIdentity(directory: string): LogIdentity {
  const path = join(directory, IDENTITY_FILE);
  const content = readSmallFile(path);
  if (content === undefined) throw new ProtegoError('LOG_NOT_FOUND', `no log in \`${directory}\``, { directory });
  if (content === 'odd') throw new ProtegoError('LOG_BLOCK_CORRUPT', `\`${path}\` is not a file`, { path });
  return identityIn(content, path);
}

/**
 * What the content of a `log.json` says.
 *
 * @param path where it stands, or is to stand, for errors
 * @throws ProtegoError `LOG_FORMAT_UNKNOWN` for another version, `LOG_BLOCK_CORRUPT` when it is damaged
 */
export function identityIn(content: Buffer, path: string): LogIdentity {
  const { format, origin, logId, verifierKey } = parse(path, content.toString('utf8'));
  if (typeof format === 'number' && format !== LOG_FORMAT) {
    throw new ProtegoError('LOG_FORMAT_UNKNOWN', `\`${path}\` has format ${format}`, { path, format });
  }
  const isSound = format === LOG_FORMAT && isOrigin(origin) && typeof verifierKey === 'string';
  if (!isSound || typeof logId !== 'string' || !LOG_ID.test(logId)) {
    throw new ProtegoError('LOG_BLOCK_CORRUPT', `\`${path}\` is damaged`, { path });
  }
  return { origin, logId: Buffer.from(logId, 'hex'), verifierKey };
}

/**
 * Refuses keys that are not those of the log.
 *
 * @throws ProtegoError `LOG_KEY_MISSING`
 */
export function requireFittingKeys(directory: string, identity: LogIdentity, keys: LogKeys): void {
  const given = verifierKeyOf(identity.origin, keys.signer.publicKey);
  if (given === identity.verifierKey) return;
  const message = `\`${directory}\` was written with other keys than the ones given`;
  throw new ProtegoError('LOG_KEY_MISSING', message, { directory, expected: identity.verifierKey, given });
}

/**
 * Gives a new log its identity, durably.
 *
 * @throws ProtegoError `CONFIG_INVALID` when the origin cannot stand in a checkpoint
 */
export async function createIdentity(
  layer: LogFileLayer,
  directory: string,
  origin: string,
  keys: LogKeys,
): Promise<LogIdentity> {
  if (!ORIGIN.test(origin)) {
    throw new ProtegoError('CONFIG_INVALID', `\`${origin.slice(0, 64)}\` cannot be the origin of a log`);
  }
  const logId = randomBytes(LOG_ID_BYTES);
  const verifierKey = verifierKeyOf(origin, keys.signer.publicKey);
  const text = canonicalJson({ format: LOG_FORMAT, logId: logId.toString('hex'), origin, verifierKey });
  await writeFileAtomically(layer, join(directory, IDENTITY_FILE), Buffer.from(`${text}\n`));
  return { origin, logId, verifierKey };
}

function isOrigin(value: unknown): value is string {
  return typeof value === 'string' && ORIGIN.test(value);
}

function parse(path: string, text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch (cause) {
    throw new ProtegoError('LOG_BLOCK_CORRUPT', `\`${path}\` is damaged: ${messageOf(cause)}`, { path }, { cause });
  }
}
