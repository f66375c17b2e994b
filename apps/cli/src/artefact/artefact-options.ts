import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { ARTEFACT_STORE_FOLDER, ArtefactStore, resolveArtefactSet, type ArtefactSet } from '@protego/artefacts';
import { ProtegoError, parseConfig } from '@protego/contracts';
import type { EventLogReader } from '@protego/event-log';
import {
  FORCE_TYPES,
  NO_CONTROL,
  dualControlOf,
  foldForces,
  type DualControl,
  type ForceLedger,
} from '@protego/replay';
import { decidingText } from '@protego/streams';
import { shippedStreamsDir } from '../installation';
import { originOf, type LogOptions } from '../log/open-log';

/** Options with which a set is named. */
export interface SetOptions extends LogOptions {
  readonly set: string;
  readonly streams: string;
}

/** Text of the option that names a set. */
export const SET_HELP =
  'a stored set by its hash or the first 8 digits of it, a directory with rules/, declarations/ or both, or rules alone';

/** Gives a command the options of {@link SetOptions}. */
export function withSet(command: Command): Command {
  return command
    .requiredOption('--set <set>', SET_HELP)
    .option('--streams <dir>', 'where a set finds what it does not hold', shippedStreamsDir());
}

/** The store of a log. */
export function storeOf({ log }: Pick<LogOptions, 'log'>): ArtefactStore {
  return new ArtefactStore(join(log, ARTEFACT_STORE_FOLDER), decidingText);
}

/**
 * The set that the options name.
 *
 * @throws ProtegoError as `resolveArtefactSet`; `LOG_NOT_FOUND`
 */
export function namedSet(options: SetOptions): ArtefactSet {
  // A directory that is mistyped must not become a store.
  originOf(options);
  return resolveArtefactSet(options.set, { streamsDir: options.streams, decidingText, store: storeOf(options) });
}

/** Which sets were in force, as a log says. */
export function ledgerOf(reader: Pick<EventLogReader, 'query'>): ForceLedger {
  return foldForces(reader.query({ types: FORCE_TYPES }));
}

/**
 * Dual control as the site declares it: in the file that is named, or in `protego.yaml` beside the log; none without either.
 *
 * @throws ProtegoError `CONFIG_INVALID`; `USAGE_INVALID` when the log shows that the site asks for approvals and there is no file
 */
export function controlOf(
  { log, config }: { readonly log: string; readonly config?: string },
  ledger: ForceLedger,
): DualControl {
  const beside = join(dirname(log), 'protego.yaml');
  const path = config ?? (existsSync(beside) ? beside : undefined);
  if (path !== undefined) return dualControlOf(parseConfig(readFileSync(path, 'utf8'), path, process.env).artefacts);
  if ((ledger.current?.signatures.length ?? 0) === 0) return NO_CONTROL;
  throw new ProtegoError(
    'USAGE_INVALID',
    'the set in force was approved: name the protego.yaml of the site with --config',
  );
}

/** Text of the option that names the configuration. */
export const CONFIG_HELP =
  'protego.yaml of the site, which says whose approval is needed (default: the one beside the log directory, where there is one)';
