import { join } from 'node:path';
import { loadArtefactSet, resolveArtefactSet, type ArtefactSet } from '@protego/artefacts';
import { ProtegoError } from '@protego/contracts';
import type { EventLogReader } from '@protego/event-log';
import { currentSetOf, inForceHashes, type ArtefactsInForce, type ForcePhase } from '@protego/replay';
import { compileSigma, decidingText, type PipelineArtefacts } from '@protego/streams';
import { ledgerOf, storeOf } from './artefact-options';

/** Options with which the artefacts of a replay are named. */
export interface ReplayArtefactOptions {
  readonly streams: string;
  readonly rules?: string;
  /** `in-force`, `current`, or a set as `resolveArtefactSet` takes it. */
  readonly artefacts?: string;
}

/** Sets as a log says they were in force. */
export interface SetsInForce {
  readonly phases: readonly ForcePhase[];
  /** Every set of the phases. */
  readonly sets: ReadonlyMap<string, ArtefactSet>;
  /** For a manifest: the set by the first seq that it judged. */
  readonly hashes: Readonly<Record<string, string>>;
}

/** Text of the option that names artefacts. */
export const ARTEFACTS_HELP =
  '`in-force`: as the log says they were; `current`: those activated last; a stored set by its hash or the first 8 digits of it; or a directory with rules/ and declarations/';

/**
 * The artefacts that the options name; without `artefacts`, `rules` and the declarations of `streams`.
 *
 * @param size - records of the log that count: what was activated after them is not known
 * @throws ProtegoError `ARTEFACT_SET_UNKNOWN` for a set that is neither stored nor that of `streams`, `ARTEFACT_SET_DAMAGED`,
 *   `ARTEFACT_INVALID`, `DECLARATION_INVALID`; `USAGE_INVALID` when rules are named twice
 */
export function replayArtefacts(
  options: ReplayArtefactOptions,
  reader: Pick<EventLogReader, 'query' | 'directory'>,
  size = Number.POSITIVE_INFINITY,
): ArtefactSet | SetsInForce {
  const { artefacts: text, rules, streams } = options;
  if (text === undefined) return directorySet(options);
  const { directory: log } = reader;
  const ledger = ledgerOf(reader).before(size);
  if (text === 'in-force') return asInForce(ledger.phases(), options, log);
  if (text === 'current') return setOf(currentSetOf(ledger), options, log);
  if (rules !== undefined)
    throw new ProtegoError('USAGE_INVALID', 'name a set with --artefacts, or rules with --rules');
  return resolveArtefactSet(text, { streamsDir: streams, decidingText, store: storeOf({ log }) });
}

/** True for sets that change within the log. */
export function areSetsInForce(set: ArtefactSet | SetsInForce): set is SetsInForce {
  return 'phases' in set;
}

/** True for hashes of a manifest that say which sets were in force. */
export function areHashesInForce(hashes: Readonly<Record<string, string>>): boolean {
  return Object.keys(hashes).some((name) => name.startsWith('in-force@'));
}

/** What pipelines are built from. */
export function compiledArtefacts(set: ArtefactSet | SetsInForce): PipelineArtefacts | ArtefactsInForce {
  if (!areSetsInForce(set)) return compiled(set);
  const { phases, sets } = set;
  const made = new Map([...sets].map(([name, each]) => [name, compiled(each)]));
  return { phases, artefactsOf: (name) => made.get(name) as PipelineArtefacts };
}

function asInForce(phases: readonly ForcePhase[], options: ReplayArtefactOptions, log: string): SetsInForce {
  if (phases.length === 0)
    throw new ProtegoError('ARTEFACT_SET_UNKNOWN', 'no set was ever activated in this log: name one');
  const names = new Set(phases.flatMap(({ set }) => set ?? []));
  const sets = new Map([...names].map((name) => [name, setOf(name, options, log)]));
  return { phases, sets, hashes: inForceHashes(phases) };
}

/** A set of the log's store; one that is not there, or older than stores, may be that of the directory. */
function setOf(set: string, options: ReplayArtefactOptions, log: string): ArtefactSet {
  const store = storeOf({ log });
  const state = store.stateOf(set);
  if (state === 'stored') return store.get(set);
  const own = directorySet(options);
  if (own.set === set) return own;
  if (state === 'damaged') return store.get(set);
  const message = `set \`${set}\`, which was in force, is not stored: name the directory that it came from with --streams, or another set with --artefacts`;
  throw new ProtegoError('ARTEFACT_SET_UNKNOWN', message, { set });
}

/** The set that the options name by directory, whatever the log says. */
export function directorySet({ rules, streams }: ReplayArtefactOptions): ArtefactSet {
  return loadArtefactSet({ rulesPath: rules ?? join(streams, 'rules'), streamsDir: streams, decidingText });
}

function compiled(set: ArtefactSet): PipelineArtefacts {
  return { rules: compileSigma(set.rules, set), declarations: set.declarations };
}
