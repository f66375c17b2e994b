import type { ProtegoEvent } from './event';

/** More names than any record is found by: a stored body has at most 65,536 bytes, and each token takes 29 of them. */
export const EVENT_SUBJECTS_MAX = 4096;

const PERSON_TOKEN = /^~[sp]\.[A-Za-z0-9_-]{22}$/;
const TEXT_PLACEHOLDER = '~t.';
const TILDE = 126;
/** Most tokens that are sorted here. */
const FEW_TOKENS = 8;

/**
 * Names under which the record of a stored event is found: its subject, its device, its partner, and the tokens of the
 * persons in it, which come last and sorted. `event` is the event as it is stored, with placeholders, at append as well as
 * when it is read; so both give the same names in the same order, however its members are ordered.
 */
export function subjectsOfEvent(event: ProtegoEvent): string[] {
  const { subject, data } = event;
  if (typeof data !== 'object' || data === null) return subjectsOfNames([subject], []);
  const tokens: string[] = [];
  addTokens(tokens, data);
  return subjectsOfNames([subject, uidOf(data['device']), uidOf(data['partner'])], tokens);
}

/**
 * The same, where the names and tokens were found already.
 *
 * @param names values of subject, device and partner, those that there are; what is no text is left out
 * @param tokens all tokens of persons in `data`, in any order; they are sorted in place
 */
export function subjectsOfNames(names: readonly unknown[], tokens: string[]): string[] {
  const subjects: string[] = [];
  for (const name of names) addName(subjects, name);
  if (tokens.length > 0) addTokensOnce(subjects, sorted(tokens));
  return subjects;
}

/** In place; nearly all events have one or two, for which the sort of the library takes longer than all the rest. */
function sorted(tokens: string[]): readonly string[] {
  if (tokens.length > FEW_TOKENS) return tokens.sort();
  for (let i = 1; i < tokens.length; i++) {
    const token = tokens[i] as string;
    let at = i;
    for (; at > 0 && (tokens[at - 1] as string) > token; at--) tokens[at] = tokens[at - 1] as string;
    tokens[at] = token;
  }
  return tokens;
}

// Equal tokens stand together. Of the subjects only the names before them are searched: an event may have thousands.
function addTokensOnce(subjects: string[], tokens: readonly string[]): void {
  const nameCount = subjects.length;
  let last = '';
  for (const token of tokens) {
    const isName = nameCount > 0 && subjects.lastIndexOf(token, nameCount - 1) >= 0;
    if (token !== last && !isName) subjects.push(token);
    last = token;
  }
}

/** A person's token, as it stands in the log. */
export function isPersonToken(text: string): boolean {
  return text.charCodeAt(0) === TILDE && PERSON_TOKEN.test(text);
}

function uidOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)['uid'] : undefined;
}

function addTokens(tokens: string[], value: unknown): void {
  if (typeof value === 'string') {
    if (isPersonToken(value)) tokens.push(value);
  } else if (Array.isArray(value)) {
    for (const item of value) addTokens(tokens, item);
  } else if (typeof value === 'object' && value !== null) {
    for (const key of Object.keys(value)) addTokens(tokens, (value as Record<string, unknown>)[key]);
  }
}

function addName(subjects: string[], name: unknown): void {
  if (typeof name !== 'string' || name === '' || subjects.includes(name)) return;
  // The place of a sealed text is no name.
  if (!name.startsWith(TEXT_PLACEHOLDER)) subjects.push(name);
}
