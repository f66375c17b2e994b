import type { ProtegoEvent } from './event';

/** More names than any record is found by: a stored body has at most 65,536 bytes, and each token takes 29 of them. */
export const EVENT_SUBJECTS_MAX = 4096;

const PERSON_TOKEN = /^~[sp]\.[A-Za-z0-9_-]{22}$/;
const TEXT_PLACEHOLDER = '~t.';
const TILDE = 126;

/**
 * Names under which the record of a stored event is found: its subject, its device, its partner, and the tokens of the
 * persons in it, which come last and sorted. `event` is the event as it is stored, with placeholders, at append as well as
 * when it is read; so both give the same names in the same order, however its members are ordered.
 */
export function subjectsOfEvent(event: ProtegoEvent): string[] {
  const subjects: string[] = [];
  const tokens: string[] = [];
  const { subject, data } = event;
  addName(subjects, subject);
  if (typeof data === 'object' && data !== null) {
    addName(subjects, uidOf(data['device']));
    addName(subjects, uidOf(data['partner']));
    addTokens(tokens, data);
  }
  if (tokens.length > 0) addTokensOnce(subjects, tokens.length > 1 ? tokens.sort() : tokens);
  return subjects;
}

// Equal tokens stand together. Of the subjects only the names before them are searched: an event may have thousands.
function addTokensOnce(subjects: string[], sorted: readonly string[]): void {
  const names = subjects.slice();
  let last = '';
  for (const token of sorted) {
    if (token !== last && !names.includes(token)) subjects.push(token);
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
