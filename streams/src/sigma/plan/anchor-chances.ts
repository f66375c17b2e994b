import type { Anchor, AnchorPlace, ChanceOf } from './anchors';

/** How often anchors of each kind hold whose literal is long. */
const BASE: Readonly<Record<AnchorPlace, number>> = {
  equals: 0.004,
  startswith: 0.012,
  endswith: 0.012,
  contains: 0.02,
  wide: 0.01,
  present: 0.3,
};
/** What a search through each value of a record costs more than one through a field, in chances. */
const KEYWORD_COST = 0.2;
/** Estimates count as much as so many records. */
const PRIOR_RECORDS = 16;

/** Which anchor it is, as text. */
export function anchorKey({ field, place, literal }: Anchor): string {
  return `${place} ${field === null ? '' : JSON.stringify(field)} ${literal}`;
}

/** What is guessed of anchors that were never counted is taken as so much less, so that they are tried. */
const CURIOSITY = 0.1;

/** How often anchors hold: guessed from their length at first, then counted. */
export class AnchorChances {
  /** Prefers anchors that were never counted, where it may yet turn out how often they hold. */
  isCurious = false;
  readonly #counted = new Map<string, { readonly hits: number; readonly records: number }>();

  /** The estimate for one anchor. */
  readonly chanceOf: ChanceOf = (anchor) => {
    const guess = guessOf(anchor);
    const counted = this.#counted.get(anchorKey(anchor));
    if (counted === undefined) return this.isCurious ? guess * CURIOSITY : guess;
    return (guess * PRIOR_RECORDS + counted.hits) / (PRIOR_RECORDS + counted.records);
  };

  /** Takes note of how often an anchor held. */
  count(anchor: Anchor, hits: number, records: number): void {
    this.#counted.set(anchorKey(anchor), { hits, records });
  }
}

function guessOf({ field, place, literal }: Anchor): number {
  const cost = field === null ? KEYWORD_COST : 0;
  if (place === 'present' || place === 'wide') return BASE[place] + cost;
  // A literal that is short is in many texts; one that equals a whole value is not.
  const likely = place === 'equals' ? 0 : 0.5 ** literal.length + 0.1 / (1 + literal.length);
  return Math.min(1, BASE[place] + cost + likely);
}
