import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** How far publication had come: the last record, and the stream sequence it was stored under. */
export interface PublishCursor {
  readonly logSeq: number;
  readonly streamSeq: number;
}

const FILE = 'published.json';

/**
 * The cursor that was written last; undefined where there is none. The stream itself tells how far publication has come;
 * this is asked only when the stream is empty, because somebody purged it or everything in it has expired.
 */
export function readPublishCursor(logDir: string): PublishCursor | undefined {
  try {
    const { logSeq, streamSeq } = JSON.parse(readFileSync(join(logDir, FILE), 'utf8')) as Partial<PublishCursor>;
    return Number.isSafeInteger(logSeq) && Number.isSafeInteger(streamSeq)
      ? { logSeq: Number(logSeq), streamSeq: Number(streamSeq) }
      : undefined;
  } catch {
    // Missing, or cut short by a crash: the log is then searched by age.
    return undefined;
  }
}

/** Writes the cursor; whole or not at all. */
export function writePublishCursor(logDir: string, cursor: PublishCursor): void {
  const path = join(logDir, FILE);
  writeFileSync(`${path}.new`, JSON.stringify(cursor), { mode: 0o600 });
  renameSync(`${path}.new`, path);
}
