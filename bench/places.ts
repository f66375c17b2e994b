import { existsSync, mkdirSync, mkdtempSync } from 'node:fs';
import { join, relative } from 'node:path';
import { installationRoot } from '../apps/cli/src/installation';

/** The repository. */
export const ROOT = installationRoot();
/** Rules and declarations that are shipped. */
export const STREAMS = join(ROOT, 'streams');
/** What is fetched or made on the way; not part of the repository. */
export const CACHE = join(ROOT, '.cache');

const SHARED_DATA = join(ROOT, '..', 'shared', 'data');
/** Public Sigma rules, as JSON lines. */
export const PUBLIC_RULES = join(SHARED_DATA, 'sigma', 'rules.jsonl.gz');
/** Recordings of attacks on Windows hosts. */
export const WINDOWS_RECORDINGS = join(SHARED_DATA, 'windows-attacks');

/** Why data beside the repository cannot be used; undefined when it can. */
export function missingData(...paths: readonly string[]): string | undefined {
  const absent = paths.find((path) => !existsSync(path));
  return absent === undefined ? undefined : `${relative(ROOT, absent)} is not there`;
}

/** A new directory on the disk that the repository is on, because how fast a log is depends on the disk. */
export function scratchDirectory(): string {
  const parent = join(CACHE, 'bench');
  mkdirSync(parent, { recursive: true });
  return mkdtempSync(join(parent, 'run-'));
}
