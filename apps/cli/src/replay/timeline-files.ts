import { join } from 'node:path';
import { canonicalJson } from '@protego/contracts';
import {
  TileStore,
  makeRangeProof,
  parseVerifierKey,
  readLatestCheckpoint,
  replaceFileDurably,
} from '@protego/event-log';
import {
  rangesOf,
  timelineHtml,
  timelineText,
  type CommandOf,
  type ProvedTimeline,
  type Timeline,
  type TimelineProof,
} from '@protego/replay';
import type { OpenLog } from '../log/open-log';
import { makeOutDirectory } from '../out-directory';

/**
 * A timeline with the proof of its lines, up to the latest signed checkpoint.
 *
 * @param leafOf - leaf data of the record at a seq
 * @throws ProtegoError `LOG_TILE_MISMATCH`, `LOG_CHECKPOINT_INVALID`
 */
export function provedTimeline(
  timeline: Timeline,
  { directory, reader }: OpenLog,
  leafOf: (seq: number) => Buffer,
): ProvedTimeline {
  const { verifierKey } = reader.identity;
  const checkpoint = readLatestCheckpoint(directory, [parseVerifierKey(verifierKey)]);
  const size = checkpoint?.size ?? 0;
  const seqs = timeline.lines.map(({ seq }) => seq);
  const covered = seqs.filter((seq) => seq < size);
  const hashes = covered.length === 0 ? [] : makeRangeProof(new TileStore(directory, size), rangesOf(covered));
  const proof: TimelineProof = {
    ...{ checkpoint: checkpoint?.note ?? null, verifierKey, size },
    leaves: covered.map((seq) => ({ seq, leaf: leafOf(seq).toString('base64') })),
    hashes: hashes.map((hash) => hash.toString('base64')),
    notCovered: seqs.filter((seq) => seq >= size),
  };
  return { ...timeline, proof };
}

/** What a reader is told of the proof. */
export function proofWords({ proof, lines }: ProvedTimeline): string {
  const { size, leaves, notCovered } = proof;
  const rest =
    notCovered.length === 0
      ? ''
      : ` ${notCovered.length} of the ${lines.length} are younger than it: sign a new one with \`protego log checkpoint --new\`.`;
  return `timeline.json proves ${leaves.length} records, leaf by leaf, against the signed checkpoint of size ${size}; check it without the log: protego replay timeline --check timeline.json.${rest}`;
}

/** Writes `timeline.txt`, `timeline.json` and `timeline.html`. */
export function writeTimeline(directory: string, proved: ProvedTimeline, commandOf: CommandOf): string[] {
  makeOutDirectory(directory);
  const words = proofWords(proved);
  const contents: readonly (readonly [string, string])[] = [
    ['timeline.json', `${canonicalJson(proved)}\n`],
    ['timeline.txt', `${timelineText(proved, commandOf)}\n${words}\n`],
    ['timeline.html', timelineHtml(proved, words, commandOf)],
  ];
  return contents.map(([name, content]) => {
    const path = join(directory, name);
    replaceFileDurably(path, Buffer.from(content));
    return path;
  });
}
