import { ProtegoError, type OpenedEvent, type ProtegoEvent } from '@protego/contracts';
import { type SlotKey } from './personal-data';
import { applyOpened, type Entry, type OpenedFields, type OpeningScope } from './opened-fields';
import { openSlot, readSealedPart, type SealedPart, type SealedSlot } from './sealed-part';
import { SLOT_KINDS } from './slot-kinds';

/** Record key of a slot; undefined when it is not to be had. It is wiped after use. */
export type RecordKeyOf = (slot: SealedSlot) => Buffer | undefined;

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
