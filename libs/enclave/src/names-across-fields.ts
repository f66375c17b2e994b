import { type PersonalField } from './personal-fields';
import { TEXT_SEPARATOR, stringsOf } from './placeholders';

/** Longer text is no part of a name. */
const NAME_PART_CHARACTERS_MAX = 64;
/** So few parts are looked at in all pairs; more only where they stand together. */
const PAIRED_PARTS_MAX = 16;
/** A name that is split over more parts that stand together is taken to be in all of them. */
const WINDOW_PARTS_MAX = 4;
/** Of more parts it is not told which hold a name. */
const WINDOWED_PARTS_MAX = 256;

/** Adds to `found` whoever is named in a text. @param together how many texts there are, where it is not as many as the event has */
export type SearchNames<T> = (text: string, found: Set<T>, together?: number) => void;

interface NamePart {
  /** Place of the field among the texts. */
  readonly field: number;
  readonly text: string;
}

/**
 * Finds names that are split over short texts of an event, such as first name here and last name there, and adds those who
 * have them to the persons of the fields that hold the parts. Texts are read together by pointer, in the order in which they
 * were sent, and in pairs.
 *
 * @param texts by pointer
 * @param persons who was found in each of the texts by itself
 */
export function addNamesAcross<T>(
  event: object,
  texts: readonly PersonalField[],
  persons: readonly Set<T>[],
  search: SearchNames<T>,
): void {
  const parts = partsOf(texts);
  if (parts.length < 2) return;
  const orders = ordersOf(event, texts, parts);
  const missing = new Set<T>();
  for (const order of orders) search(joined(order), missing);
  if (parts.length > 2 && parts.length <= PAIRED_PARTS_MAX) search(joined(everyPair(parts)), missing);
  for (const owner of missing) if (persons.some((found) => found.has(owner))) missing.delete(owner);
  if (missing.size === 0) return;
  addToParts(missing, parts, orders, persons, search);
}

/** Short texts without digits: what else there is between two parts of a name does not part them. */
function partsOf(texts: readonly PersonalField[]): NamePart[] {
  const parts: NamePart[] = [];
  for (let field = 0; field < texts.length; field++) {
    stringsOf((texts[field] as PersonalField).value, (text, kind) => {
      const isPart = kind === 'string' && text !== '' && text.length <= NAME_PART_CHARACTERS_MAX && !/\d/.test(text);
      if (isPart) parts.push({ field, text });
    });
  }
  return parts;
}

/** By pointer, and as they were sent where that is another order. */
function ordersOf(event: object, texts: readonly PersonalField[], parts: readonly NamePart[]): (readonly NamePart[])[] {
  const keyPlaces = new Map<object, Map<string, number>>();
  const bySending = [...parts].sort((a, b) =>
    sentBefore(event, (texts[a.field] as PersonalField).path, (texts[b.field] as PersonalField).path, keyPlaces),
  );
  return bySending.every((part, i) => part === parts[i]) ? [parts] : [parts, bySending];
}

function sentBefore(
  event: object,
  first: readonly string[],
  second: readonly string[],
  keyPlaces: Map<object, Map<string, number>>,
): number {
  let at = 0;
  let parent = event;
  while (first[at] === second[at]) {
    if (at === first.length) return 0;
    parent = (parent as Record<string, object>)[first[at++] as string] as object;
  }
  let places = keyPlaces.get(parent);
  if (places === undefined) keyPlaces.set(parent, (places = new Map(Object.keys(parent).map((key, i) => [key, i]))));
  return (places.get(first[at] as string) ?? 0) - (places.get(second[at] as string) ?? 0);
}

/** Every part beside every other, both ways round. */
function everyPair(parts: readonly NamePart[]): NamePart[] {
  return parts.flatMap((part, i) => [...parts.slice(i + 1).flatMap((other) => [part, other]), part]);
}

function joined(parts: readonly NamePart[]): string {
  return parts.map(({ text }) => text).join(TEXT_SEPARATOR);
}

/** Says of whoever was found only in several parts together which parts these are: few where that can be told, else all. */
function addToParts<T>(
  missing: Set<T>,
  parts: readonly NamePart[],
  orders: readonly (readonly NamePart[])[],
  persons: readonly Set<T>[],
  search: SearchNames<T>,
): void {
  // So often a part may be read again.
  const together = parts.length * WINDOW_PARTS_MAX;
  const found = new Set<T>();
  const look = (some: readonly NamePart[]): void => {
    const here = new Set<T>();
    search(joined(some), here, together);
    for (const owner of here) {
      if (!missing.has(owner)) continue;
      found.add(owner);
      for (const { field } of some) persons[field]?.add(owner);
    }
  };
  if (parts.length <= PAIRED_PARTS_MAX) {
    for (const part of parts) for (const other of parts) if (part !== other) look([part, other]);
  }
  const sizeMax = parts.length <= WINDOWED_PARTS_MAX ? WINDOW_PARTS_MAX : 0;
  for (let size = 2; size <= sizeMax; size++) {
    for (const owner of found) missing.delete(owner);
    if (missing.size === 0) return;
    for (const order of orders) for (let at = 0; at + size <= order.length; at++) look(order.slice(at, at + size));
  }
  for (const owner of missing) if (!found.has(owner)) for (const { field } of parts) persons[field]?.add(owner);
}
