import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ProtegoError, canonicalJson, messageOf } from '@protego/contracts';
import { writeFileAtomically, type LogFileLayer } from './file-layer';

/** Version of the log's layout on disk that this code writes and reads. */
export const LOG_FORMAT = 1;

const FILE = 'log.json';
// An origin is one line of a signed note (C2SP tlog-checkpoint), so it has no control characters and no white space.
const ORIGIN = /^[^\s\p{Cc}+]{1,256}$/u;
const DEDUPE_KEY = /^[0-9a-f]{64}$/;

/** What a log says about itself in `log.json`. */
export interface LogIdentity {
  /** Name of the log, as its checkpoints carry it. */
  readonly origin: string;
  /** Secret of 32 bytes that keys the hashes of the dedupe index. */
  readonly dedupeKey: Buffer;
}

/** True when the directory holds a log. */
export function hasIdentity(directory: string): boolean {
  return existsSync(join(directory, FILE));
}

/**
 * Reads `log.json`.
 *
 * @throws ProtegoError `LOG_NOT_FOUND`, `LOG_FORMAT_UNKNOWN` for another version, `LOG_BLOCK_CORRUPT` when it is damaged
 */
export function readIdentity(directory: string): LogIdentity {
  if (!hasIdentity(directory)) {
    throw new ProtegoError('LOG_NOT_FOUND', `no log in \`${directory}\``, { directory });
  }
  const path = join(directory, FILE);
  const { format, origin, dedupeKey } = parse(path, readFileSync(path, 'utf8'));
  if (typeof format === 'number' && format !== LOG_FORMAT) {
    throw new ProtegoError('LOG_FORMAT_UNKNOWN', `\`${path}\` has format ${format}`, { path, format });
  }
  const isSound = format === LOG_FORMAT && isOrigin(origin) && typeof dedupeKey === 'string';
  if (!isSound || !DEDUPE_KEY.test(dedupeKey)) {
    throw new ProtegoError('LOG_BLOCK_CORRUPT', `\`${path}\` is damaged`, { path });
  }
  return { origin, dedupeKey: Buffer.from(dedupeKey, 'hex') };
}

/**
 * Gives a new log its identity, durably.
 *
 * @throws ProtegoError `CONFIG_INVALID` when the origin cannot stand in a checkpoint
 */
export async function createIdentity(layer: LogFileLayer, directory: string, origin: string): Promise<LogIdentity> {
  if (!ORIGIN.test(origin)) {
    throw new ProtegoError('CONFIG_INVALID', `\`${origin.slice(0, 64)}\` cannot be the origin of a log`);
  }
  const dedupeKey = randomBytes(32);
  const text = canonicalJson({ format: LOG_FORMAT, origin, dedupeKey: dedupeKey.toString('hex') });
  await writeFileAtomically(layer, join(directory, FILE), Buffer.from(`${text}\n`));
  return { origin, dedupeKey };
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
