import { recordKeyOf as recordKeyOfLent } from '../sealed-part';

/** The key of one slot of one record from keys of persons that a test has in hand, in the order of the slot. */
export function recordKeyOf(salt: Uint8Array, slot: number, owners: readonly { readonly key: Buffer }[]): Buffer {
  return recordKeyOfLent(
    salt,
    slot,
    owners.map(({ key }) => ({ lendKey: () => key })),
  );
}
