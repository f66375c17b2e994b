import { type ProtegoEvent } from '@protego/contracts';

/** JSON pointer (RFC 6901) of a path. */
export function pointerOf(path: readonly string[]): string {
  let pointer = '';
  for (const key of path) {
    pointer += '/';
    pointer += key.includes('~') || key.includes('/') ? key.replaceAll('~', '~0').replaceAll('/', '~1') : key;
  }
  return pointer;
}

/** Path of a JSON pointer (RFC 6901). */
export function pathOf(pointer: string): string[] {
  const keys = pointer.split('/').slice(1);
  return pointer.includes('~') ? keys.map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~')) : keys;
}

/** Value at a path; undefined when there is none. */
export function valueAt(top: unknown, path: readonly string[]): unknown {
  let value = top;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[key];
  }
  return value;
}

/** A value to be put into an event. */
export interface Replacement {
  readonly path: readonly string[];
  readonly value: unknown;
  /** Member, beside the last of the path, that goes away. */
  readonly instead?: string;
}

/** The event with other values at some paths. What lies on the way to them is copied, the rest is shared. */
export function withReplacements(event: ProtegoEvent, replacements: readonly Replacement[]): ProtegoEvent {
  const [only] = replacements;
  if (only === undefined) return event;
  if (replacements.length === 1 && only.instead === undefined) return withValue(event, only, 0) as ProtegoEvent;
  const top: Container = { ...event };
  const copies = new Set<unknown>([top]);
  const parentOf = (path: readonly string[]): Container => {
    let container: Container = top;
    for (let at = 0; at < path.length - 1; at++) container = ownCopy(container, path[at] as string, copies);
    return container;
  };
  // All that goes away goes first: a sender may have named a member as another one is to be called.
  for (const { path, instead } of replacements) if (instead !== undefined) delete parentOf(path)[instead];
  for (const { path, value } of replacements) put(parentOf(path), path.at(-1) as string, value);
  return top as unknown as ProtegoEvent;
}

type Container = Record<string, unknown>;

/** A copy of what lies at place `depth` of the path, with the value below it. */
function withValue(container: unknown, replacement: Replacement, depth: number): unknown {
  const { path, value } = replacement;
  const key = path[depth] as string;
  const copy = copyOf(container);
  const isLast = depth >= path.length - 1;
  put(copy, key, isLast ? value : withValue(Object.hasOwn(copy, key) ? copy[key] : undefined, replacement, depth + 1));
  return copy;
}

function ownCopy(container: Container, key: string, copies: Set<unknown>): Container {
  const child = Object.hasOwn(container, key) ? container[key] : undefined;
  if (copies.has(child)) return child as Container;
  const copy = copyOf(child);
  copies.add(copy);
  put(container, key, copy);
  return copy;
}

function copyOf(container: unknown): Container {
  // A damaged pointer may lead nowhere; then there is nothing to copy.
  return Array.isArray(container) ? ([...container] as unknown as Container) : { ...(container as Container) };
}

function put(container: Container, key: string, value: unknown): void {
  // A member of that name is data like others.
  if (key === '__proto__') {
    Object.defineProperty(container, key, { value, enumerable: true, configurable: true, writable: true });
  } else container[key] = value;
}
