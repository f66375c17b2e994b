import { canonicalJson, formatRfc3339, parseRfc3339Ms, type Detection, type LoggedEvent } from '@protego/contracts';
import {
  CorrelationReaches,
  DETECTOR_RULES,
  compareEventOrder,
  detectionId,
  mayFeed,
  type CorrelationReach,
  type RuleFeed,
  type SigmaCorrelation,
  type SigmaRule,
  type SigmaRuleSet,
} from '@protego/streams';
import { parsedLine, type CoverageTable } from './coverage-table';
import type { ErasedLog } from './erased-log';
import type { LineDifference } from './line-difference';

/** How long a detector remembers a file that was changed, at the most, milliseconds; only these hold texts that can be erased. */
const DETECTOR_REACH_MS = 86_400_000;
/** Where texts of a detection are cut, or altered; what follows is not known. */
const ALTERED = /…$|\ufffd/;
/** A pseudonym or placeholder within a text. */
const TOKEN = /~[spt]\.[A-Za-z0-9_-]+/;
/** Members of a detection in which texts of its events stand, and what hangs on them. */
const WORDS: readonly (keyof Detection)[] = [
  'id',
  'group',
  'entities',
  'why',
  'nextStep',
  'harmlessExplanation',
  'status',
];

/** A line that differs, with what is known of it. */
interface Finding extends Pick<LineDifference, 'side'> {
  readonly detection: Detection;
  readonly seqs: readonly number[];
}

type Document =
  | { readonly is: 'rule'; readonly rule: SigmaRule }
  | { readonly is: 'correlation'; readonly correlation: SigmaCorrelation; readonly reach: CorrelationReach }
  | { readonly is: 'detector'; readonly id: string };

/** What explanations are looked for in. */
export interface ExplanationSources {
  readonly rules: SigmaRuleSet;
  readonly log: ErasedLog;
  /** Of the run that was made again. */
  readonly coverage: CoverageTable;
  /** Seqs behind a detection of one side, by its id. */
  readonly seqsOf: (side: LineDifference['side'], id: string) => readonly number[] | undefined;
}

/**
 * Says which lines that differ can differ because of an erasure. A line that is lost rests on a record that is undecidable now,
 * and its id, times and group are those of its events. A line that came anew is possible only where a correlation or detector
 * would have held it back, or told of the same earlier, with such a record.
 */
export class Explanations {
  readonly #documents = new Map<string, Document>();
  /** Explained lines of correlations that hold others back, the latest by correlation and group. */
  readonly #latest = new Map<string, Partial<Record<LineDifference['side'], number>>>();

  constructor(private readonly sources: ExplanationSources) {
    const { rules, linked } = sources.rules;
    for (const rule of rules) this.#documents.set(keyOf(rule.id, rule.contentHash), { is: 'rule', rule });
    const reaches = new CorrelationReaches(linked);
    for (const { correlation } of linked)
      this.#documents.set(keyOf(correlation.id, correlation.contentHash), {
        ...{ is: 'correlation', correlation, reach: reaches.of(correlation) },
      });
    for (const { id, contentHash } of DETECTOR_RULES)
      this.#documents.set(keyOf(id, contentHash), { is: 'detector', id });
  }

  /**
   * Which of some lines are explained. Lines that are certain at one time by one rule come together, in the order of time.
   *
   * @throws ProtegoError `REPLAY_TOO_LARGE`; what the log throws
   */
  async of(block: readonly LineDifference[]): Promise<ReadonlySet<LineDifference>> {
    const explained = new Set<LineDifference>();
    const findings = block.map((difference) => this.#findingOf(difference));
    for (const [at, difference] of block.entries()) {
      const finding = findings[at];
      if (finding === undefined) continue;
      const twin = findings.find((other) => other !== undefined && isTwin(other, finding));
      const isExplained =
        twin === undefined ? await this.#isExplained(finding) : await this.#areOnlyWordsErased(finding, twin);
      if (!isExplained) continue;
      explained.add(difference);
      this.#remember(finding);
    }
    return explained;
  }

  #findingOf({ side, line }: LineDifference): Finding | undefined {
    const detection = detectionOf(line);
    if (detection === undefined) return undefined;
    const seqs = this.sources.seqsOf(side, detection.id);
    return seqs === undefined || detection.eventCount !== seqs.length ? undefined : { side, detection, seqs };
  }

  async #areOnlyWordsErased({ detection: a, seqs }: Finding, { detection: b }: Finding): Promise<boolean> {
    const isSame = canonicalJson(withoutWords(a)) === canonicalJson(withoutWords(b));
    return isSame && (await this.#some(seqs, (seq) => this.sources.log.isErased(seq)));
  }

  async #isExplained(finding: Finding): Promise<boolean> {
    const { ruleId, ruleHash } = finding.detection;
    const document = this.#documents.get(keyOf(ruleId, ruleHash));
    switch (document?.is) {
      case undefined:
        return false;
      case 'rule':
        return this.#isLostByRule(finding, document.rule);
      case 'correlation':
        return this.#isMovedIn(finding, document);
      case 'detector':
        return this.#isOfDetector(finding, document.id);
    }
  }

  // An erasure never lets a rule that stands alone find more.
  async #isLostByRule(finding: Finding, { id, level }: SigmaRule): Promise<boolean> {
    const { side, seqs, detection } = finding;
    if (side === 'again' || seqs.length !== 1 || detection.severity !== level) return false;
    if (!(await this.sources.log.isUndecidable(id, seqs[0] as number))) return false;
    return this.#isOfItsEvents(finding, canonicalJson([]));
  }

  async #isMovedIn(finding: Finding, { correlation, reach }: Document & { is: 'correlation' }): Promise<boolean> {
    const { side, seqs, detection } = finding;
    const names = (detection.group ?? []).map(({ field }) => field);
    if (canonicalJson(names) !== canonicalJson(correlation.groupBy) || detection.severity !== correlation.level)
      return false;
    const texts = (detection.group ?? []).map(({ text }) => text);
    const group = texts.map((text) => (ALTERED.test(text) ? undefined : text));
    if (side === 'recorded') {
      const isWhole = !group.includes(undefined);
      const key = canonicalJson(Object.fromEntries(names.map((name, place) => [name, texts[place]])));
      if (!(await this.#isOfItsEvents(finding, isWhole ? key : undefined))) return false;
      if (await this.#some(seqs, (seq) => this.#mayHaveFed(seq, reach.feeds, group))) return true;
      if (reach.isCounting) return false;
    }
    const atMs = certainMsOf(detection);
    if (this.#isHeldBack(finding, atMs, correlation.suppressMs)) return true;
    // What windows let go because they were full may be of any group.
    const isFull = this.sources.coverage.lostOf(correlation.id) > 0;
    const ids = [...new Set(reach.feeds.flatMap(({ documentIds }) => documentIds))];
    const reachMs = isFull ? Number.POSITIVE_INFINITY : reach.reachMs;
    return this.#isOneNear(ids, reachMs, atMs, (seq) => isFull || this.#mayHaveFed(seq, reach.feeds, group));
  }

  async #isOfDetector(finding: Finding, id: string): Promise<boolean> {
    const { side, seqs, detection } = finding;
    const { log } = this.sources;
    if (side === 'recorded') {
      if (!(await this.#all(seqs, async (seq) => (await log.event(seq)) !== undefined))) return false;
      if (await this.#some(seqs, (seq) => log.isUndecidable(id, seq))) return true;
    }
    const ids = detection.entities.map((entity) => entity.id);
    return this.#isOneNear([id], DETECTOR_REACH_MS, certainMsOf(detection), async (seq) => {
      const event = await log.event(seq);
      return event !== undefined && ids.some((text) => isNamedIn(event, text));
    });
  }

  /** True when a record that a document on the way cannot decide any more may have counted in a group. */
  async #mayHaveFed(seq: number, feeds: readonly RuleFeed[], group: readonly (string | undefined)[]): Promise<boolean> {
    return this.#some(feeds, async (feed) => {
      if (!(await this.#some(feed.documentIds, (id) => this.sources.log.isUndecidable(id, seq)))) return false;
      const event = await this.sources.log.event(seq);
      return event !== undefined && mayFeed(event, feed, group);
    });
  }

  /** True where a record passes a test that documents could not decide, no longer than a time before another. */
  async #isOneNear(
    documentIds: readonly string[],
    reachMs: number,
    atMs: number,
    test: (seq: number) => Promise<boolean> | boolean,
  ): Promise<boolean> {
    for (const { seq, timeMs } of await this.sources.log.candidates(documentIds))
      if (timeMs <= atMs && timeMs >= atMs - reachMs && (await test(seq))) return true;
    return false;
  }

  #isHeldBack({ side, detection }: Finding, atMs: number, suppressMs: number): boolean {
    const other = side === 'again' ? 'recorded' : 'again';
    const beforeMs = this.#latest.get(groupOf(detection))?.[other] ?? Number.NEGATIVE_INFINITY;
    return atMs - beforeMs < suppressMs;
  }

  #remember({ side, detection }: Finding): void {
    if (detection.group === undefined) return;
    const key = groupOf(detection);
    this.#latest.set(key, { ...this.#latest.get(key), [side]: certainMsOf(detection) });
  }

  /**
   * True when id, times and entities of a line are those of its events, as the log holds them.
   *
   * @param groupKey - canonical text of the group; undefined where the line does not say it in full
   */
  async #isOfItsEvents({ detection, seqs }: Finding, groupKey: string | undefined): Promise<boolean> {
    const events: LoggedEvent[] = [];
    for (const seq of seqs) {
      const event = await this.sources.log.event(seq);
      if (event === undefined) return false;
      events.push(event);
    }
    const ordered = events
      .map(({ seq, timeMs, event: { source, id } }) => ({ seq, timeMs, source, id }))
      .sort(compareEventOrder);
    const [first, last] = [ordered[0], ordered.at(-1)];
    if (first === undefined || last === undefined) return false;
    const { id, ruleId, ruleHash, window, certainAt, entities } = detection;
    const [startMs, endMs] = [first.timeMs, last.timeMs + 1];
    const areTimes =
      window.start === formatRfc3339(startMs) &&
      window.end === formatRfc3339(endMs) &&
      certainAt === formatRfc3339(last.timeMs);
    if (!areTimes) return false;
    const refs = ordered.map((one) => [one.seq, one.source, one.id] as const);
    const rule = { id: ruleId, contentHash: ruleHash };
    if (groupKey !== undefined && id !== detectionId({ rule, groupKey, startMs, endMs, refs })) return false;
    return entities.every((entity) => events.some((event) => isNamedIn(event, entity.id)));
  }

  async #some<T>(items: readonly T[], test: (item: T) => Promise<boolean>): Promise<boolean> {
    for (const item of items) if (await test(item)) return true;
    return false;
  }

  async #all<T>(items: readonly T[], test: (item: T) => Promise<boolean>): Promise<boolean> {
    return !(await this.#some(items, async (item) => !(await test(item))));
  }
}

/** The detection of a line; undefined for what no run writes. */
function detectionOf(line: string): Detection | undefined {
  const detection = parsedLine(line) as Partial<Detection> | undefined;
  const { id, ruleId, ruleHash, certainAt, window, entities, group = [] } = detection ?? {};
  const areTexts = [id, ruleId, ruleHash, certainAt, window?.start, window?.end].every(isText);
  const isWhole =
    areTexts &&
    Array.isArray(entities) &&
    entities.every((entity) => isText(entity?.id)) &&
    Array.isArray(group) &&
    group.every((part) => isText(part?.field) && isText(part.text));
  return isWhole && canonicalJson(detection) === line ? (detection as Detection) : undefined;
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

/** True for lines of one rule over the same events on the two sides. */
function isTwin(a: Finding, b: Finding): boolean {
  return a.side !== b.side && a.detection.ruleId === b.detection.ruleId && a.seqs.join() === b.seqs.join();
}

function withoutWords(detection: Detection): Record<string, unknown> {
  return Object.fromEntries(Object.entries(detection).filter(([name]) => !WORDS.includes(name as keyof Detection)));
}

/** True where a text, or the pseudonym in it, stands in an event. */
function isNamedIn({ event, pseudonyms }: LoggedEvent, text: string): boolean {
  if (ALTERED.test(text)) return true;
  const wanted = TOKEN.exec(text)?.[0] ?? text;
  if ([...(pseudonyms?.values() ?? [])].includes(wanted)) return true;
  const isIn = (value: unknown): boolean => {
    if (typeof value === 'string') return value === wanted || (wanted !== text && value.includes(wanted));
    if (typeof value === 'number' || typeof value === 'boolean') return String(value) === wanted;
    return typeof value === 'object' && value !== null && Object.values(value).some(isIn);
  };
  return isIn(event);
}

function certainMsOf({ certainAt }: Detection): number {
  return parseRfc3339Ms(certainAt) ?? Number.NaN;
}

function groupOf({ ruleId, ruleHash, group = [] }: Detection): string {
  return canonicalJson([ruleId, ruleHash, group.map(({ text }) => text)]);
}

function keyOf(id: string, contentHash: string): string {
  return `${contentHash} ${id}`;
}
