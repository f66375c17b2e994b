import { canonicalJson } from '@protego/contracts';
import { compareText } from '../text-order';

/** A value within two versions of a document. */
export interface ValueChange {
  /** Keys that lead to it, and numbers of list items from 0. */
  readonly path: readonly string[];
  /** Canonical JSON, cut; null where it is not there. */
  readonly baseline: string | null;
  readonly candidate: string | null;
}

/** Most changes that one document lists. */
export const VALUE_CHANGES_MAX = 200;
const VALUE_LENGTH_MAX = 400;

/**
 * Where two JSON values differ, in the order of keys. Lists of plain values are compared as sets: what came and what went;
 * other lists item by item.
 */
export function valueChangesOf(baseline: unknown, candidate: unknown): ValueChange[] {
  const changes: ValueChange[] = [];
  compare([], baseline, candidate, changes);
  return changes.slice(0, VALUE_CHANGES_MAX);
}

function compare(path: readonly string[], before: unknown, after: unknown, changes: ValueChange[]): void {
  if (changes.length >= VALUE_CHANGES_MAX || textOf(before) === textOf(after)) return;
  if (isObject(before) && isObject(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort(compareText);
    for (const key of keys) compare([...path, key], before[key], after[key], changes);
  } else if (Array.isArray(before) && Array.isArray(after)) compareLists(path, before, after, changes);
  else changes.push({ path, baseline: cut(textOf(before)), candidate: cut(textOf(after)) });
}

function compareLists(
  path: readonly string[],
  before: readonly unknown[],
  after: readonly unknown[],
  changes: ValueChange[],
): void {
  if ([...before, ...after].some((item) => item !== null && typeof item === 'object')) {
    for (let at = 0; at < Math.max(before.length, after.length); at++)
      compare([...path, String(at)], before[at], after[at], changes);
    return;
  }
  const [left, right] = [before, after].map((items) => new Set(items.map((item) => canonicalJson(item)))) as [
    Set<string>,
    Set<string>,
  ];
  const gone = [...left].filter((item) => !right.has(item));
  const come = [...right].filter((item) => !left.has(item));
  if (gone.length + come.length === 0) {
    changes.push({ path, baseline: cut(textOf(before)), candidate: cut(textOf(after)) });
    return;
  }
  const listOf = (items: readonly string[]): string | null => (items.length === 0 ? null : cut(items.join(', ')));
  changes.push({ path, baseline: listOf(gone), candidate: listOf(come) });
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

const textOf = (value: unknown): string | null => (value === undefined ? null : canonicalJson(value));

function cut<Text extends string | null>(text: Text): Text | string {
  if (text === null || text.length <= VALUE_LENGTH_MAX) return text;
  return `${text.slice(0, VALUE_LENGTH_MAX).toWellFormed()}…`;
}
