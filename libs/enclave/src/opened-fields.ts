import { type OpenedEvent, type ProtegoEvent } from '@protego/contracts';
import { pathOf, pointerOf, valueAt, withReplacements, type Replacement } from './event-paths';
import { addTextPseudonyms, hiddenKeyOf, textPlaceholderOf } from './placeholders';
import { SLOT_KINDS, type SlotKind } from './slot-kinds';

/** What to put back in clear: for the pipeline staff and free text, for those who may see it all. */
export type OpeningScope = 'staff-and-text' | 'all';

/** Pointer and value of a field; the ordinal of its placeholder where its name is hidden. */
export type Entry = readonly [pointer: string, value: unknown, ordinal?: number];

/** What the slots of a sealed part say, by kind of slot, as far as their keys exist. */
export interface OpenedFields {
  /** False when the key of a slot that was to be opened is not to be had. */
  readonly isAllOpen: boolean;
  readonly fields: readonly (readonly [kind: SlotKind, entries: readonly Entry[]])[];
}

/** What a sealed part of no bytes says. */
export const NOTHING_SEALED: OpenedFields = { isAllOpen: true, fields: [] };

interface OpenedText {
  readonly value: unknown;
  readonly placeholder: string;
}

const TILDE = 126;
const PLACEHOLDERS = { 'staff-and-text': /^~[st]\./, all: /^~[spt]\./ } as const;

/** Puts what the slots of a record say into the placeholders of a stored event. */
export function applyOpened(
  event: ProtegoEvent,
  { isAllOpen, fields }: OpenedFields,
  scope: OpeningScope,
): OpenedEvent {
  const replacements: Replacement[] = [];
  const texts: OpenedText[] = [];
  const names: OpenedText[] = [];
  for (const [kind, entries] of fields)
    for (const entry of entries) place(entry, event, replacements, kind, texts, names);
  const pseudonyms = new Map<string, string>();
  // By ordinal, as when the event was sealed, whichever slots they lie in.
  texts.sort((a, b) => ordinalOf(a) - ordinalOf(b));
  for (const { value, placeholder } of texts) addTextPseudonyms(pseudonyms, value, placeholder);
  for (const { value, placeholder } of names) pseudonyms.set(String(value), placeholder);
  const erased = isAllOpen ? [] : unopened(event, replacements, PLACEHOLDERS[scope]);
  return { event: withReplacements(event, replacements), pseudonyms, erased };
}

function place(
  [pointer, value, ordinal]: Entry,
  event: ProtegoEvent,
  replacements: Replacement[],
  kind: SlotKind,
  texts: OpenedText[],
  names: OpenedText[],
): void {
  const path = pathOf(pointer);
  if (ordinal !== undefined) {
    replacements.push({ path, value, instead: hiddenKeyOf(ordinal) });
    texts.push({ value, placeholder: textPlaceholderOf(ordinal) });
    return;
  }
  replacements.push({ path, value });
  const opened = { value, placeholder: String(valueAt(event, path)) };
  if (kind === SLOT_KINDS.text) texts.push(opened);
  else names.push(opened);
}

function ordinalOf({ placeholder }: OpenedText): number {
  return Number(placeholder.slice(3));
}

/** Pointers of the placeholders that nothing was put into. */
function unopened(event: ProtegoEvent, replacements: readonly Replacement[], placeholder: RegExp): string[] {
  const opened = new Set(
    replacements.map(({ path, instead }) => pointerOf(instead === undefined ? path : [...path.slice(0, -1), instead])),
  );
  const pointers: string[] = [];
  const visit = (value: unknown, path: readonly string[]): void => {
    if (typeof value === 'string') {
      if (value.charCodeAt(0) !== TILDE || !placeholder.test(value)) return;
      const pointer = pointerOf(path);
      if (!opened.has(pointer)) pointers.push(pointer);
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, member] of Object.entries(value)) visit(member, [...path, key]);
    }
  };
  visit(event, []);
  return pointers;
}
