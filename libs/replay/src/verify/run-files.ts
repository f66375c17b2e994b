import type { RunManifest } from '../run/run-manifest';
import type { RunLines } from '../run/run-ports';

/** A run as its files hold it. */
export interface RunFiles {
  readonly manifest: RunManifest;
  /** Lines of a file of the run, each time from the first on; undefined where the file is missing. */
  readonly lines: (kind: RunLines) => Iterable<string> | undefined;
}
