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
  stringsOf(value, (text, isNumber) => {
    if (text === '' || (isNumber && text.length < NUMBER_DIGITS_MIN)) return;
    if (!pseudonyms.has(text)) pseudonyms.set(text, placeholder);
  });
}

/** Visits all text in a value: strings, numbers, names of members. */
export function stringsOf(value: unknown, visit: (text: string, isNumber: boolean) => void): void {
  if (typeof value === 'string') visit(value, false);
  else if (typeof value === 'number') visit(String(value), true);
  else if (Array.isArray(value)) for (const item of value) stringsOf(item, visit);
  else if (typeof value === 'object' && value !== null) {
    for (const [key, member] of Object.entries(value)) {
      visit(key, false);
      stringsOf(member, visit);
    }
  }
}
