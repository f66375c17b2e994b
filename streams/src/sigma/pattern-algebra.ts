import { ANY_CHARACTER, ANY_TEXT, type TextPattern } from './pattern';

/** Most steps of one comparison; beyond it the answer is the one that claims nothing. */
const STEPS_MAX = 250_000;

/** One code unit, or a wildcard. */
type Token = string | typeof ANY_TEXT | typeof ANY_CHARACTER;

/** True only when every text that the first pattern covers is covered by the second. False may also mean: not found out. */
export function isCoveredBy(pattern: TextPattern, wider: TextPattern): boolean {
  const from = tokensOf(pattern);
  const to = tokensOf(wider);
  return compare(from, to, false, (at, other, ask) => {
    const token = from[at];
    const cover = to[other];
    // A star of the wider pattern may cover anything, a star of the narrower one included.
    if (cover === ANY_TEXT) return ask(at, other + 1) || (at < from.length && ask(at + 1, other));
    if (token === undefined || cover === undefined) return false;
    if (token === ANY_TEXT || (token === ANY_CHARACTER && cover !== ANY_CHARACTER)) return false;
    return (cover === ANY_CHARACTER || cover === token) && ask(at + 1, other + 1);
  });
}

/** False only when no text is covered by both patterns. */
export function canMeet(left: TextPattern, right: TextPattern): boolean {
  const from = tokensOf(left);
  const to = tokensOf(right);
  return compare(from, to, true, (at, other, ask) => {
    const token = from[at];
    const across = to[other];
    if (token === ANY_TEXT) return ask(at + 1, other) || (other < to.length && ask(at, other + 1));
    if (across === ANY_TEXT) return ask(at, other + 1) || (at < from.length && ask(at + 1, other));
    if (token === undefined || across === undefined) return false;
    return (token === ANY_CHARACTER || across === ANY_CHARACTER || token === across) && ask(at + 1, other + 1);
  });
}

function tokensOf(pattern: TextPattern): Token[] {
  // By code units, as matching goes.
  return pattern.flatMap((part): Token[] => (typeof part === 'string' ? part.split('') : [part]));
}

type Ask = (at: number, other: number) => boolean;

/** Fills the table of answers about the ends of both token lists, from the back. */
function compare(
  from: readonly Token[],
  to: readonly Token[],
  beyond: boolean,
  answer: (at: number, other: number, ask: Ask) => boolean,
): boolean {
  const width = to.length + 1;
  if ((from.length + 1) * width > STEPS_MAX) return beyond;
  const answers = new Uint8Array((from.length + 1) * width);
  const ask: Ask = (at, other) => answers[at * width + other] === 1;
  for (let at = from.length; at >= 0; at--) {
    for (let other = to.length; other >= 0; other--) {
      const isEnd = at === from.length && other === to.length;
      if (isEnd || answer(at, other, ask)) answers[at * width + other] = 1;
    }
  }
  return ask(0, 0);
}
