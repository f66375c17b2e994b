import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { loadArtefactSet, type ArtefactSet } from '@protego/artefacts';
import type { ArtefactSide } from '@protego/replay';
import { compileSigma, decidingText, sigmaContentsOf } from '@protego/streams';

/** Where a set of artefacts is read from. */
export interface SetPlaces {
  readonly rulesPath: string;
  /** Directory with `declarations/`. */
  readonly streamsDir: string;
}

/** A set of artefacts, ready to run and to be compared. */
export interface LoadedSet {
  /** As the caller named it. */
  readonly name: string;
  readonly set: ArtefactSet;
  /** All of it but how the run judges. */
  readonly side: Omit<ArtefactSide, 'knowledge'>;
}

/**
 * What the name of a set means: a directory with `rules/` or `declarations/`, or a directory or file of rules. What it does
 * not hold is taken from the streams directory.
 */
export function resolveSet(name: string, streamsDir: string): SetPlaces {
  const rulesPath = join(name, 'rules');
  const hasRules = isDirectory(rulesPath);
  const hasDeclarations = isDirectory(join(name, 'declarations'));
  if (!hasRules && !hasDeclarations) return { rulesPath: name, streamsDir };
  return {
    rulesPath: hasRules ? rulesPath : join(streamsDir, 'rules'),
    streamsDir: hasDeclarations ? name : streamsDir,
  };
}

/**
 * Reads and compiles a set; documents that are wrong are left out, and told by the side's problems.
 *
 * @throws ProtegoError `ARTEFACT_INVALID`, `DECLARATION_INVALID`
 */
export function loadSide(name: string, streamsDir: string): LoadedSet {
  const set = loadArtefactSet({ ...resolveSet(name, streamsDir), decidingText });
  const { declarations, placeholders } = set;
  const rules = compileSigma(set.rules, set);
  const contents = sigmaContentsOf(set.rules, set);
  return { name, set, side: { rules, contents, declarations, placeholders } };
}

function isDirectory(path: string): boolean {
  return existsSync(path) && statSync(path).isDirectory();
}
