import type { CidrBlock } from './cidr';
import type { SigmaPredicate, TextPredicate } from './expression';
import { ANY_CHARACTER, ANY_TEXT, type TextPattern } from './pattern';

/** Most values that the words of one predicate repeat. */
const VALUES_MAX = 3;
/** Longest value that they repeat, characters. */
const VALUE_LENGTH_MAX = 80;

/** A predicate as a line of a rule, such as `Image|endswith: \cmd.exe or \powershell.exe`; long lists and values are cut. */
export function wordsOf(predicate: SigmaPredicate): string {
  const field = predicate.field ?? 'any value';
  switch (predicate.kind) {
    case 'text':
      return textWords(predicate, field);
    case 'regex':
      return `${[field, 're', ...predicate.flags].join('|')}: ${cut(predicate.pattern)}`;
    case 'number':
      return `${field}: ${predicate.text}`;
    case 'boolean':
      return `${field}: ${predicate.value}`;
    case 'null':
      return `${field}: null`;
    case 'exists':
      return `${field}|exists: ${predicate.isWanted}`;
    case 'cidr':
      return `${field}|cidr: ${blockText(predicate.block)}`;
    case 'compare':
      return `${field}|${predicate.operator}: ${predicate.exactBound ?? predicate.bound}`;
    case 'time-part': {
      const operator = predicate.operator === 'eq' ? '' : `|${predicate.operator}`;
      return `${field}|${predicate.part}${operator}: ${predicate.bound}`;
    }
    case 'fieldref': {
      const place = predicate.place === 'equals' ? '' : `|${predicate.place}`;
      return `${field}|fieldref${place}${predicate.isCased ? '|cased' : ''}: ${predicate.otherField}`;
    }
  }
}

/** Modifier that says where a text stands; empty: it is the whole value. */
type Place = 'contains' | 'startswith' | 'endswith' | '';

function textWords({ field, patterns, isCased }: TextPredicate, name: string): string {
  const [first, ...others] = patterns.map(placeOf);
  // A keyword stands anywhere by itself.
  const place = field !== null && first !== undefined && others.every((other) => other === first) ? first : '';
  const values = patterns
    .slice(0, VALUES_MAX)
    .map((pattern) => cut(patternText(bared(pattern, place, field === null))));
  const rest = patterns.length > VALUES_MAX ? ` or ${patterns.length - VALUES_MAX} more` : '';
  const key = [name, ...(place === '' ? [] : [place]), ...(isCased ? ['cased'] : [])].join('|');
  return `${key}: ${values.length === 0 ? '(no value)' : values.join(' or ')}${rest}`;
}

function placeOf(pattern: TextPattern): Place {
  const inner = pattern.slice(pattern[0] === ANY_TEXT ? 1 : 0, pattern.at(-1) === ANY_TEXT ? -1 : undefined);
  if (inner.length === 0 || inner.includes(ANY_TEXT)) return '';
  const isOpenBefore = pattern[0] === ANY_TEXT;
  const isOpenAfter = pattern.at(-1) === ANY_TEXT;
  if (isOpenBefore) return isOpenAfter ? 'contains' : 'endswith';
  return isOpenAfter ? 'startswith' : '';
}

function bared(pattern: TextPattern, place: Place, isKeyword: boolean): TextPattern {
  const isBefore = place === 'contains' || place === 'endswith' || (isKeyword && pattern.length > 2);
  const isAfter = place === 'contains' || place === 'startswith' || (isKeyword && pattern.length > 2);
  return pattern.slice(isBefore ? 1 : 0, isAfter ? -1 : undefined);
}

function patternText(pattern: TextPattern): string {
  return pattern.map((part) => (part === ANY_TEXT ? '*' : part === ANY_CHARACTER ? '?' : part)).join('');
}

function cut(text: string): string {
  return text.length > VALUE_LENGTH_MAX ? `${text.slice(0, VALUE_LENGTH_MAX).toWellFormed()}…` : text;
}

function blockText({ bytes, prefixBits }: CidrBlock): string {
  if (bytes.length === 4) return `${bytes.join('.')}/${prefixBits}`;
  const groups = Array.from({ length: 8 }, (_, at) =>
    (((bytes[2 * at] ?? 0) << 8) | (bytes[2 * at + 1] ?? 0)).toString(16),
  );
  return `${groups.join(':')}/${prefixBits}`;
}
