const DOTTED_CAPITAL_I = 'İ';

/**
 * Lower case, character by character: texts that are equal but for case become the same text, wherever they stand in others.
 * `toLowerCase` alone makes of Σ what fits the letters around it, and of İ two characters (Unicode, SpecialCasing.txt); here every
 * sigma becomes σ, and İ, which has no simple folding (Unicode, CaseFolding.txt), stays.
 */
export function foldCase(text: string): string {
  const lower = text.toLowerCase();
  const folded = lower.length === text.length ? lower : lowerAllButDotted(text);
  return folded.includes('ς') ? folded.replaceAll('ς', 'σ') : folded;
}

/** Only İ changes the length of a text. */
function lowerAllButDotted(text: string): string {
  return text
    .split(DOTTED_CAPITAL_I)
    .map((piece) => piece.toLowerCase())
    .join(DOTTED_CAPITAL_I);
}
