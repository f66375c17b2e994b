import { ProtegoError, type OpenedEvent, type ProtegoEvent } from '@protego/contracts';
import { pathOf, pointerOf, valueAt, withReplacements, type Replacement } from './personal-fields';
import { addTextPseudonyms, hiddenKeyOf, textPlaceholderOf } from './placeholders';
import { type SlotKey } from './personal-data';
import { SLOT_KINDS, openSlot, readSealedPart, type SealedPart, type SealedSlot } from './sealed-part';

/** What to put back in clear: for the pipeline staff and free text, for those who may see it all. */
export type OpeningScope = 'staff-and-text' | 'all';

/** Record key of a slot; undefined when it is not to be had. It is wiped after use. */
export type RecordKeyOf = (slot: SealedSlot) => Buffer | undefined;

/** Pointer and value of a field; the ordinal of its placeholder where its name is hidden. */
export type Entry = readonly [pointer: string, value: unknown, ordinal?: number];

/** What the slots of a sealed part say, by kind of slot, as far as their keys exist. */
export interface OpenedFields {
  /** False when the key of a slot that was to be opened is not to be had. */
  readonly isAllOpen: boolean;
  readonly fields: readonly (readonly [kind: SealedSlot['kind'], entries: readonly Entry[]])[];
}

interface OpenedText {
  readonly value: unknown;
  readonly placeholder: string;
}

const TILDE = 126;
const PLACEHOLDERS = { 'staff-and-text': /^~[st]\./, all: /^~[spt]\./ } as const;

/**
 * What the slots of a sealed part say: all that needs keys.
 *
 * @throws ProtegoError `LOG_BLOCK_CORRUPT` when a key that exists does not fit its slot
 */
export function openFields(part: SealedPart, recordKeyOf: RecordKeyOf, scope: OpeningScope): OpenedFields {
  const fields: [SealedSlot['kind'], readonly Entry[]][] = [];
  let isAllOpen = true;
  for (const slot of part.slots) {
    if (slot.kind === SLOT_KINDS.bytes || (slot.kind === SLOT_KINDS.patient && scope !== 'all')) continue;
    const recordKey = recordKeyOf(slot);
    if (recordKey === undefined) isAllOpen = false;
    else fields.push([slot.kind, entriesOf(part, slot, recordKey)]);
  }
  return { isAllOpen, fields };
}

/** Puts what {@link openFields} found into the placeholders of a stored event. */
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

/**
 * Opens a record with record keys from an evidence bundle, without any vault. Fields whose slot has no key among them are
 * named in `erased`.
 *
 * @throws ProtegoError `LOG_BLOCK_CORRUPT` when a key does not fit its slot, or the sealed part is damaged
 */
export function openWithSlotKeys(event: ProtegoEvent, sealed: Uint8Array, keys: readonly SlotKey[]): OpenedEvent {
  const bySlot = new Map(keys.map(({ slot, key }) => [slot, key]));
  const recordKeyOf: RecordKeyOf = ({ slot }) => {
    const key = bySlot.get(slot);
    // The caller's own stays.
    return key === undefined ? undefined : Buffer.from(key);
  };
  return applyOpened(event, openFields(readSealedPart(sealed), recordKeyOf, 'all'), 'all');
}

function entriesOf(part: SealedPart, slot: SealedSlot, recordKey: Buffer): Entry[] {
  const plaintext = openSlot(part, slot, recordKey);
  recordKey.fill(0);
  if (plaintext === undefined) {
    const message = `the key of slot \`${slot.slot}\` is not the one that the record commits to`;
    throw new ProtegoError('LOG_BLOCK_CORRUPT', message, { slot: slot.slot });
  }
  try {
    return JSON.parse(plaintext.toString('utf8')) as Entry[];
  } finally {
    plaintext.fill(0);
  }
}

function place(
  [pointer, value, ordinal]: Entry,
  event: ProtegoEvent,
  replacements: Replacement[],
  kind: SealedSlot['kind'],
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
