import type { SeqSpan } from '../coverage/seq-ranges';

/** Seqs that a line of `coverage.jsonl` names under one member. */
export class NamedSeqs {
  /** Seqs from this one on are only counted, not named; Infinity where all are named. */
  readonly namedTo: number;

  constructor(
    readonly count: number,
    readonly ranges: readonly SeqSpan[],
    isCut: boolean,
  ) {
    this.namedTo = isCut ? (ranges.at(-1)?.[1] ?? 0) : Number.POSITIVE_INFINITY;
  }

  /** True for a seq that is named. */
  has(seq: number): boolean {
    let [low, high] = [0, this.ranges.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.ranges[middle] as SeqSpan)[1] <= seq) low = middle + 1;
      else high = middle;
    }
    const range = this.ranges[low];
    return range !== undefined && seq >= range[0];
  }

  /** What a member of a line holds; undefined for what no run writes. */
  static from(value: unknown): NamedSeqs | undefined {
    const { count, ranges, isCut = false } = (value ?? {}) as { count?: unknown; ranges?: unknown; isCut?: unknown };
    if (!isCount(count) || typeof isCut !== 'boolean' || !Array.isArray(ranges)) return undefined;
    let end = 0;
    let sum = 0;
    for (const range of ranges as unknown[]) {
      if (!Array.isArray(range) || range.length !== 2) return undefined;
      const [from, to] = range as unknown[];
      if (!isCount(from) || !isCount(to) || from < end || to <= from) return undefined;
      end = to;
      sum += to - from;
    }
    const isRight = isCut ? count > sum : count === sum;
    return isRight ? new NamedSeqs(count, ranges as SeqSpan[], isCut) : undefined;
  }
}

/** Lines of `coverage.jsonl` by what they are about. */
export class CoverageTable {
  readonly #lines = new Map<string, Readonly<Record<string, unknown>>>();
  readonly #gaps = new Map<string, NamedSeqs | undefined>();

  constructor(lines: Iterable<string>) {
    for (const text of lines) {
      const line = parsedLine(text) ?? {};
      const { kind, ruleId } = line;
      this.#lines.set(kind === 'run' ? '' : String(ruleId), line);
    }
  }

  /** First seq that some list of what was undecidable only counts; Infinity where there is none. */
  get namedTo(): number {
    const ends = [...this.#lines.keys()].map(
      (id) => this.gapOf(id, 'undecidable')?.namedTo ?? Number.POSITIVE_INFINITY,
    );
    return Math.min(Number.POSITIVE_INFINITY, ...ends);
  }

  /** What a document did not judge for one reason. */
  gapOf(documentId: string, member: string): NamedSeqs | undefined {
    const key = `${member} ${documentId}`;
    if (!this.#gaps.has(key)) this.#gaps.set(key, NamedSeqs.from(this.#lines.get(documentId)?.[member]));
    return this.#gaps.get(key);
  }

  /** How many groups and events left the windows of a document before their time. */
  lostOf(documentId: string): number {
    const lost = this.#lines.get(documentId)?.['lost'];
    return isCount(lost) ? lost : 0;
  }

  /** How often documents did not judge, for one reason. */
  total(member: string): number {
    let total = 0;
    for (const id of this.#lines.keys()) if (id !== '') total += this.gapOf(id, member)?.count ?? 0;
    return total;
  }
}

/** The object that a line holds; undefined for one that holds none. */
export function parsedLine(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
