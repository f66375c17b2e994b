/** What a slot holds: fields of staff, fields of a patient, free text, or bytes from outside. */
export const SLOT_KINDS = { staff: 1, patient: 2, text: 3, bytes: 4 } as const;
/** One of {@link SLOT_KINDS}. */
export type SlotKind = (typeof SLOT_KINDS)[keyof typeof SLOT_KINDS];
