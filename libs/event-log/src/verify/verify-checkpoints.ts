import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '@protego/contracts';
import { parseRecorded, signedCheckpointOf } from '../tree/checkpoint-files';
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

const LATEST_FILE = 'checkpoint';
const HISTORY_FILE = 'checkpoints.jsonl';

/**
 * The roots that a log's own checkpoints name. What is not a checkpoint of the log is reported. A torn last line of the
 * history, as a crash leaves it, is none.
 */
export function storedRoots(directory: string, verifier: NoteVerifier, problems: ProblemList): ExpectedRoot[] {
  const history = historyRoots(directory, verifier, problems);
  const latest = latestRoot(directory, verifier, problems);
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
  if (isLatest || isOneBehind) return history;
  report(
    last !== undefined && latest.size < last.size
      ? `the latest checkpoint is of ${latest.size} records, and the history goes on to ${last.size}`
      : `the history does not hold the latest checkpoint, of ${latest.size} records`,
  );
  return [...history, latest];
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
  directory: string,
  verifier: NoteVerifier,
  problems: ProblemList,
): ExpectedRoot | 'invalid' | undefined {
  const path = join(directory, LATEST_FILE);
  if (!existsSync(path)) return undefined;
  try {
    const { size, root } = signedCheckpointOf(readFileSync(path, 'utf8'), [verifier]);
    return { size, root, source: 'stored', name: `\`${LATEST_FILE}\`` };
  } catch (cause) {
    problems.add({
      code: 'LOG_CHECKPOINT_INVALID',
      kind: 'checkpoint',
      file: LATEST_FILE,
      message: `\`${LATEST_FILE}\` is not a checkpoint of this log: ${messageOf(cause)}`,
    });
    return 'invalid';
  }
}

function historyRoots(directory: string, verifier: NoteVerifier, problems: ProblemList): ExpectedRoot[] {
  const path = join(directory, HISTORY_FILE);
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n');
  const torn = lines.pop() ?? '';
  const roots: ExpectedRoot[] = [];
  const report = (line: number, reason: string): void =>
    problems.add({
      code: 'LOG_CHECKPOINT_INVALID',
      kind: 'checkpoint',
      file: HISTORY_FILE,
      seq: roots.at(-1)?.size ?? 0,
      message: `line ${line} of \`${HISTORY_FILE}\` ${reason}`,
    });
  for (const [i, line] of lines.entries()) {
    const read = rootOfLine(line, i + 1, verifier);
    if (typeof read === 'string') report(i + 1, read);
    else if (read.size < (roots.at(-1)?.size ?? 0)) report(i + 1, 'is of fewer records than the line before');
    else roots.push(read);
  }
  // A line that a crash cut off is a part of one; a whole one with something else for its line feed was altered.
  if (torn !== '' && parseRecorded(torn.slice(0, -1)) !== undefined) report(lines.length + 1, 'was altered at its end');
  return roots;
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
