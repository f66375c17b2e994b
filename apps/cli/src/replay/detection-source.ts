import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ProtegoError, type Detection, type ProtegoEvent } from '@protego/contracts';
import { merkleRootOf, type EventLogReader } from '@protego/event-log';
import { parseManifest } from '@protego/replay';
import { linesOfFile } from './file-lines';

/** A detection and where it was found. */
export interface FoundDetection {
  readonly detection: Detection;
  /** Contributing events as far as they are named. */
  readonly seqs: readonly number[];
  /** Seq of its record in the log; null for one that a replay made. */
  readonly recordedSeq: number | null;
}

/**
 * A detection that a replay wrote.
 *
 * @param origin name of the log that is at hand
 * @throws ProtegoError `DETECTION_UNKNOWN`; `USAGE_INVALID` when the replay was of another log, or with what is known now; `MANIFEST_INVALID`
 */
export function detectionOfRun(directory: string, id: string, origin: string): FoundDetection {
  const { log, knowledge, outputHash } = parseManifest(readFileSync(join(directory, 'manifest.json'), 'utf8'));
  if (log.origin !== origin)
    throw new ProtegoError(
      'USAGE_INVALID',
      `\`${directory}\` is a replay of the log \`${log.origin}\`, not of \`${origin}\``,
    );
  // A proof holds what came before, and so what was known by then.
  if (knowledge === 'now')
    throw new ProtegoError(
      'USAGE_INVALID',
      `\`${directory}\` is a replay with what is known now: name one without --knowledge now`,
    );
  const lines = join(directory, 'detections.jsonl');
  const root = merkleRootOf(linesOfFile(lines));
  if (root !== outputHash)
    throw new ProtegoError('MANIFEST_INVALID', `\`${lines}\` is not what its manifest says was found`, {
      recorded: outputHash,
      found: root,
    });
  const detection = lineOf<Detection>(lines, id);
  const { seqs } = lineOf<{ readonly id: string; readonly seqs: readonly number[] }>(
    join(directory, 'evidence.jsonl'),
    id,
  );
  return { detection, seqs, recordedSeq: null };
}

/**
 * A detection that the engine recorded, the newest of its id.
 *
 * @throws ProtegoError `DETECTION_UNKNOWN`
 */
export function detectionInLog(reader: EventLogReader, id: string): FoundDetection {
  for (const { seq, body } of reader.query({ types: ['detection.raised'], direction: 'backwards' })) {
    // Most records are of others: looking for the id is cheaper than reading them.
    if (!body.includes(id)) continue;
    const event = JSON.parse(body.toString('utf8')) as ProtegoEvent;
    const detection = event.data as unknown as Detection;
    if (event.id === id) return { detection, seqs: detection.evidence?.seqs ?? [], recordedSeq: seq };
  }
  const message = `the log has recorded no detection \`${id}\`; name a replay that has made it with --run`;
  throw new ProtegoError('DETECTION_UNKNOWN', message, { detection: id });
}

function lineOf<T extends { readonly id: string }>(path: string, id: string): T {
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    if (!line.includes(id)) continue;
    const value = JSON.parse(line) as T;
    if (value.id === id) return value;
  }
  throw new ProtegoError('DETECTION_UNKNOWN', `\`${path}\` holds no detection \`${id}\``, { detection: id });
}
