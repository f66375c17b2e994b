/** Bytes that stand before each text: its length. */
const LENGTH_BYTES = 4;

/**
 * Texts that lie in memory one after the other, decoded only where somebody asks for one: each in UTF-8 after its length
 * in bytes (u32, big-endian). The memory is not copied.
 */
export class EncodedTexts {
  /**
   * @param bytes memory in which they lie
   * @param start where the length of the first stands
   * @param end where the last ends
   * @param length number of texts
   */
  constructor(
    readonly bytes: Uint8Array,
    readonly start: number,
    readonly end: number,
    readonly length: number,
  ) {}

  /** True when the lengths fit the bytes; of other bytes nothing can be read. */
  get isWhole(): boolean {
    let at = this.start;
    for (let i = 0; i < this.length; i++) {
      if (at + LENGTH_BYTES > this.end) return false;
      at = this.textEnd(at);
    }
    return at === this.end && at <= this.bytes.length;
  }

  /** Where the text begins whose length stands at `at`. */
  textStart(at: number): number {
    return at + LENGTH_BYTES;
  }

  /** Where the text ends whose length stands at `at`; there stands the length of the next one. */
  textEnd(at: number): number {
    const { bytes } = this;
    const high = ((bytes[at] as number) << 24) | ((bytes[at + 1] as number) << 16);
    return at + LENGTH_BYTES + ((high | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)) >>> 0);
  }
}
