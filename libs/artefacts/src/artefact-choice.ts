import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ProtegoError } from '@protego/contracts';
import { SOURCES_FILE, loadArtefactSet, type ArtefactPlaces, type ArtefactSet } from './artefact-set';
import type { ArtefactStore } from './artefact-store';

/** Where a set that somebody names is looked for. */
export interface ArtefactSearch {
  /** Declarations for a set that is named by its rules alone. */
  readonly streamsDir: string;
  readonly decidingText: ArtefactPlaces['decidingText'];
  /** Stored sets; without it only directories and files can be named. */
  readonly store?: ArtefactStore;
}

/**
 * The set that a text names: a stored one by its hash or at least the first eight digits of it; a directory with `rules/` and
 * `declarations/`; or rules, as `loadRuleFiles` takes them, with the declarations of `streamsDir`.
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
  const isWhole = existsSync(join(text, 'declarations', SOURCES_FILE));
  return isWhole
    ? loadArtefactSet({ rulesPath: join(text, 'rules'), streamsDir: text, decidingText })
    : loadArtefactSet({ rulesPath: text, streamsDir, decidingText });
}
