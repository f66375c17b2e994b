import type { LoggedEvent } from '@protego/contracts';
import {
  CorrelationPlan,
  CorrelationRun,
  SigmaMatcher,
  type PlannedHit,
  type SigmaCorrelation,
  type SigmaRecord,
  type SigmaRule,
  type SigmaRuleSet,
} from '@protego/streams';

/** So much later than its own time an event may come and still be correlated in order; all that is on time comes sooner. */
const ORDER_WAIT_MS = 60_000;

/** Rules and correlations that raise nothing of their own, because a correlation over them takes what they find. */
export function silentDocumentsOf({ linked }: SigmaRuleSet): (SigmaRule | SigmaCorrelation)[] {
  return [...new Set(linked.flatMap(({ correlation, members }) => (correlation.generate ? [] : members)))];
}

/**
 * Finds out which of the documents that raise nothing ever match or fire: no detection tells. Rules are dropped as soon as
 * they have matched, so that watching them costs little.
 */
export class SilentCoverage {
  readonly #rules: Set<SigmaRule>;
  #matcher: SigmaMatcher | undefined;
  readonly #correlations: SilentCorrelations | undefined;
  readonly #fired = new Set<string>();

  /** @param fired - ids of documents that need no watching, because they fired elsewhere */
  constructor(set: SigmaRuleSet, fired: ReadonlySet<string>) {
    const open = silentDocumentsOf(set).filter(({ id }) => !fired.has(id));
    this.#rules = new Set(open.filter((document) => document.kind === 'rule'));
    const correlations = open.filter((document) => document.kind === 'correlation');
    if (correlations.length > 0) this.#correlations = new SilentCorrelations(set, correlations);
    this.#compile();
  }

  /** Takes the next event, in arrival order. */
  see(logged: LoggedEvent): void {
    if (this.#matcher === undefined && this.#correlations === undefined) return;
    const record = recordOf(logged);
    const matched = this.#matcher?.match(record).filter(({ failure }) => failure === undefined) ?? [];
    for (const { rule } of matched) {
      this.#fired.add(rule.id);
      this.#rules.delete(rule);
    }
    if (matched.length > 0) this.#compile();
    this.#correlations?.see(logged, record);
  }

  /** Ids of the watched documents that have matched or fired. */
  fired(): string[] {
    return [...this.#fired, ...(this.#correlations?.fired() ?? [])];
  }

  #compile(): void {
    this.#matcher = this.#rules.size === 0 ? undefined : new SigmaMatcher([...this.#rules]);
  }
}

interface Waiting {
  readonly timeMs: number;
  readonly seq: number;
  readonly hits: readonly PlannedHit[];
}

/** Runs some correlations, and those that they are about, beside the pipeline, each telling of itself. */
class SilentCorrelations {
  readonly #plan: CorrelationPlan;
  readonly #run: CorrelationRun;
  readonly #matcher: SigmaMatcher;
  readonly #open: Set<string>;
  readonly #fired: string[] = [];
  #waiting: Waiting[] = [];
  #releasedMs = Number.NEGATIVE_INFINITY;

  constructor(set: SigmaRuleSet, watched: readonly SigmaCorrelation[]) {
    this.#open = new Set(watched.map(({ id }) => id));
    // A document refers to others by identity: all copies must be the same ones everywhere.
    const below = withMembers(set, watched);
    const copies = new Map([...below].map((each) => [each, { ...each, generate: true }]));
    const needed = set.linked.filter(({ correlation }) => below.has(correlation));
    const linked = needed.map(({ correlation, members, ...rest }) => ({
      ...rest,
      correlation: copies.get(correlation) as SigmaCorrelation,
      members: members.map((member) => (member.kind === 'correlation' ? (copies.get(member) ?? member) : member)),
    }));
    this.#plan = new CorrelationPlan(linked, () => []);
    this.#run = new CorrelationRun(this.#plan, 'crossing');
    this.#matcher = new SigmaMatcher(set.rules.filter((rule) => this.#plan.placesOf(rule).length > 0));
  }

  see({ timeMs, seq, arrivedAtMs }: LoggedEvent, record: SigmaRecord): void {
    if (this.#open.size === 0) return;
    const rules = this.#matcher.match(record).flatMap(({ rule, failure }) => (failure === undefined ? [rule] : []));
    if (rules.length > 0) {
      const hits = this.#plan.hitsOf(rules, record, asItIs, nothingIsLost);
      if (hits.length > 0) this.#waiting.push({ timeMs, seq, hits });
    }
    if (arrivedAtMs - this.#releasedMs >= ORDER_WAIT_MS) this.#release(arrivedAtMs);
  }

  fired(): readonly string[] {
    this.#release(Number.POSITIVE_INFINITY);
    return this.#fired;
  }

  #release(nowMs: number): void {
    this.#releasedMs = nowMs;
    const inOrder = this.#waiting.sort((a, b) => a.timeMs - b.timeMs || a.seq - b.seq);
    const ready = inOrder.filter(({ timeMs }) => timeMs < nowMs - ORDER_WAIT_MS);
    this.#waiting = inOrder.slice(ready.length);
    for (const { timeMs, seq, hits } of ready)
      for (const { correlation } of this.#run.step(hits, timeMs, [seq, '', String(seq)]))
        if (this.#open.delete(correlation.id)) this.#fired.push(correlation.id);
  }
}

/** Correlations, and all correlations below them. */
function withMembers({ linked }: SigmaRuleSet, watched: readonly SigmaCorrelation[]): Set<SigmaCorrelation> {
  const wanted = new Set(watched);
  // Each stands after those that it is about, so that one pass from the end finds all.
  for (const { correlation, members } of linked.toReversed())
    if (wanted.has(correlation)) for (const member of members) if (member.kind === 'correlation') wanted.add(member);
  return wanted;
}

function recordOf({ event }: LoggedEvent): SigmaRecord {
  return { type: event.type, data: event.data, envelope: event as unknown as Readonly<Record<string, unknown>> };
}

const asItIs = (text: string): string => text;
const nothingIsLost = (): boolean => false;
