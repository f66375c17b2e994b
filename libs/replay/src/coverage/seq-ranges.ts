import type { Json } from '@protego/streams';

/** Most ranges that one list names; further seqs are counted only. */
export const SEQ_RANGES_MAX = 1_000;

/** Half-open range of seqs. */
export type SeqSpan = readonly [fromSeq: number, toSeq: number];

/** Seqs that come in ascending order, as ranges. */
export class SeqRanges {
  readonly #spans: [number, number][] = [];
  #count = 0;
  #isCut = false;

  /** Different seqs that came. */
  get count(): number {
    return this.#count;
  }

  /** Takes a seq in; one that came last again changes nothing. */
  add(seq: number): void {
    const last = this.#spans.at(-1);
    if (last !== undefined && seq < last[1]) return;
    this.#count++;
    if (last?.[1] === seq) last[1] = seq + 1;
    else if (this.#spans.length < SEQ_RANGES_MAX) this.#spans.push([seq, seq + 1]);
    else this.#isCut = true;
  }

  /** How many, where, and whether there are more than could be named. */
  told(): { count: number; ranges: SeqSpan[]; isCut?: true } {
    const ranges = this.#spans.map(([from, to]): SeqSpan => [from, to]);
    return { count: this.#count, ranges, ...(this.#isCut ? { isCut: true } : {}) };
  }

  /** The state as JSON, for {@link SeqRanges.from}. */
  snapshot(): Json {
    return [this.#count, this.#isCut, this.#spans.map(([from, to]) => [from, to])];
  }

  /** The ranges of a {@link SeqRanges.snapshot}. */
  static from(state: Json): SeqRanges {
    const [count, isCut, spans] = state as unknown as [number, boolean, [number, number][]];
    const ranges = new SeqRanges();
    ranges.#count = count;
    ranges.#isCut = isCut;
    for (const [from, to] of spans) ranges.#spans.push([from, to]);
    return ranges;
  }
}
