import { createReadStream, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ProtegoError } from '@protego/contracts';
import type { NameSearch, PersonalDataVault } from '@protego/enclave';
import type { CopyOutOfReach } from './erasure/copy-out-of-reach';
import { isUnreadable, sealedTextsNaming } from './erasure/sealed-texts';

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
  const read = lines.map((line) => namedOrSealed(line, search));
  const sealed = read.filter((each) => typeof each !== 'boolean');
  const named = await sealedTextsNaming(vault, sealed, search.names, 'refused-record');
  return [...read, ...named].filter((each) => each === true).length;
}

/** Whether a name stands where a line can be read by anybody; what is sealed in it where none does. */
function namedOrSealed(line: string, search: NameSearch): boolean | Buffer {
  if (search.isIn(line)) return true;
  try {
    const { sealed, ...open } = parsed(line);
    if (typeof sealed !== 'string') return search.isInRefused(open);
    return search.isInValue(open) || Buffer.from(sealed, 'base64');
  } catch (error) {
    // What is no record cannot be read.
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
