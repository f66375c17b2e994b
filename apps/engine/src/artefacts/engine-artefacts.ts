import { join } from 'node:path';
import { ARTEFACT_STORE_FOLDER, ArtefactStore, loadArtefactSet, type ArtefactSet } from '@protego/artefacts';
import { isProtegoError, type ArtefactActivated, type ProtegoConfig } from '@protego/contracts';
import type { EventLogReader } from '@protego/event-log';
import {
  FORCE_TYPES,
  activationData,
  checkSignatures,
  dualControlOf,
  foldForces,
  isApproved,
  type Activation,
  type ActivationGround,
  type DualControl,
  type ForceLedger,
} from '@protego/replay';
import { compileSigma, decidingText, type PipelineArtefacts } from '@protego/streams';

/** A set with what a pipeline is built from. */
export interface UsableSet {
  readonly set: string;
  readonly hashes: Readonly<Record<string, string>>;
  readonly artefacts: PipelineArtefacts;
}

/** Set of the configured directory, read before the log is opened. */
export function ownArtefacts({ streamsDir }: ProtegoConfig): ArtefactSet {
  return loadArtefactSet({ rulesPath: join(streamsDir, 'rules'), streamsDir, decidingText });
}

/** Rules and declarations of a set, compiled. */
export function usable(artefacts: ArtefactSet): UsableSet {
  const { set, hashes, declarations } = artefacts;
  return { set, hashes, artefacts: { rules: compileSigma(artefacts.rules, artefacts), declarations } };
}

/** Where an engine has its sets of artefacts from: its directory, its store, and the log that says which is in force. */
export class EngineArtefacts {
  readonly store: ArtefactStore;
  /** Whose approval an activation needs. */
  readonly control: DualControl;

  /**
   * Stores the set of the configured directory.
   *
   * @throws ProtegoError `CONFIG_INVALID` for keys of approvers, `ARTEFACT_INVALID` when the set cannot be stored
   */
  constructor(
    config: Pick<ProtegoConfig, 'logDir' | 'artefacts'>,
    private readonly reader: Pick<EventLogReader, 'query' | 'origin'>,
    /** Set of the configured directory. */
    readonly own: UsableSet,
    files: ArtefactSet,
  ) {
    this.control = dualControlOf(config.artefacts);
    this.store = new ArtefactStore(join(config.logDir, ARTEFACT_STORE_FOLDER), decidingText);
    this.store.put(files);
  }

  /** Which sets were in force, as the log says now. */
  ledger(): ForceLedger {
    return foldForces(this.reader.query({ types: FORCE_TYPES }));
  }

  /** Whether an activation of the ledger bears the approvals that the site asks for. */
  isApproved(activation: Activation, ledger: ForceLedger): boolean {
    const checked = checkSignatures(this.reader.origin, activation, this.control);
    return isApproved(activation.seq, checked, this.control, ledger);
  }

  /** What an activation is checked against now. */
  ground(): ActivationGround {
    return { origin: this.reader.origin, ledger: this.ledger(), control: this.control };
  }

  /**
   * A set by its name.
   *
   * @throws ProtegoError `ARTEFACT_SET_UNKNOWN`, `ARTEFACT_SET_DAMAGED`
   */
  usable(set: string): UsableSet {
    return set === this.own.set ? this.own : usable(this.store.get(set));
  }

  /** The same, or undefined and the reason where the set cannot be had. */
  usableIfThere(set: string): UsableSet | { readonly reason: string } {
    try {
      return this.usable(set);
    } catch (error) {
      if (!isProtegoError(error)) throw error;
      return { reason: error.message };
    }
  }

  /**
   * Payload of the event with which the engine itself activates the set of its directory.
   *
   * @throws ProtegoError as `activationData`
   */
  ownActivation(reason: string): ArtefactActivated {
    const { set, hashes } = this.own;
    return activationData({ set, hashes, reason, approvals: [], via: 'start' }, this.ground());
  }
}
