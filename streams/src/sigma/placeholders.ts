import { quote, rejectAt, type SourcePosition } from './problem';

/** Values by the name of a placeholder: what a site says where a rule writes `%name%` (Sigma 2.1, modifier `expand`). */
export type Placeholders = ReadonlyMap<string, readonly string[]>;

/** No placeholder is declared. */
export const NO_PLACEHOLDERS: Placeholders = new Map();

const PLACEHOLDER = /%([A-Za-z_][A-Za-z0-9_.-]*)%/;

/**
 * A text with each placeholder in it replaced by each of its values: all combinations, none where one has no value. A
 * backslash before the percent sign belongs to a Windows path: nothing escapes a placeholder.
 *
 * @throws ProtegoError `SIGMA_PLACEHOLDER_UNKNOWN`; `SIGMA_RULE_INVALID` for more than `textsMax` texts
 */
export function expandPlaceholders(
  text: string,
  placeholders: Placeholders,
  textsMax: number,
  at: SourcePosition,
): string[] {
  // Values are not searched again: what a site declares is text.
  const [first = '', ...rest] = text.split(PLACEHOLDER);
  let texts = [first];
  for (let i = 0; i < rest.length; i += 2) {
    const name = rest[i] as string;
    const values = placeholders.get(name) ?? unknown(name, at);
    if (texts.length * values.length > textsMax)
      rejectAt('SIGMA_RULE_INVALID', `${quote(text)} stands for more than ${textsMax} texts`, at);
    texts = texts.flatMap((front) => values.map((value) => front + value + (rest[i + 1] as string)));
  }
  return texts;
}

function unknown(name: string, at: SourcePosition): never {
  rejectAt('SIGMA_PLACEHOLDER_UNKNOWN', `placeholder ${quote(`%${name}%`)} is not declared`, at);
}
