import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ProtegoError } from '@protego/contracts';
import { loadArtefactSet, type ArtefactPlaces, type ArtefactSet } from './artefact-set';
import type { ArtefactStore } from './artefact-store';

/** Where a set that somebody names is looked for. */
export interface ArtefactSearch {
  /** Where rules or declarations come from that a named directory does not hold. */
  readonly streamsDir: string;
  readonly decidingText: ArtefactPlaces['decidingText'];
  /** Stored sets; without it only directories and files can be named. */
  readonly store?: ArtefactStore;
}

/**
 * The set that a text names: a stored one by its hash or at least the first eight digits of it; a directory with `rules/` or
 * `declarations/`, what it lacks taken from `streamsDir`; or rules, as `loadRuleFiles` takes them, with the
 * declarations of `streamsDir`.
 *
 * @throws ProtegoError `ARTEFACT_SET_UNKNOWN`, `ARTEFACT_SET_DAMAGED`, `ARTEFACT_INVALID`, `DECLARATION_INVALID`
 */
export function resolveArtefactSet(text: string, { streamsDir, decidingText, store }: ArtefactSearch): ArtefactSet {
  const stored = store?.find(text);
  if (store !== undefined && stored !== undefined) return store.get(stored);
  if (!existsSync(text)) {
    const where = store === undefined ? '' : `, and no set is stored in \`${store.directory}\` whose hash begins so`;
    throw new ProtegoError('ARTEFACT_SET_UNKNOWN', `there is nothing at \`${text}\`${where}`, { set: text });
  }
  const rulesPath = join(text, 'rules');
  const hasRules = isDirectory(rulesPath);
  const hasDeclarations = isDirectory(join(text, 'declarations'));
  if (!hasRules && !hasDeclarations) return loadArtefactSet({ rulesPath: text, streamsDir, decidingText });
  return loadArtefactSet({
    rulesPath: hasRules ? rulesPath : join(streamsDir, 'rules'),
    streamsDir: hasDeclarations ? text : streamsDir,
    decidingText,
  });
}

function isDirectory(path: string): boolean {
  return existsSync(path) && statSync(path).isDirectory();
}
