import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { signNote } from '@protego/event-log';
import {
  changeRecordOf,
  changeRecordText,
  diffText,
  htmlReport,
  junitReport,
  parseChangeRecord,
  parseDiff,
  textReport,
  type ChangeRecord,
  type WhatIfCost,
  type WhatIfDiff,
} from '@protego/replay';
import type { OpenLog } from '../log/open-log';
import { isReadable, type OutContent } from '../replay/run-out';
import { runFilesIn } from './run-side';

/** File with the signed change record, within the directory of a what-if. */
export const RECORD_FILE = 'change-record.note';
/** Sides of a what-if, and the directories of their runs. */
export const SIDES = ['baseline', 'candidate'] as const;
/** One of {@link SIDES}. */
export type Side = (typeof SIDES)[number];

const REPORT_FILES = ['diff.json', 'report.txt', 'report.html', 'junit.xml'] as const;
const CHUNK_BYTES = 1 << 20;

/** Recognises what a what-if wrote: by its record, or before that was signed by the difference, or by its runs alone. */
export function recogniseWhatIf(path: string, names: readonly string[]): Exclude<OutContent, 'nothing'> {
  const textOf = (name: string): string => readFileSync(join(path, name), 'utf8');
  if (names.includes(RECORD_FILE))
    return isReadable(() => parseChangeRecord(textOf(RECORD_FILE))) ? 'finished' : 'foreign';
  if (names.includes('diff.json')) return isReadable(() => parseDiff(textOf('diff.json'))) ? 'unfinished' : 'foreign';
  const sides: readonly string[] = SIDES;
  return names.every((name) => sides.includes(name)) ? 'unfinished' : 'foreign';
}

/** Removes what an earlier what-if left: it must not pass for one of this, should this one not end. */
export function clearReports(directory: string): void {
  for (const name of [...REPORT_FILES, RECORD_FILE]) rmSync(join(directory, name), { force: true });
}

/** Writes the reports of a comparison. */
export function writeReports(directory: string, diff: WhatIfDiff, cost: WhatIfCost): void {
  const texts: Readonly<Record<(typeof REPORT_FILES)[number], string>> = {
    'diff.json': diffText(diff, cost),
    'report.txt': textReport(diff, cost),
    'report.html': htmlReport(diff, cost),
    'junit.xml': junitReport(diff),
  };
  for (const name of REPORT_FILES) writeFileSync(join(directory, name), texts[name]);
}

/** Signs the reports and the runs with the key of the log, as a note (C2SP signed-note) beside them. */
export async function signReports(
  directory: string,
  diff: WhatIfDiff,
  { reader, house }: OpenLog,
): Promise<{ readonly record: ChangeRecord; readonly note: string }> {
  const runs = SIDES.flatMap((side) => runFilesIn(join(directory, side)).map((name) => `${side}/${name}`));
  const names = [...REPORT_FILES, ...runs];
  const files = Object.fromEntries(names.map((name) => [name, sha256OfFile(join(directory, name))]));
  const record = changeRecordOf(diff, reader.identity.verifierKey, files);
  const note = await signNote(changeRecordText(record), record.log.origin, house.keys.signer);
  writeFileSync(join(directory, RECORD_FILE), note);
  return { record, note };
}

/** SHA-256 (hex) of a file, read in parts. */
export function sha256OfFile(path: string): string {
  const file = openSync(path, 'r');
  try {
    const hash = createHash('sha256');
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    for (let count = readSync(file, chunk); count > 0; count = readSync(file, chunk))
      hash.update(chunk.subarray(0, count));
    return hash.digest('hex');
  } finally {
    closeSync(file);
  }
}
