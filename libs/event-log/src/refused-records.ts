import { createReadStream, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ProtegoError, isProtegoError } from '@protego/contracts';
import type { PersonalDataVault } from '@protego/enclave';
import type { CopyOutOfReach } from './erasure/copy-out-of-reach';
import type { NameSearch } from './erasure/name-search';

/** A record that an import refused: its code, place and path, and what may name persons: message, raw text, event. */
export interface RefusedRecord {
  readonly code: string;
  /** File that it came from. */
  readonly path: string;
  /** Line in the file, counted from 1. */
  readonly line: number;
  readonly [name: string]: unknown;
}

/** Lines that a vault is asked to open at one time; each may be long. */
const LINES_OPENED_MAX = 64;
const FILE = /^rejects-.*\.ndjson$/;

/** Path of the file in the directory of a log in which one import seals what it refuses. */
export function refusedFileOf(directory: string, nowMs: number): string {
  return join(directory, `rejects-${nowMs}.ndjson`);
}

/**
 * A line for the file of refused records: code, path and line stay readable, the rest is sealed under the persons found in
 * it, else under the key of source and month. Flush the vault before the line is written.
 *
 * @throws ProtegoError `VAULT_FULL`
 */
export async function sealRefused(
  record: RefusedRecord,
  vault: PersonalDataVault,
  source: string,
  nowMs: number,
): Promise<string> {
  const { code, path, line, ...rest } = record;
  const sealed = await vault.sealText(Buffer.from(JSON.stringify(searchable(rest))), source, nowMs);
  return JSON.stringify({ code, path, line, sealed: sealed.toString('base64') });
}

/**
 * A line of a file of refused records with what was sealed; `erased` is true where it cannot be opened any more. A line that
 * was written in clear is given as it stands.
 *
 * @throws ProtegoError `LOG_BLOCK_CORRUPT` when the line was altered
 */
export async function openRefused(text: string, vault: PersonalDataVault): Promise<RefusedRecord> {
  const { sealed, ...open } = parsed(text);
  if (typeof sealed !== 'string') return open;
  const rest = await vault.openText(Buffer.from(sealed, 'base64'));
  if (rest === undefined) return { ...open, erased: true };
  return { ...open, ...asItCame(JSON.parse(rest.toString('utf8')) as Record<string, unknown>) };
}

/** True for what opening sealed bytes throws when they are damaged; all else is a fault of the vault. */
export function isUnreadable(error: unknown): boolean {
  return !isProtegoError(error) || error.code === 'LOG_BLOCK_CORRUPT' || error.code === 'LOG_FORMAT_UNKNOWN';
}

/** Files of refused records in the directory of a log, oldest first. */
export function refusedFilesIn(directory: string): string[] {
  return readdirSync(directory)
    .filter((name) => FILE.test(name))
    .sort()
    .map((name) => join(directory, name));
}

/** Lines of a file of refused records, without their ends. */
export function refusedLinesOf(path: string): AsyncIterable<string> {
  return createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY });
}

/**
 * Files of refused records in which a person can still be read: the line was written in clear, or before anybody knew the name
 * for one.
 */
export async function refusedNaming(
  directory: string,
  vault: PersonalDataVault,
  search: NameSearch,
): Promise<CopyOutOfReach[]> {
  const copies: CopyOutOfReach[] = [];
  for (const path of refusedFilesIn(directory)) {
    const records = await recordsNaming(refusedLinesOf(path), vault, search);
    const note = `${records} records that an import refused still name the person: delete them, or the file`;
    if (records > 0) copies.push({ kind: 'file', name: path, note });
  }
  return copies;
}

async function recordsNaming(
  lines: AsyncIterable<string>,
  vault: PersonalDataVault,
  search: NameSearch,
): Promise<number> {
  let records = 0;
  let some: string[] = [];
  for await (const line of lines) {
    some.push(line);
    if (some.length < LINES_OPENED_MAX) continue;
    records += await countNaming(some, vault, search);
    some = [];
  }
  return records + (await countNaming(some, vault, search));
}

async function countNaming(lines: readonly string[], vault: PersonalDataVault, search: NameSearch): Promise<number> {
  // Asked together: a vault in another process must not cost a round trip for each.
  const named = await Promise.all(lines.map((line) => names(line, vault, search)));
  return named.filter((isNamed) => isNamed).length;
}

async function names(line: string, vault: PersonalDataVault, search: NameSearch): Promise<boolean> {
  if (search.isIn(line)) return true;
  try {
    const { raw, rawEncoding, ...rest } = await openRefused(line, vault);
    const isNamed =
      rawEncoding === 'base64' ? search.isInBytes(Buffer.from(String(raw), 'base64')) : search.isInValue(raw);
    return isNamed || search.isInValue(rest);
  } catch (error) {
    // What cannot be opened cannot be read.
    if (isUnreadable(error)) return false;
    throw error;
  }
}

// In Base64 no name would be found. Every byte is one character of Latin-1.
function searchable(rest: Readonly<Record<string, unknown>>): Record<string, unknown> {
  if (rest['rawEncoding'] !== 'base64') return rest;
  return { ...rest, raw: Buffer.from(String(rest['raw']), 'base64').toString('latin1'), rawEncoding: 'latin1' };
}

function asItCame(rest: Readonly<Record<string, unknown>>): Record<string, unknown> {
  if (rest['rawEncoding'] !== 'latin1') return rest;
  return { ...rest, raw: Buffer.from(String(rest['raw']), 'latin1').toString('base64'), rawEncoding: 'base64' };
}

function parsed(text: string): RefusedRecord {
  try {
    return JSON.parse(text) as RefusedRecord;
  } catch (cause) {
    throw new ProtegoError('LOG_BLOCK_CORRUPT', 'a line of refused records is not JSON', {}, { cause });
  }
}
