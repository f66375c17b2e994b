const TEXT = '~t.';
const HIDDEN_KEY = '~k.';
/** Shorter numbers mean too many other things to be taken for a personal value. */
const NUMBER_DIGITS_MIN = 5;

/** What stands for the `ordinal`-th free text of a record, counted from 0 by pointer. */
export function textPlaceholderOf(ordinal: number): string {
  return `${TEXT}${ordinal}`;
}

/** What stands for the name of an undeclared field that is the `ordinal`-th free text of its record. */
export function hiddenKeyOf(ordinal: number): string {
  return `${HIDDEN_KEY}${ordinal}`;
}

/** Notes a placeholder for a clear text, and for every text in it; the first placeholder of a text stays. */
export function addTextPseudonyms(pseudonyms: Map<string, string>, value: unknown, placeholder: string): void {
  stringsOf(value, (text, kind) => {
    if (text === '' || (kind === 'number' && text.length < NUMBER_DIGITS_MIN)) return;
    if (!pseudonyms.has(text)) pseudonyms.set(text, placeholder);
  });
}

/** What a text in a value is: a string, a number, or the name of a member. */
export type TextKind = 'string' | 'number' | 'member';

/** Visits all text in a value: strings, numbers, names of members. */
export function stringsOf(value: unknown, visit: (text: string, kind: TextKind) => void): void {
  if (typeof value === 'string') visit(value, 'string');
  else if (typeof value === 'number') visit(String(value), 'number');
  else if (Array.isArray(value)) for (const item of value) stringsOf(item, visit);
  else if (typeof value === 'object' && value !== null) {
    for (const [key, member] of Object.entries(value)) {
      visit(key, 'member');
      stringsOf(member, visit);
    }
  }
}

/**
 * The texts of a value in which to look for names: its strings and numbers end to end, and the names of its members. A name
 * may be split over neighbours: `{"family": "Keller", "given": ["Maria"]}`.
 */
export function searchTextsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  const values: string[] = [];
  const members: string[] = [];
  stringsOf(value, (text, kind) => (kind === 'member' ? members : values).push(text));
  return [values, members].filter((texts) => texts.length > 0).map((texts) => texts.join(TEXT_SEPARATOR));
}

/** Stands between texts that are searched as one. */
export const TEXT_SEPARATOR = '\n';
