/** A buffer's own ways between text and bytes, without the detour by the name of the encoding. */
export interface Latin1Buffer extends Buffer {
  /** Text of the bytes from `start` to `end`, one character a byte. */
  latin1Slice(start: number, end: number): string;
  /** Writes text, one byte a character; returns how many. */
  latin1Write(text: string, at: number, bytesMax: number): number;
}
