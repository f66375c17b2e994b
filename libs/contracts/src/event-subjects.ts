import type { ProtegoEvent } from './event';

/** Most names that a record is found by; what comes after is left out. */
export const EVENT_SUBJECTS_MAX = 64;

const TOKEN = /^~[sp]\.[A-Za-z0-9_-]{22}$/;
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
  for (const token of tokens.length > 1 ? tokens.sort() : tokens) addName(subjects, token);
  return subjects.length > EVENT_SUBJECTS_MAX ? subjects.slice(0, EVENT_SUBJECTS_MAX) : subjects;
}

function uidOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)['uid'] : undefined;
}

function addTokens(tokens: string[], value: unknown): void {
  if (typeof value === 'string') {
    if (value.charCodeAt(0) === TILDE && TOKEN.test(value)) tokens.push(value);
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
