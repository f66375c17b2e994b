export { keysDirectoryOf, openHouseKeys, type HouseKeys, type HouseKeysOptions } from './house-keys';
export { NameIndex } from './name-index';
export { searchTextsOf } from './placeholders';
export { lockDirectory, type DirectoryLock } from './directory-lock';
export { type LogKeys, type NoteSigner } from './log-keys';
export { type PersonRef, type PersonalDataVault, type SealedEvent, type SlotKey } from './personal-data';
// The sealed part of a record, for those who hold record keys and no vault
export { openWithSlotKeys } from './event-opener';
export {
  SEALED_BYTES_MAX,
  SEALED_VERSION,
  SLOT_KINDS,
  openSlot,
  readSealedPart,
  type SealedPart,
  type SealedSlot,
  type SlotKind,
} from './sealed-part';
