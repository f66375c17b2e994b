const DOTTED_CAPITAL_I = 'İ';

/**
 * Lower case that keeps the length of a text: of İ `toLowerCase` alone makes two characters (Unicode, SpecialCasing.txt); here it
 * stays, as it has no simple folding (Unicode, CaseFolding.txt).
 */
export function lowerCase(text: string): string {
  const lower = text.toLowerCase();
  return lower.length === text.length ? lower : lowerAllButDotted(text);
}

/**
 * Lower case, character by character: texts that are equal but for case become the same text, wherever they stand in others.
 * Lower case alone makes of Σ what fits the letters around it; here every sigma becomes σ. To ask a text for it costs more than
 * lower case itself, so that it is left to those to whom it matters ({@link asksForSigma}).
 */
export function foldCase(text: string): string {
  return lowerCase(text).replaceAll('ς', 'σ');
}

/** True for a folded text that is found in folded texts, but perhaps not in those that are in lower case. */
export function asksForSigma(folded: string): boolean {
  return folded.includes('σ');
}

/** Only İ changes the length of a text. */
function lowerAllButDotted(text: string): string {
  return text
    .split(DOTTED_CAPITAL_I)
    .map((piece) => piece.toLowerCase())
    .join(DOTTED_CAPITAL_I);
}
