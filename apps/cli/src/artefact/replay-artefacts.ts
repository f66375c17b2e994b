import { join } from 'node:path';
import { loadArtefactSet, resolveArtefactSet, type ArtefactSet } from '@protego/artefacts';
import { ProtegoError } from '@protego/contracts';
import type { EventLogReader } from '@protego/event-log';
import { currentSetOf, inForceHashes, type ArtefactsInForce, type ForcePhase } from '@protego/replay';
import { compileSigma, decidingText, type PipelineArtefacts, type SigmaRuleSet } from '@protego/streams';
import { ledgerOf, storeOf } from './artefact-options';

/** Options with which the artefacts of a replay are named. */
export interface ReplayArtefactOptions {
  readonly log: string;
  readonly streams: string;
  readonly rules?: string;
  /** `in-force`, `current`, or a set as `resolveArtefactSet` takes it. */
  readonly artefacts?: string;
}

/** Artefacts of a replay. */
export interface ChosenArtefacts {
  readonly artefacts: PipelineArtefacts | ArtefactsInForce;
  /** For the manifest: SHA-256 by name. */
  readonly hashes: Readonly<Record<string, string>>;
  /** What was compiled, each set once. */
  readonly ruleSets: readonly SigmaRuleSet[];
}

/** Text of the option that names artefacts. */
export const ARTEFACTS_HELP =
  '`in-force`: as the log says they were; `current`: those activated last; a stored set by its hash or 8 digits of it; or a directory with rules/ and declarations/';

/**
 * The artefacts that the options name; without `artefacts`, `rules` and the declarations of `streams`.
 *
 * @throws ProtegoError `ARTEFACT_SET_UNKNOWN` for a set that is neither stored nor that of `streams`, `ARTEFACT_SET_DAMAGED`,
 *   `ARTEFACT_INVALID`, `DECLARATION_INVALID`; `USAGE_INVALID` when rules are named twice
 */
export function replayArtefacts(
  options: ReplayArtefactOptions,
  reader: Pick<EventLogReader, 'query'>,
): ChosenArtefacts {
  const { artefacts: text, rules, streams } = options;
  if (text === undefined) return oneSet(directorySet(options));
  if (text === 'in-force') return asInForce(ledgerOf(reader).phases(), options);
  if (text === 'current') return oneSet(setOf(currentSetOf(ledgerOf(reader)), options));
  if (rules !== undefined)
    throw new ProtegoError('USAGE_INVALID', 'name a set with --artefacts, or rules with --rules');
  return oneSet(resolveArtefactSet(text, { streamsDir: streams, decidingText, store: storeOf(options) }));
}

function oneSet(set: ArtefactSet): ChosenArtefacts {
  const artefacts = compiled(set);
  return { artefacts, hashes: set.hashes, ruleSets: [artefacts.rules] };
}

function asInForce(phases: readonly ForcePhase[], options: ReplayArtefactOptions): ChosenArtefacts {
  const sets = new Map<string, PipelineArtefacts>();
  for (const set of new Set(phases.flatMap((phase) => phase.set ?? []))) sets.set(set, compiled(setOf(set, options)));
  return {
    artefacts: { phases, artefactsOf: (set) => sets.get(set) as PipelineArtefacts },
    hashes: inForceHashes(phases),
    ruleSets: [...sets.values()].map(({ rules }) => rules),
  };
}

/** A set of the log's store; one that is not there, or older than stores, may be that of the directory. */
function setOf(set: string, options: ReplayArtefactOptions): ArtefactSet {
  const store = storeOf(options);
  const state = store.stateOf(set);
  if (state === 'stored') return store.get(set);
  const own = directorySet(options);
  if (own.set === set) return own;
  if (state === 'damaged') return store.get(set);
  const message = `set \`${set}\`, which was in force, is not stored: name the directory that it came from with --streams, or another set with --artefacts`;
  throw new ProtegoError('ARTEFACT_SET_UNKNOWN', message, { set });
}

function directorySet({ rules, streams }: ReplayArtefactOptions): ArtefactSet {
  return loadArtefactSet({ rulesPath: rules ?? join(streams, 'rules'), streamsDir: streams, decidingText });
}

function compiled(set: ArtefactSet): PipelineArtefacts {
  return { rules: compileSigma(set.rules, set), declarations: set.declarations };
}
