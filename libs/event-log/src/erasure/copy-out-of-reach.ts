/** A copy of records that the erasure cannot change. */
export interface CopyOutOfReach {
  readonly kind: 'bundle' | 'backup' | 'stream' | 'file' | 'other';
  /** Where it is: a bundle's name, a target's location, a stream, a path. */
  readonly name: string;
  /** What is to be done about it. */
  readonly note: string;
}
