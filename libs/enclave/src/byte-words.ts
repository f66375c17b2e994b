const WORD_BYTES = 4;

/** Copies bytes, word by word: for as few as there mostly are, a call of `set` or `copy` costs several times as much. */
export function copyWords(source: DataView, start: number, end: number, target: DataView, at: number): void {
  const length = end - start;
  if (length < WORD_BYTES) {
    for (let i = 0; i < length; i++) target.setUint8(at + i, source.getUint8(start + i));
    return;
  }
  const last = length - WORD_BYTES;
  for (let i = 0; i < last; i += WORD_BYTES) target.setInt32(at + i, source.getInt32(start + i, true), true);
  // The last word overlaps the one before, unless the length is a multiple of four.
  target.setInt32(at + last, source.getInt32(start + last, true), true);
}

/** True when all bytes of `expected` stand in `source` from `at` on, which has as many left. */
export function areWordsAt(source: DataView, at: number, expected: DataView): boolean {
  const length = expected.byteLength;
  if (length < WORD_BYTES) {
    for (let i = 0; i < length; i++) if (source.getUint8(at + i) !== expected.getUint8(i)) return false;
    return true;
  }
  const last = length - WORD_BYTES;
  for (let i = 0; i < last; i += WORD_BYTES)
    if (source.getInt32(at + i, true) !== expected.getInt32(i, true)) return false;
  return source.getInt32(at + last, true) === expected.getInt32(last, true);
}

/** View of all bytes of an array. */
export function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
