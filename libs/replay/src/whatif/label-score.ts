import { formatRfc3339, parseRfc3339Ms } from '@protego/contracts';
import { compareText } from '../text-order';
import type { FindingCore } from './finding';
import type { ActivityLabel } from '@protego/contracts';
import { AFTERMATH_MS, LabelIndex } from './labels';
import type { WhoAndWhere } from './places';

/** What a finding is about: an attack, what only resembles one, or ordinary life. */
export type LabelVerdict = 'attack' | 'benign-twin' | 'ordinary';

/** How right the findings of a run, or of one maker in it, are. Shares are rounded to four digits. */
export interface LabelScore {
  readonly findings: number;
  /** Findings that belong to an attack. */
  readonly truePositives: number;
  /** Findings that belong to no attack. */
  readonly falsePositives: number;
  /** Those of them that belong to a benign twin. */
  readonly onTwins: number;
  /** Share of true positives; null without findings. */
  readonly precision: number | null;
  /** Attacks that were planted: of one maker, those of the kinds that it finds in either run. */
  readonly attacks: number;
  readonly attacksFound: number;
  /** Share of the attacks that were found; null without attacks. */
  readonly recall: number | null;
}

/** An attack that one run finds and the other does not. */
export interface AttackChange {
  readonly label: string;
  readonly attack: string;
  readonly activity: string;
  /** RFC 3339. */
  readonly startsAt: string;
  /** Makers that find it in the run that does. */
  readonly makers: readonly string[];
}

/** Both runs against the labels. */
export interface LabelComparison {
  readonly baseline: LabelScore;
  readonly candidate: LabelScore;
  readonly byMaker: Readonly<Record<string, { readonly baseline: LabelScore; readonly candidate: LabelScore }>>;
  readonly lostAttacks: readonly AttackChange[];
  readonly foundAttacks: readonly AttackChange[];
}

/** Labels of a range of a log. */
export class Labels {
  readonly #index: LabelIndex<ActivityLabel>;
  readonly #attacks: readonly ActivityLabel[];

  /**
   * @param range - event time in which results were wanted, milliseconds; attacks outside of it need not be found
   * @param namesOf - as {@link LabelIndex} takes it
   */
  constructor(
    labels: readonly ActivityLabel[],
    private readonly places: WhoAndWhere,
    { fromMs, toMs }: { readonly fromMs?: number; readonly toMs?: number } = {},
    namesOf?: (id: string) => readonly string[],
  ) {
    this.#index = new LabelIndex(labels, namesOf);
    const isWithin = ({ startsAt, endsAt }: ActivityLabel): boolean =>
      (toMs === undefined || msOf(startsAt) < toMs) && (fromMs === undefined || msOf(endsAt) + AFTERMATH_MS >= fromMs);
    this.#attacks = labels.filter((label) => label.kind === 'attack' && isWithin(label));
  }

  /** Activities that a finding belongs to. */
  ownersOf(finding: FindingCore): ActivityLabel[] {
    const { startMs, endMs, entities } = finding;
    return this.#index.ownersOf({ startMs, endMs, entities, events: this.places.eventsOf(finding) });
  }

  verdictOf(finding: FindingCore): LabelVerdict {
    return verdictOf(this.ownersOf(finding));
  }

  /** Scores all findings of both runs. */
  compare(baseline: Iterable<FindingCore>, candidate: Iterable<FindingCore>): LabelComparison {
    const [before, after] = [new Tally(this), new Tally(this)];
    for (const finding of baseline) before.take(finding);
    for (const finding of candidate) after.take(finding);
    const makers = [...new Set([...before.makers(), ...after.makers()])].sort(compareText);
    const byMaker = makers.map((maker) => {
      const kinds = new Set([...before.kindsOf(maker), ...after.kindsOf(maker)]);
      const attacks = this.#attacks.filter(({ attack }) => kinds.has(attack));
      return [maker, { baseline: before.scoreOf(attacks, maker), candidate: after.scoreOf(attacks, maker) }] as const;
    });
    return {
      baseline: before.scoreOf(this.#attacks),
      candidate: after.scoreOf(this.#attacks),
      byMaker: Object.fromEntries(byMaker),
      lostAttacks: foundOnlyBy(before, after, this.#attacks),
      foundAttacks: foundOnlyBy(after, before, this.#attacks),
    };
  }
}

interface MakerTally {
  readonly verdicts: Record<LabelVerdict, number>;
  readonly found: Set<ActivityLabel>;
}

/** What one run finds. */
class Tally {
  readonly #byMaker = new Map<string, MakerTally>();

  constructor(private readonly labels: Labels) {}

  take(finding: FindingCore): void {
    const owners = this.labels.ownersOf(finding);
    const tally = this.#tallyOf(finding.makerId);
    tally.verdicts[verdictOf(owners)]++;
    for (const owner of owners) if (owner.kind === 'attack') tally.found.add(owner);
  }

  makers(): string[] {
    return [...this.#byMaker.keys()];
  }

  makersThatFind(label: ActivityLabel): string[] {
    return [...this.#byMaker].flatMap(([maker, { found }]) => (found.has(label) ? maker : [])).sort(compareText);
  }

  kindsOf(maker: string): string[] {
    return [...(this.#byMaker.get(maker)?.found ?? [])].map(({ attack }) => attack);
  }

  scoreOf(attacks: readonly ActivityLabel[], maker?: string): LabelScore {
    const tallies = maker === undefined ? [...this.#byMaker.values()] : [this.#tallyOf(maker)];
    const count = (verdict: LabelVerdict): number => tallies.reduce((sum, { verdicts }) => sum + verdicts[verdict], 0);
    const truePositives = count('attack');
    const onTwins = count('benign-twin');
    const falsePositives = onTwins + count('ordinary');
    const findings = truePositives + falsePositives;
    const attacksFound = attacks.filter((attack) => tallies.some(({ found }) => found.has(attack))).length;
    return {
      ...{ findings, truePositives, falsePositives, onTwins, precision: shareOf(truePositives, findings) },
      ...{ attacks: attacks.length, attacksFound, recall: shareOf(attacksFound, attacks.length) },
    };
  }

  #tallyOf(maker: string): MakerTally {
    const known = this.#byMaker.get(maker);
    if (known !== undefined) return known;
    const made = { verdicts: { attack: 0, 'benign-twin': 0, ordinary: 0 }, found: new Set<ActivityLabel>() };
    this.#byMaker.set(maker, made);
    return made;
  }
}

function foundOnlyBy(finder: Tally, other: Tally, attacks: readonly ActivityLabel[]): AttackChange[] {
  return attacks.flatMap((label) => {
    const makers = finder.makersThatFind(label);
    if (makers.length === 0 || other.makersThatFind(label).length > 0) return [];
    const { id, attack, activity, startsAt } = label;
    return [{ label: id, attack, activity, startsAt: formatRfc3339(msOf(startsAt)), makers }];
  });
}

function verdictOf(owners: readonly ActivityLabel[]): LabelVerdict {
  if (owners.some(({ kind }) => kind === 'attack')) return 'attack';
  return owners.length > 0 ? 'benign-twin' : 'ordinary';
}

function shareOf(part: number, whole: number): number | null {
  return whole === 0 ? null : Math.round((part / whole) * 10_000) / 10_000;
}

// LabelIndex has refused any label whose times are none.
const msOf = (text: string): number => parseRfc3339Ms(text) as number;
