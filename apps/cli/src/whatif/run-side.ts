import { closeSync, mkdirSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import type { Clock } from '@protego/contracts';
import {
  manifestText,
  readDetections,
  runReplay,
  type DetectionWithSeqs,
  type ReplayRequest,
  type RunCost,
  type RunManifest,
} from '@protego/replay';
import type { LoadedSet } from './artefact-side';

/** One of the two runs, as it was written. */
export interface SideRun {
  readonly manifest: RunManifest;
  readonly cost: RunCost;
  /** Reads what it found back from the files. */
  detections(): Iterable<DetectionWithSeqs>;
}

/** What both runs have in common. */
export type CommonRequest = Omit<ReplayRequest, 'artefacts' | 'artefactHashes'>;

/** Files of a run, as `replay --out` writes them. */
export const RUN_FILES = ['manifest.json', 'detections.jsonl', 'evidence.jsonl'] as const;

const CHUNK_BYTES = 1 << 16;

/** Replays a log with one set of artefacts into a directory. */
export async function runSide(
  { set, side }: LoadedSet,
  common: CommonRequest,
  directory: string,
  clock: Clock,
): Promise<SideRun> {
  const startedMs = clock.monotonicMs();
  const { rules, declarations } = side;
  const outcome = await runReplay({ ...common, artefacts: { rules, declarations }, artefactHashes: set.hashes });
  const elapsedMs = Math.max(1, Math.round(clock.monotonicMs() - startedMs));
  const { manifest, detectionLines, evidenceLines } = outcome;
  mkdirSync(directory, { recursive: true });
  writeLines(join(directory, 'detections.jsonl'), detectionLines);
  writeLines(join(directory, 'evidence.jsonl'), evidenceLines);
  writeFileSync(join(directory, 'manifest.json'), manifestText(manifest));
  return {
    manifest,
    cost: { elapsedMs, eventsPerSecond: Math.round((manifest.counts.events * 1_000) / elapsedMs) },
    detections: () =>
      readDetections(linesOf(join(directory, 'detections.jsonl')), linesOf(join(directory, 'evidence.jsonl'))),
  };
}

/** The lines of a file in UTF-8, without holding more of it than one of them. */
export function* linesOf(path: string): Generator<string, void, undefined> {
  const file = openSync(path, 'r');
  try {
    const decoder = new StringDecoder('utf8');
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    let rest: string[] = [];
    for (let count = readSync(file, chunk); count > 0; count = readSync(file, chunk)) {
      const [first = '', ...others] = decoder.write(chunk.subarray(0, count)).split('\n');
      rest.push(first);
      for (const next of others) {
        yield rest.join('');
        rest = [next];
      }
    }
    const last = rest.join('') + decoder.end();
    if (last !== '') yield last;
  } finally {
    closeSync(file);
  }
}

/** A file of a run, as bytes. */
export function bytesOfRun(directory: string, side: string, name: (typeof RUN_FILES)[number]): Buffer {
  return readFileSync(join(directory, side, name));
}

function writeLines(path: string, lines: readonly string[]): void {
  writeFileSync(path, lines.map((line) => `${line}\n`).join(''));
}
