import { hash } from 'node:crypto';
import { closeSync, existsSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { ProtegoError, canonicalJson } from '@protego/contracts';
import { openIfFile, readFully, readSmallFile } from '../files-if-there';
import { openCheckpoint, type Checkpoint } from './checkpoint';
import { writeAll, writeFileAtomically, type LogFile, type LogFileLayer } from '../writer/file-layer';
import type { NoteVerifier } from './signed-note';

/** File with the latest checkpoint, in the directory of the log. */
export const LATEST_FILE = 'checkpoint';
/** File with every checkpoint that was signed, a line each. */
export const HISTORY_FILE = 'checkpoints.jsonl';
/** Bytes at the end of the history that hold its last line for sure: a note of this log has some hundred bytes. */
const TAIL_BYTES = 1 << 16;
const LINE_FEED = 0x0a;
/** Hexadecimal digits of the check of a line. */
const CHECK_DIGITS = 16;

/** A checkpoint with the note that carries it. */
export interface SignedCheckpoint extends Checkpoint {
  /** The signed note (C2SP signed-note). */
  readonly note: string;
}

/** One line of the history of a log's checkpoints. */
export interface RecordedCheckpoint {
  readonly note: string;
  /** Wall clock when it was signed, milliseconds since the Unix epoch: evidence only. */
  readonly recordedAt: number;
}

/**
 * The latest checkpoint of a log, from its file.
 *
 * @throws ProtegoError `LOG_CHECKPOINT_INVALID` when it is not signed by one of the keys
 */
export function readLatestCheckpoint(
  directory: string,
  verifiers: readonly NoteVerifier[],
): SignedCheckpoint | undefined {
  const content = readSmallFile(join(directory, LATEST_FILE));
  if (content === 'odd') throw notAFile(LATEST_FILE);
  return content === undefined ? undefined : signedCheckpointOf(content.toString('utf8'), verifiers);
}

function notAFile(name: string): ProtegoError {
  return new ProtegoError('LOG_CHECKPOINT_INVALID', `\`${name}\` is not a file`, { file: name });
}

/**
 * Reads a signed note as the checkpoint that it carries.
 *
 * @throws ProtegoError `LOG_CHECKPOINT_INVALID`
 */
export function signedCheckpointOf(note: string, verifiers: readonly NoteVerifier[]): SignedCheckpoint {
  return { ...openCheckpoint(note, verifiers), note };
}

/**
 * The greatest checkpoint that a log is known to have signed: of its file, or of the last line of its history when a crash
 * came between the two.
 *
 * @throws ProtegoError `LOG_CHECKPOINT_INVALID`
 */
export function readSignedState(directory: string, verifiers: readonly NoteVerifier[]): SignedCheckpoint | undefined {
  const inFile = readLatestCheckpoint(directory, verifiers);
  const { last } = tailOf(join(directory, HISTORY_FILE));
  const inHistory = last === undefined ? undefined : signedCheckpointOf(last.note, verifiers);
  return (inHistory?.size ?? 0) > (inFile?.size ?? 0) ? inHistory : inFile;
}

/** Every checkpoint in the history of a log, oldest first, as recorded: not verified. A torn last line is left out. */
export function* readCheckpointHistory(directory: string): Generator<RecordedCheckpoint, void, undefined> {
  for (const line of historyLines(directory)) {
    const recorded = line.isWhole ? parseRecorded(line.text) : undefined;
    if (recorded !== undefined) yield recorded;
  }
}

/** A line of the history as it stands there, without its line feed. */
export interface HistoryLine {
  readonly text: string;
  /** False for a last one without line feed, and for the beginning of one that is longer than any line of a history. */
  readonly isWhole: boolean;
}

/**
 * The lines of the history in its first `bytesMax` bytes. It ends with a line that is longer than any, which is cut.
 *
 * @throws ProtegoError `LOG_CHECKPOINT_INVALID` when something else than a regular file has its name
 */
export function* historyLines(directory: string, bytesMax = Infinity): Generator<HistoryLine, void, undefined> {
  const there = openIfFile(join(directory, HISTORY_FILE));
  if (there.kind === 'odd') throw notAFile(HISTORY_FILE);
  if (there.kind === 'none') return;
  try {
    let rest = Buffer.alloc(0);
    const piece = Buffer.alloc(TAIL_BYTES);
    for (let position = 0; rest.length < TAIL_BYTES;) {
      const wanted = Math.min(piece.length, bytesMax - position);
      const bytes = wanted > 0 ? readSync(there.descriptor, piece, 0, wanted, position) : 0;
      if (bytes === 0) break;
      position += bytes;
      const lines = Buffer.concat([rest, piece.subarray(0, bytes)]);
      let start = 0;
      for (let end = lines.indexOf(LINE_FEED); end >= 0; end = lines.indexOf(LINE_FEED, start)) {
        yield { text: lines.toString('utf8', start, end), isWhole: true };
        start = end + 1;
      }
      rest = lines.subarray(start);
    }
    if (rest.length > 0) yield { text: rest.toString('utf8'), isWhole: false };
  } finally {
    closeSync(there.descriptor);
  }
}

/** Keeps the signed checkpoints of one log. One call at a time. */
export class CheckpointFiles {
  private constructor(
    private readonly directory: string,
    private readonly layer: LogFileLayer,
    private readonly history: LogFile,
    private position: number,
  ) {}

  /** Opens the history, cuts a torn last line, and brings both files to the checkpoint that was signed last. */
  static async open(
    directory: string,
    layer: LogFileLayer,
    signed: SignedCheckpoint | undefined,
    nowMs: number,
  ): Promise<CheckpointFiles> {
    const path = join(directory, HISTORY_FILE);
    const isNew = !existsSync(path);
    const tail = tailOf(path);
    const history = await layer.open(path, isNew ? 'create' : 'change');
    try {
      if (tail.goodBytes < tail.bytes) await history.truncate(tail.goodBytes);
      await history.fsync();
      if (isNew) await layer.syncDirectory(directory);
      const files = new CheckpointFiles(directory, layer, history, tail.goodBytes);
      if (signed !== undefined) await files.recordMissing(signed.note, tail.last, nowMs);
      return files;
    } catch (cause) {
      await history.close();
      throw cause;
    }
  }

  /** Appends to the history, and then puts the note in the place of the latest; both durably. */
  async record({ note, recordedAt }: RecordedCheckpoint): Promise<void> {
    const line = Buffer.from(`${formatRecorded({ note, recordedAt })}\n`);
    this.position += await writeAll(this.history, [line], this.position);
    await this.history.fdatasync();
    await this.replaceLatest(note);
  }

  private async recordMissing(note: string, last: RecordedCheckpoint | undefined, recordedAt: number): Promise<void> {
    if (last?.note !== note) await this.record({ note, recordedAt });
    else if (readSmallFile(join(this.directory, LATEST_FILE))?.toString() !== note) await this.replaceLatest(note);
  }

  private async replaceLatest(note: string): Promise<void> {
    await writeFileAtomically(this.layer, join(this.directory, LATEST_FILE), Buffer.from(note));
  }

  /** Closes the history. */
  async close(): Promise<void> {
    await this.history.close();
  }
}

function tailOf(path: string): { bytes: number; goodBytes: number; last: RecordedCheckpoint | undefined } {
  const there = openIfFile(path);
  if (there.kind === 'odd') throw notAFile(HISTORY_FILE);
  if (there.kind === 'none') return { bytes: 0, goodBytes: 0, last: undefined };
  const { descriptor, bytes } = there;
  try {
    const from = Math.max(0, bytes - TAIL_BYTES);
    const tail = Buffer.alloc(bytes - from);
    readFully(descriptor, tail, from);
    let end = tail.lastIndexOf(LINE_FEED) + 1;
    // Bytes that the disk never wrote read as zeros; with them a line is not one that was finished.
    while (end > 0) {
      const start = end < 2 ? 0 : tail.lastIndexOf(LINE_FEED, end - 2) + 1;
      const last = parseRecorded(tail.toString('utf8', start, end - 1));
      if (last !== undefined) return { bytes, goodBytes: from + end, last };
      end = start;
    }
    return { bytes, goodBytes: from, last: undefined };
  } finally {
    closeSync(descriptor);
  }
}

/**
 * A checkpoint as its line in the history, without line feed: canonical JSON with a check over note and time, so that a
 * changed digit of the time, which the note does not cover, is seen.
 */
export function formatRecorded({ note, recordedAt }: RecordedCheckpoint): string {
  const check = hash('sha256', `${note}\n${recordedAt}`, 'hex').slice(0, CHECK_DIGITS);
  return canonicalJson({ check, note, recordedAt });
}

/** The checkpoint of a line of the history; undefined when it is not exactly what {@link formatRecorded} gives. */
export function parseRecorded(line: string): RecordedCheckpoint | undefined {
  try {
    const { note, recordedAt } = JSON.parse(line) as Partial<RecordedCheckpoint>;
    if (typeof note !== 'string' || !Number.isFinite(recordedAt) || recordedAt === undefined) return undefined;
    return formatRecorded({ note, recordedAt }) === line ? { note, recordedAt } : undefined;
  } catch {
    return undefined;
  }
}
