import { ProtegoError } from '@protego/contracts';
import type { ForceLedger, ForcePhase } from '@protego/replay';
import type { EngineArtefacts, UsableSet } from './engine-artefacts';

/** How the log is read again on start, and what comes into force then. */
export interface StartPlan {
  /** Stretches of the log; those whose results are known to be in it have no set. */
  readonly phases: readonly ForcePhase[];
  /** Every set of the phases, and the one that is to come into force. */
  readonly sets: readonly UsableSet[];
  /**
   * What is to be done about the set of the directory: `first`: it is the first that this log knows, and judges all of it;
   * `next`: it comes into force after what is in force has judged the log; `nothing`.
   */
  readonly own: 'first' | 'next' | 'nothing';
  /** True when the set in force cannot be had, and that of the directory stands in for it. */
  readonly isStandIn: boolean;
  /** What the operator should know. */
  readonly remarks: readonly string[];
}

const short = (set: string): string => set.slice(0, 12);
const counted = (approvals: number): string => (approvals === 1 ? '1 approval' : `${approvals} approvals`);

/**
 * Decides how an engine starts. The set in force judges what it has not judged yet; then the set of the directory comes into force
 * when it is new, was not retired, and no approval is asked for.
 *
 * @throws ProtegoError `ARTEFACT_APPROVAL_MISSING` when approvals are asked for and nothing was activated yet; what `usable`
 *   throws when the set in force cannot be had and approvals are asked for
 */
export function startPlanOf(artefacts: EngineArtefacts): StartPlan {
  const { own, control } = artefacts;
  const ledger = artefacts.ledger();
  const everything: ForcePhase = { fromSeq: 0, toSeq: Infinity, set: own.set };
  const { current: activation } = ledger;
  if (activation === undefined) {
    if (control.approvals > 0) throw nothingApproved(own.set);
    return { phases: [everything], sets: [own], own: 'first', isStandIn: false, remarks: [] };
  }
  const { set: current } = activation;
  const found = artefacts.usableIfThere(current);
  if ('reason' in found) {
    // Whoever asks for approvals must not get what nobody has approved.
    if (control.approvals > 0) artefacts.usable(current);
    const remark = `${found.reason}; the set of the directory stands in for it, and what it finds in the past is left to a replay`;
    return { phases: [everything], sets: [own], own: 'next', isStandIn: true, remarks: [remark] };
  }
  const kept = whyKept(artefacts, ledger, current);
  const { phases, sets, remarks } = withSets(unsettledPhases(ledger), artefacts, found);
  const isNext = kept === undefined;
  const doubted = artefacts.isApproved(activation, ledger) ? [] : [notApproved(current, control.approvals)];
  return {
    phases,
    sets: isNext && !sets.includes(own) ? [...sets, own] : sets,
    own: isNext ? 'next' : 'nothing',
    isStandIn: false,
    remarks: [...remarks, ...(isNext || kept === '' ? [] : [kept]), ...doubted],
  };
}

// A site without any detection is worse off than one whose rules nobody has approved: it is said, and the engine starts.
function notApproved(set: string, approvals: number): string {
  return `set ${short(set)} is in force WITHOUT the ${counted(approvals)} that the site asks for: see \`protego artefact list --verify\`, and activate a set with approvals`;
}

/**
 * Stretches of the log whose results it may lack: an engine that activates a set has written down what it found before the
 * activation before that.
 */
export function unsettledPhases(ledger: ForceLedger): ForcePhase[] {
  const { activations } = ledger;
  const byEngine = activations.findLastIndex(({ via }) => via !== 'offline');
  const settledSeq = byEngine <= 0 ? 0 : (activations[byEngine - 1]?.seq ?? -1) + 1;
  const rest = ledger
    .phases()
    .filter(({ toSeq }) => toSeq > settledSeq)
    .map((phase) => ({ ...phase, fromSeq: Math.max(phase.fromSeq, settledSeq) }));
  return settledSeq === 0 ? rest : [{ fromSeq: 0, toSeq: settledSeq, set: undefined }, ...rest];
}

/** Why the set of the directory does not come into force; empty where there is nothing to say, undefined when it does. */
function whyKept({ own, control }: EngineArtefacts, ledger: ForceLedger, current: string): string | undefined {
  if (own.set === current) return '';
  const keeps = `set ${short(current)} stays in force: the set of the directory, ${short(own.set)},`;
  const retired = ledger.retirementOf(own.set);
  if (retired !== undefined) return `${keeps} was retired at seq ${retired.seq}`;
  const { activations } = ledger;
  const lastStart = activations.findLastIndex(({ via }) => via === 'start');
  const isNew = lastStart >= 0 && !activations.slice(lastStart).some(({ set }) => set === own.set);
  if (!isNew) return `${keeps} has not changed since a command activated another one`;
  if (control.approvals > 0) return `${keeps} needs ${counted(control.approvals)}: see \`protego artefact approve\``;
  return undefined;
}

function withSets(
  phases: readonly ForcePhase[],
  artefacts: EngineArtefacts,
  current: UsableSet,
): Pick<StartPlan, 'phases' | 'sets' | 'remarks'> {
  const found = new Map<string, UsableSet>([[current.set, current]]);
  const remarks: string[] = [];
  for (const set of new Set(phases.flatMap((phase) => phase.set ?? []))) {
    if (found.has(set)) continue;
    const usable = artefacts.usableIfThere(set);
    if ('reason' in usable) remarks.push(`${usable.reason}; what it would have found is left to a replay`);
    else found.set(set, usable);
  }
  const known = phases.map((phase) => ({ ...phase, set: found.has(phase.set ?? '') ? phase.set : undefined }));
  return { phases: known, sets: [...found.values()], remarks };
}

function nothingApproved(set: string): ProtegoError {
  const message = `no set of artefacts was approved for this log yet: approve and activate the one of \`streamsDir\`, \`${set}\`, before the engine starts`;
  return new ProtegoError('ARTEFACT_APPROVAL_MISSING', message, { set });
}
