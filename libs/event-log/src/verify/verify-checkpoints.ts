import { closeSync } from 'node:fs';
import { join } from 'node:path';
import { isProtegoError, messageOf } from '@protego/contracts';
import { openIfFile, readSmallFile } from '../files-if-there';
import {
  HISTORY_FILE,
  LATEST_FILE,
  historyLines,
  parseRecorded,
  signedCheckpointOf,
  type HistoryLine,
} from '../tree/checkpoint-files';
import type { NoteVerifier } from '../tree/signed-note';
import type { ProblemList } from './verify-report';

/** Whose word a root is. */
export type RootSource = 'stored' | 'brought';

/** Root that a verified checkpoint names. */
export interface ExpectedRoot {
  readonly size: number;
  readonly root: Buffer;
  readonly source: RootSource;
  /** For messages. */
  readonly name: string;
}

/** How often the two files are looked at again while a writer signs checkpoints. */
const LOOKS_MAX = 20;
/** Lines of a history that are not checkpoints of the log: after so many it is not read on. */
const BAD_LINES_MAX = 1000;
/** A line has some hundred characters. */
const LINE_LENGTH_MAX = 1 << 15;

/** The files of checkpoints as they were at one moment. */
interface CheckpointMoment {
  readonly latest: Buffer | 'odd' | undefined;
  /** Bytes of the history; undefined when there is no such file. */
  readonly historyBytes: number | undefined;
  /** False when a writer did not let them be: the history may be any number of lines ahead. */
  readonly isStill: boolean;
}

/**
 * The roots that a log's own checkpoints name. What is not a checkpoint of the log is reported. A torn last line of the
 * history, as a crash leaves it, is none; nor is what a writer adds while this reads.
 */
export function storedRoots(directory: string, verifier: NoteVerifier, problems: ProblemList): ExpectedRoot[] {
  const moment = momentOf(directory);
  const history = historyRoots(directory, moment.historyBytes ?? 0, verifier, problems);
  const latest = latestRoot(moment, verifier, problems);
  if (latest === 'invalid') return history;
  const last = history.at(-1);
  const report = (message: string): void =>
    problems.add({ code: 'LOG_CHECKPOINT_INVALID', kind: 'checkpoint', file: LATEST_FILE, message });
  if (latest === undefined) {
    // A crash between the first line of the history and the first latest note leaves one line alone.
    if (history.length > 1) report('the latest checkpoint is missing, and the history has several');
    return history;
  }
  const isLatest = last !== undefined && isSame(latest, last);
  const isOneBehind = history.length > 1 && isSame(latest, history.at(-2) as ExpectedRoot);
  const isBehind = !moment.isStill && history.some((root) => isSame(root, latest));
  if (isLatest || isOneBehind || isBehind) return history;
  report(
    last !== undefined && latest.size < last.size
      ? `the latest checkpoint is of ${latest.size} records, and the history goes on to ${last.size}`
      : `the history does not hold the latest checkpoint, of ${latest.size} records`,
  );
  return [...history, latest];
}

/** True when the file that every writer makes before its first record is there. */
export function hasHistory(directory: string): boolean {
  return sizeOf(join(directory, HISTORY_FILE)) !== undefined;
}

/** Bytes of a file; 0 for what is none, undefined when there is nothing. */
function sizeOf(path: string): number | undefined {
  const there = openIfFile(path);
  if (there.kind !== 'file') return there.kind === 'odd' ? 0 : undefined;
  closeSync(there.descriptor);
  return there.bytes;
}

/** A writer adds a line, then replaces the note: while the note stays what it is, the history is one line ahead at most. */
function momentOf(directory: string): CheckpointMoment {
  const read = (): CheckpointMoment['latest'] => readSmallFile(join(directory, LATEST_FILE));
  let latest = read();
  for (let looks = 1; ; looks++) {
    const historyBytes = sizeOf(join(directory, HISTORY_FILE));
    const again = read();
    const isStill = String(latest) === String(again);
    if (isStill || looks >= LOOKS_MAX) return { latest, historyBytes, isStill };
    latest = again;
  }
}

/** The root that a brought note names; undefined, and a problem, when the log's key did not sign it. */
export function broughtRoot(
  note: string | Uint8Array,
  verifier: NoteVerifier,
  problems: ProblemList,
): ExpectedRoot | undefined {
  try {
    const text = typeof note === 'string' ? note : Buffer.from(note).toString('utf8');
    const { size, root } = signedCheckpointOf(text, [verifier]);
    return { size, root, source: 'brought', name: `the given checkpoint of ${size} records` };
  } catch (cause) {
    const message = `the given checkpoint is not one of this log: ${messageOf(cause)}`;
    problems.add({ code: 'LOG_CHECKPOINT_INVALID', kind: 'checkpoint', message });
    return undefined;
  }
}

function isSame(a: ExpectedRoot, b: ExpectedRoot): boolean {
  return a.size === b.size && a.root.equals(b.root);
}

function latestRoot(
  { latest }: CheckpointMoment,
  verifier: NoteVerifier,
  problems: ProblemList,
): ExpectedRoot | 'invalid' | undefined {
  if (latest === undefined) return undefined;
  const report = (reason: string): void =>
    problems.add({
      code: 'LOG_CHECKPOINT_INVALID',
      kind: 'checkpoint',
      file: LATEST_FILE,
      message: `\`${LATEST_FILE}\` is not a checkpoint of this log: ${reason}`,
    });
  try {
    if (latest !== 'odd') {
      const { size, root } = signedCheckpointOf(latest.toString('utf8'), [verifier]);
      return { size, root, source: 'stored', name: `\`${LATEST_FILE}\`` };
    }
    report('it is not a file');
  } catch (cause) {
    report(messageOf(cause));
  }
  return 'invalid';
}

function historyRoots(directory: string, bytes: number, verifier: NoteVerifier, problems: ProblemList): ExpectedRoot[] {
  const roots: ExpectedRoot[] = [];
  const report = (message: string): void =>
    problems.add({
      code: 'LOG_CHECKPOINT_INVALID',
      kind: 'checkpoint',
      file: HISTORY_FILE,
      seq: roots.at(-1)?.size ?? 0,
      message,
    });
  let [number, bad] = [0, 0];
  try {
    for (const line of historyLines(directory, bytes)) {
      const read = takeLine(line, ++number, roots.at(-1)?.size ?? 0, verifier);
      if (typeof read === 'object') roots.push(read);
      else if (read !== undefined) {
        report(`line ${number} of \`${HISTORY_FILE}\` ${read}`);
        if (++bad >= BAD_LINES_MAX) break;
      }
    }
  } catch (cause) {
    if (!isProtegoError(cause)) throw cause;
    report(cause.message);
  }
  return roots;
}

/** The root that a line names, or what is wrong with it; undefined for one that a crash cut off. */
function takeLine(
  { text, isWhole }: HistoryLine,
  number: number,
  sizeBefore: number,
  verifier: NoteVerifier,
): ExpectedRoot | string | undefined {
  if (!isWhole) {
    if (text.length >= LINE_LENGTH_MAX) return 'is longer than any that the log writes';
    // A line that a crash cut off is a part of one; a whole one with something else for its line feed was altered.
    return parseRecorded(text.slice(0, -1)) === undefined ? undefined : 'was altered at its end';
  }
  const read = rootOfLine(text, number, verifier);
  return typeof read === 'object' && read.size < sizeBefore ? 'is of fewer records than the line before' : read;
}

function rootOfLine(line: string, number: number, verifier: NoteVerifier): ExpectedRoot | string {
  const recorded = parseRecorded(line);
  if (recorded === undefined) return 'is not what the log writes';
  try {
    const { size, root } = signedCheckpointOf(recorded.note, [verifier]);
    return { size, root, source: 'stored', name: `line ${number} of \`${HISTORY_FILE}\`` };
  } catch (cause) {
    return `is not a checkpoint of this log: ${messageOf(cause)}`;
  }
}
