import type { StartParts } from './pipeline-parts';
import type { PieceStore } from './kept-piece';

/** Names of the lines that a run writes. */
export const RUN_LINES = ['detections', 'evidence', 'coverage', 'undecidable'] as const;
/** One of {@link RUN_LINES}. */
export type RunLines = (typeof RUN_LINES)[number];

/** Where a run writes what it made: lines as they come, each kind in its own order. */
export interface RunOutput {
  /** Adds a line, given without its end. */
  line(kind: RunLines, text: string): void;
}

/** States of pipelines by seq, sealed by whoever keeps them. All are of one engine, one set of artefacts and one way to run. */
export interface SnapshotStore {
  /** What there is, in any order. */
  list(): readonly StoredSnapshot[];
  /** The bytes of one that {@link SnapshotStore.list} names; undefined when it is gone meanwhile. */
  load(snapshot: StoredSnapshot): Uint8Array | undefined;
  save(snapshot: StoredSnapshot, bytes: Uint8Array): void;
}

/** Which state of a log a snapshot holds. */
export interface StoredSnapshot {
  /** First record that was not judged yet. */
  readonly seq: number;
  /** Runs that want results certain from this time on, milliseconds, or later may begin there; null: all runs may. */
  readonly floorMs: number | null;
}

/** Where a run writes down how far it came, so that it can go on after it was killed. */
export interface ProgressStore {
  /** What an earlier run wrote down; undefined where there is nothing. */
  load(): Uint8Array | undefined;
  /** Takes the place of what was written before, durably and as a whole. */
  save(bytes: Uint8Array): void;
}

/** How far a run has come. */
export interface RunProgress {
  /** Records that were handed to the pipelines, those judged before the run began included. */
  readonly read: number;
  /** Records of the log. */
  readonly size: number;
  readonly findings: number;
  /** Pipeline time of the records that come next, milliseconds. */
  readonly atMs: number;
}

/** What a run needs from outside: time, threads and files are the app's. None of it reaches a pipeline. */
export interface ReplayPorts {
  readonly output: RunOutput;
  readonly pieces: PieceStore;
  /** Default: all parts in the thread of the caller. */
  readonly startParts?: StartParts;
  /** Snapshots to begin at, and where to keep new ones. */
  readonly snapshots?: { readonly store: SnapshotStore; readonly everyRecords: number };
  /** Where to write down how far the run came, every so many records. */
  readonly progress?: { readonly store: ProgressStore; readonly everyRecords: number };
  /** Most records of a batch; few where a run keeps pace with what it replays. */
  readonly batchRecords?: number;
  /** Called before each batch of records: may wait, and ends the run with the error that it throws. */
  readonly turn?: (progress: RunProgress) => Promise<void>;
  /** Called with what was found as it is found, in no order that means anything. */
  readonly found?: (lines: readonly string[]) => Promise<void>;
}
