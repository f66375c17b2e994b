import { ProtegoError, SEVERITIES, type Severity } from '@protego/contracts';
import type { Change, Difference } from './differences';
import type { LeftOutDocument } from './document-changes';
import type { LabelComparison, LabelScore } from './label-score';

/** What gates look at. */
export interface Judged {
  /** All of them, listed or not. */
  readonly differences: readonly Difference[];
  readonly labels: Pick<LabelComparison, 'baseline' | 'candidate' | 'lostAttacks'> | null;
  readonly leftOut: {
    readonly baseline: readonly LeftOutDocument[];
    readonly candidate: readonly LeftOutDocument[];
  };
  readonly baseline: { readonly counts: { readonly ruleFailed: number } };
  readonly candidate: { readonly counts: { readonly ruleFailed: number } };
}

interface Gate {
  /** What fails it, for a person: follows a number. */
  readonly words: string;
  readonly needsLabels: boolean;
  /** Rules, correlations and detectors that fail it, one for each time; where no maker is to blame, an empty text. */
  readonly failuresOf: (judged: Judged) => readonly string[];
}

/** A gate against one comparison. */
export interface GateResult {
  readonly gate: GateName;
  readonly words: string;
  /** True where it was asked for: then it decides the exit code. */
  readonly isAsked: boolean;
  /** How often it fails; null where it needs labels and none were given. */
  readonly failures: number | null;
  /** Makers that fail it, each once, in their order. */
  readonly makers: readonly string[];
}

const ofChange = (change: Change, words: string): Gate => gateOf(words, (difference) => difference.change === change);

/** All gates; names are stable. */
export const GATES = {
  added: ofChange('added', 'findings added'),
  lost: ofChange('lost', 'findings lost'),
  later: ofChange('later', 'findings that come later'),
  changed: ofChange('changed', 'findings that say something else'),
  'lower-severity': gateOf('findings of a lower severity', hasLowerSeverity),
  'lost-true-positive': labelled(
    'findings of attacks lost',
    ({ change, verdict }) => change === 'lost' && verdict === 'attack',
  ),
  'later-true-positive': labelled(
    'findings of attacks that come later',
    ({ change, verdict }) => change === 'later' && verdict === 'attack',
  ),
  'added-false-positive': labelled(
    'findings added that belong to no attack',
    ({ change, verdict }) => change === 'added' && verdict !== 'attack',
  ),
  'lost-attack': {
    words: 'attacks that nothing finds any more',
    needsLabels: true,
    failuresOf: ({ labels }) => (labels?.lostAttacks ?? []).map(({ makers }) => makers[0] ?? ''),
  },
  'lower-precision': fallen('smaller share of findings that belong to an attack', (score) => [
    score.truePositives,
    score.findings,
  ]),
  'lower-recall': fallen('smaller share of attacks found', (score) => [score.attacksFound, score.attacks]),
  'broken-document': {
    words: 'documents that the baseline takes and the candidate leaves out as wrong',
    needsLabels: false,
    failuresOf: ({ leftOut }) => {
      const known = new Set(leftOut.baseline.map(({ path, code, message }) => `${path}\n${code}\n${message}`));
      return leftOut.candidate.flatMap(({ path, code, message }) =>
        known.has(`${path}\n${code}\n${message}`) ? [] : '',
      );
    },
  },
  'rule-failed': {
    words: 'failures of rules more than in the baseline',
    needsLabels: false,
    failuresOf: ({ baseline, candidate }) =>
      Array.from({ length: Math.max(0, candidate.counts.ruleFailed - baseline.counts.ruleFailed) }, () => ''),
  },
  unexplained: gateOf('differences that no changed document explains', ({ causes }) => causes.length === 0),
} as const satisfies Record<string, Gate>;

/** Name of a gate. */
export type GateName = keyof typeof GATES;
/** Names of all gates, in the order of telling. */
export const GATE_NAMES = Object.keys(GATES) as readonly GateName[];

/** Gates of findings that no run makes yet, with what they need. */
const FUTURE_GATES: Readonly<Record<string, string>> = { 'deny-to-permit': 'access decisions' };

/**
 * Reads names of gates, separated by commas.
 *
 * @throws ProtegoError `USAGE_INVALID` for a name that is none, or of a gate that nothing can be compared for yet
 */
export function parseGates(text: string): GateName[] {
  const names = text.split(',').map((name) => name.trim());
  return [...new Set(names)].map((name) => {
    const future = FUTURE_GATES[name];
    if (future !== undefined)
      throw refused(`gate \`${name}\` compares ${future}, which a replay does not make yet: it cannot be kept`, name);
    if (!Object.hasOwn(GATES, name))
      throw refused(`\`${name.slice(0, 64)}\` is no gate; there are ${GATE_NAMES.join(', ')}`, name);
    return name as GateName;
  });
}

/**
 * Refuses gates that could never fail for want of labels.
 *
 * @throws ProtegoError `USAGE_INVALID`
 */
export function requireLabels(gates: readonly GateName[]): void {
  const [name] = gates.filter((gate) => GATES[gate].needsLabels);
  if (name !== undefined) throw refused(`gate \`${name}\` needs labels: name them with --labels`, name);
}

/**
 * All gates against a comparison.
 *
 * @throws ProtegoError `LABELS_INVALID` when a gate that needs labels was asked for and neither run found any attack of them:
 *   it would pass whatever the candidate lost
 */
export function judgeGates(judged: Judged, asked: readonly GateName[]): GateResult[] {
  requireTellingLabels(judged, asked);
  return GATE_NAMES.map((gate) => {
    const { words, needsLabels, failuresOf }: Gate = GATES[gate];
    const told = { gate, words, isAsked: asked.includes(gate) };
    if (needsLabels && judged.labels === null) return { ...told, failures: null, makers: [] };
    const failures = failuresOf(judged);
    const makers = [...new Set(failures)].filter((maker) => maker !== '').sort();
    return { ...told, failures: failures.length, makers };
  });
}

/** The gates that were asked for and failed. */
export function failedGates(gates: readonly GateResult[]): GateResult[] {
  return gates.filter(({ isAsked, failures }) => isAsked && failures !== null && failures > 0);
}

function gateOf(words: string, fails: (difference: Difference) => boolean, needsLabels = false): Gate {
  const failuresOf = ({ differences }: Judged): string[] => differences.filter(fails).map(({ makerId }) => makerId);
  return { words, needsLabels, failuresOf };
}

function labelled(words: string, fails: (difference: Difference) => boolean): Gate {
  return gateOf(words, fails, true);
}

/** A share of the whole run that became smaller; without a whole there is none. */
function fallen(words: string, partsOf: (score: LabelScore) => readonly [part: number, whole: number]): Gate {
  const failuresOf = ({ labels }: Judged): string[] => {
    if (labels === null) return [];
    const [[before, beforeAll], [after, afterAll]] = [partsOf(labels.baseline), partsOf(labels.candidate)];
    return beforeAll > 0 && afterAll > 0 && after * beforeAll < before * afterAll ? [''] : [];
  };
  return { words, needsLabels: true, failuresOf };
}

function hasLowerSeverity({ aspects }: Difference): boolean {
  const severity = aspects.find(({ name }) => name === 'severity');
  if (severity === undefined) return false;
  const rankOf = (text: string | null): number => SEVERITIES.indexOf(text as Severity);
  return rankOf(severity.candidate) < rankOf(severity.baseline);
}

function refused(message: string, gate: string): ProtegoError {
  return new ProtegoError('USAGE_INVALID', message, { gate });
}

function requireTellingLabels({ labels }: Judged, asked: readonly GateName[]): void {
  const gate = asked.find((each) => GATES[each].needsLabels);
  if (gate === undefined || labels === null) return;
  const { baseline, candidate } = labels;
  if (baseline.attacksFound > 0 || candidate.attacksFound > 0) return;
  const message = `neither run finds any of the ${baseline.attacks} labelled attacks: gate \`${gate}\` would hold whatever was lost`;
  throw new ProtegoError('LABELS_INVALID', message, { gate, attacks: baseline.attacks });
}
