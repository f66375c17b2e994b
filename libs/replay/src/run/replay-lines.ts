import type { ReplayRequest } from './replay-request';
import { replayInto } from './replay-run';
import type { RunManifest } from './run-manifest';
import type { ReplayPorts, RunLines } from './run-ports';

/** What a replay made, in memory. Lines are without their ends. */
export interface ReplayOutcome {
  readonly manifest: RunManifest;
  /** Canonical JSON, sorted by (certain at, rule id, id); without seq. */
  readonly detectionLines: readonly string[];
  /** `{id, seqs, checkpoint}`, in the order of the detections. */
  readonly evidenceLines: readonly string[];
  /**
   * `{seq, ruleId, fields}` in the order of the log: rules of which nobody can say any more what they would find in a record,
   * because of the erased fields that they ask about.
   */
  readonly undecidableLines: readonly string[];
  /** What was not judged: see `coverageLines`. */
  readonly coverageLines: readonly string[];
}

/** Replays a log that is small enough for its results to be held in memory; throws as `replayInto` does. */
export async function runReplay(request: ReplayRequest, ports: Partial<ReplayPorts> = {}): Promise<ReplayOutcome> {
  const lines: Record<RunLines, string[]> = { detections: [], evidence: [], coverage: [], undecidable: [] };
  const manifest = await replayInto(request, {
    pieces: piecesInMemory(),
    ...ports,
    output: { line: (kind, text) => void lines[kind].push(text) },
  });
  return {
    manifest,
    detectionLines: lines.detections,
    evidenceLines: lines.evidence,
    undecidableLines: lines.undecidable,
    coverageLines: lines.coverage,
  };
}

/** Pieces of a run that need not outlive it. */
export function piecesInMemory(): ReplayPorts['pieces'] {
  const pieces = new Map<number, string[]>();
  let next = 0;
  return {
    write: (lines) => {
      pieces.set(next, [...lines]);
      return next++;
    },
    read: (piece) => pieces.get(piece) ?? [],
    remove: (piece) => void pieces.delete(piece),
  };
}
