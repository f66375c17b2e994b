import type { ArtefactSet } from '@protego/artefacts';
import { ProtegoError } from '@protego/contracts';
import type { EventLogReader } from '@protego/event-log';
import type { ArtefactSide } from '@protego/replay';
import { compileSigma, sigmaContentsOf } from '@protego/streams';
import { areSetsInForce, replayArtefacts } from '../artefact/replay-artefacts';

/** A set of artefacts, ready to run and to be compared. */
export interface LoadedSet {
  /** As the caller named it. */
  readonly name: string;
  readonly set: ArtefactSet;
  /** All of it but how the run judges. */
  readonly side: Omit<ArtefactSide, 'knowledge'>;
}

/**
 * Reads and compiles a set; documents that are wrong are left out, and told by the side's problems.
 *
 * @param name - `current`, or a set as `resolveArtefactSet` takes it
 * @throws ProtegoError `ARTEFACT_SET_UNKNOWN`, `ARTEFACT_SET_DAMAGED`, `ARTEFACT_INVALID`, `DECLARATION_INVALID`;
 *   `USAGE_INVALID` for sets that change within the log
 */
export function loadSide(name: string, streams: string, reader: EventLogReader): LoadedSet {
  const set = replayArtefacts({ artefacts: name, streams }, reader);
  if (areSetsInForce(set))
    throw new ProtegoError('USAGE_INVALID', 'two sets are compared: name one, not those that were in force');
  const { declarations, placeholders } = set;
  const rules = compileSigma(set.rules, set);
  const contents = sigmaContentsOf(set.rules, set);
  return { name, set, side: { rules, contents, declarations, placeholders } };
}
