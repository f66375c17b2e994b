import { quote, rejectAt, type SourcePosition } from './problem';

/** Values by the name of a placeholder: what a site says where a rule writes `%name%` (Sigma 2.1, modifier `expand`). */
export type Placeholders = ReadonlyMap<string, readonly string[]>;

/** No placeholder is declared. */
export const NO_PLACEHOLDERS: Placeholders = new Map();

const NAME = '[A-Za-z_][A-Za-z0-9_.-]*';
/**
 * What is more than plain text: an escaped backslash, an escaped percent sign, a placeholder. A backslash before a whole
 * placeholder is that of a Windows path, which needs no escapes elsewhere either; in `\%plain%name%` it escapes, because
 * the placeholder is `%name%`.
 */
const PIECES = new RegExp(String.raw`\\\\|\\%(?!${NAME}%(?!${NAME}%))|\\?%(${NAME})%`, 'g');

/**
 * A text with each placeholder in it replaced by each of its values: all combinations, none where one has no value.
 *
 * @throws ProtegoError `SIGMA_PLACEHOLDER_UNKNOWN`; `SIGMA_RULE_INVALID` for more than `textsMax` texts
 */
export function expandPlaceholders(
  text: string,
  placeholders: Placeholders,
  textsMax: number,
  at: SourcePosition,
): string[] {
  let texts = [''];
  let plain = '';
  let end = 0;
  for (const { 0: piece, 1: name, index } of text.matchAll(PIECES)) {
    plain += text.slice(end, index);
    end = index + piece.length;
    if (name === undefined) {
      plain += piece === '\\%' ? '%' : piece;
      continue;
    }
    // Doubled, so that it escapes nothing in the value that follows.
    const front = piece.startsWith('\\') ? `${plain}\\\\` : plain;
    // Values are not searched again: what a site declares is text.
    const values = placeholders.get(name) ?? unknown(name, at);
    if (texts.length * values.length > textsMax)
      rejectAt('SIGMA_RULE_INVALID', `${quote(text)} stands for more than ${textsMax} texts`, at);
    texts = texts.flatMap((before) => values.map((value) => before + front + value));
    plain = '';
  }
  return texts.map((before) => before + plain + text.slice(end));
}

function unknown(name: string, at: SourcePosition): never {
  rejectAt('SIGMA_PLACEHOLDER_UNKNOWN', `placeholder ${quote(`%${name}%`)} is not declared`, at);
}

/** Names of the placeholders in a text, in its order. */
export function placeholdersIn(text: string): string[] {
  return [...text.matchAll(PIECES)].flatMap(([, name]) => name ?? []);
}
