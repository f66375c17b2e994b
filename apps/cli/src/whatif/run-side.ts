import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '@protego/contracts';
import { readDetections, type DetectionWithSeqs, type RunCost, type RunManifest } from '@protego/replay';
import type { OpenLog } from '../log/open-log';
import { linesOfFile } from '../replay/file-lines';
import { runInto, type RunSettings } from '../replay/run-session';
import type { Terminal } from '../terminal';
import type { LoadedSet } from './artefact-side';

/** One of the two runs, as it was written. */
export interface SideRun {
  readonly manifest: RunManifest;
  readonly cost: RunCost;
  /** Reads what it found back from the files. */
  detections(): Iterable<DetectionWithSeqs>;
}

/** Files of a run, as `replay --out` writes them; some only where they have something to say. */
const RUN_FILES = ['manifest.json', 'detections.jsonl', 'evidence.jsonl', 'coverage.jsonl', 'undecidable.jsonl'];

/** Replays a log with one set of artefacts into a directory. */
export async function runSide(
  { set }: LoadedSet,
  settings: Omit<RunSettings, 'set'>,
  open: OpenLog,
  terminal: Terminal,
  clock: Clock,
): Promise<SideRun> {
  const startedMs = clock.monotonicMs();
  const { manifest } = await runInto({ ...settings, set }, open, terminal);
  const elapsedMs = Math.max(1, Math.round(clock.monotonicMs() - startedMs));
  const linesOf = (name: string): Iterable<string> => linesOfFile(join(settings.out, name));
  return {
    manifest,
    cost: { elapsedMs, eventsPerSecond: Math.round((manifest.counts.events * 1_000) / elapsedMs) },
    detections: () => readDetections(linesOf('detections.jsonl'), linesOf('evidence.jsonl')),
  };
}

/** Names of the files that a run left in its directory. */
export function runFilesIn(directory: string): string[] {
  return RUN_FILES.filter((name) => existsSync(join(directory, name)));
}
