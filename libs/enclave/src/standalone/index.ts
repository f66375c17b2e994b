// What puts opened fields back with Node alone: no part of it loads a native module or holds a key.
export { applyOpened, type Entry, type OpenedFields, type OpeningScope } from '../opened-fields';
export { SLOT_KINDS, type SlotKind } from '../slot-kinds';
