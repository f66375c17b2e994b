import { ProtegoError, type ArtefactActivated, type ArtefactRetired } from '@protego/contracts';
import type { SigmaRuleSet } from '@protego/streams';
import { checkApprovals, type ActivationStatement, type DualControl } from './approval';
import type { ForceLedger } from './force-ledger';

/** A set that is to come into force. */
export interface ActivationRequest {
  readonly set: string;
  readonly hashes: Readonly<Record<string, string>>;
  readonly reason: string;
  /** Token of whoever asks. */
  readonly actor?: string;
  /** Signed notes, as `approve` makes them. */
  readonly approvals: readonly string[];
  readonly via: NonNullable<ArtefactActivated['via']>;
}

/** What an activation is checked against. */
export interface ActivationGround {
  /** Name of the log. */
  readonly origin: string;
  readonly ledger: ForceLedger;
  readonly control: DualControl;
}

/** What an approver of a set would sign now. */
export function statementOf(
  { set, reason }: Pick<ActivationRequest, 'set' | 'reason'>,
  { origin, ledger }: Omit<ActivationGround, 'control'>,
): ActivationStatement {
  return { origin, set, previous: ledger.current?.set, after: ledger.lastSeq, reason };
}

/**
 * Payload of the event that activates a set, when it may.
 *
 * @throws ProtegoError `ARTEFACT_IN_FORCE` when it is in force already; `ARTEFACT_RETIRED` when it was retired and nobody can approve
 *   it anew; as `checkApprovals`
 */
export function activationData(request: ActivationRequest, ground: ActivationGround): ArtefactActivated {
  const { set, hashes, reason, actor, approvals, via } = request;
  const { ledger, control } = ground;
  const previous = ledger.current?.set;
  if (previous === set) throw new ProtegoError('ARTEFACT_IN_FORCE', `set \`${set}\` is in force already`, { set });
  const retired = ledger.retirementOf(set);
  if (retired !== undefined && control.approvals === 0) throw barred(set, retired.seq);
  const signatures = checkApprovals(statementOf(request, ground), approvals, control);
  const after = ledger.lastSeq;
  return {
    ...{ name: 'pipeline', hashes, set },
    ...(previous === undefined ? {} : { previous }),
    ...(after === undefined ? {} : { after }),
    ...{ via, reason },
    ...(actor === undefined ? {} : { actor }),
    ...(signatures.length === 0 ? {} : { signatures }),
  };
}

/**
 * Payload of the event that retires a set, when it may.
 *
 * @throws ProtegoError `ARTEFACT_IN_FORCE` when it is in force, `ARTEFACT_RETIRED` when it was retired already
 */
export function retirementData(
  { set, reason, actor }: Pick<ActivationRequest, 'set' | 'reason' | 'actor'>,
  ledger: ForceLedger,
): ArtefactRetired {
  if (ledger.current?.set === set)
    throw new ProtegoError('ARTEFACT_IN_FORCE', `set \`${set}\` is in force: activate another one first`, { set });
  const retired = ledger.retirementOf(set);
  if (retired !== undefined) throw barred(set, retired.seq);
  return { set, reason, ...(actor === undefined ? {} : { actor }) };
}

/**
 * Rules that all compile.
 *
 * @throws ProtegoError `ARTEFACT_INVALID` with the first file that does not
 */
export function requireWhole({ problems }: Pick<SigmaRuleSet, 'problems'>): void {
  const [first] = problems;
  if (first === undefined) return;
  const { path, line, code, message } = first;
  const others = problems.length === 1 ? '' : `, and ${problems.length - 1} more problems`;
  throw new ProtegoError('ARTEFACT_INVALID', `${path}:${line ?? 1}: ${code}: ${message}${others}`, { path });
}

/**
 * The set that was activated last.
 *
 * @throws ProtegoError `ARTEFACT_SET_UNKNOWN` when the log has no activation
 */
export function currentSetOf(ledger: ForceLedger): string {
  const set = ledger.current?.set;
  if (set !== undefined) return set;
  throw new ProtegoError('ARTEFACT_SET_UNKNOWN', 'no set was ever activated in this log: name one');
}

function barred(set: string, seq: number): ProtegoError {
  return new ProtegoError('ARTEFACT_RETIRED', `set \`${set}\` was retired at seq ${seq}`, { set, seq });
}
