/** The bytes of a message around its scalars. */
export interface MessageLayout {
  /** What stands before each scalar, and after the last: keys, braces, white space. */
  readonly fixed: readonly Uint8Array[];
  /** Path of each scalar, in the order of the bytes. */
  readonly paths: readonly (readonly string[])[];
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const BRACE = 0x7b;
const BRACE_END = 0x7d;
const BRACKET = 0x5b;
const BRACKET_END = 0x5d;
const COMMA = 0x2c;
const SPACES: ReadonlySet<number | undefined> = new Set([0x20, 0x09, 0x0a, 0x0d]);

/**
 * The layout of a message that is known to be JSON, with an object at the top; undefined when there are arrays in it or more
 * than so many scalars.
 */
export function messageLayoutOf(bytes: Uint8Array, leavesMax: number): MessageLayout | undefined {
  const reader = new LayoutReader(bytes, leavesMax);
  return reader.read();
}

class LayoutReader {
  private readonly fixed: Uint8Array[] = [];
  private readonly paths: (readonly string[])[] = [];
  private at = 0;
  private fixedFrom = 0;
  private isSound = true;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly leavesMax: number,
  ) {}

  read(): MessageLayout | undefined {
    this.skipSpace();
    // A byte order mark, which the parser leaves out, has no place.
    if (this.bytes[this.at] !== BRACE) return undefined;
    this.object([]);
    if (!this.isSound) return undefined;
    this.fixed.push(this.copyOf(this.fixedFrom, this.bytes.length));
    return { fixed: this.fixed, paths: this.paths };
  }

  /** What `slice` gives of a buffer shares its memory, which is wiped. */
  private copyOf(start: number, end: number): Uint8Array {
    return Uint8Array.from(this.bytes.subarray(start, end));
  }

  private object(path: readonly string[]): void {
    this.at++;
    this.skipSpace();
    while (this.isSound && this.bytes[this.at] !== BRACE_END) {
      const key = this.key();
      this.skipSpace();
      this.value([...path, key]);
      this.skipSpace();
      if (this.bytes[this.at] === COMMA) this.at++;
      this.skipSpace();
    }
    this.at++;
  }

  private key(): string {
    const from = this.at;
    this.at = this.textEnd();
    const key = JSON.parse(Buffer.from(this.bytes.subarray(from, this.at)).toString('utf8')) as string;
    this.skipSpace();
    if (this.bytes[this.at++] !== COLON) this.isSound = false;
    return key;
  }

  private value(path: readonly string[]): void {
    const byte = this.bytes[this.at];
    if (byte === BRACE) return this.object(path);
    if (byte === BRACKET || byte === undefined || this.paths.length === this.leavesMax) {
      this.isSound = false;
      return;
    }
    this.fixed.push(this.copyOf(this.fixedFrom, this.at));
    this.paths.push(path);
    this.at = this.fixedFrom = byte === QUOTE ? this.textEnd() : this.wordEnd();
  }

  private textEnd(): number {
    let end = this.at + 1;
    while (end < this.bytes.length && this.bytes[end] !== QUOTE) end += this.bytes[end] === BACKSLASH ? 2 : 1;
    return end + 1;
  }

  private wordEnd(): number {
    let end = this.at;
    const isInside = (byte: number | undefined): boolean =>
      byte !== undefined && byte !== COMMA && byte !== BRACE_END && byte !== BRACKET_END && !SPACES.has(byte);
    while (isInside(this.bytes[end])) end++;
    return end;
  }

  private skipSpace(): void {
    while (SPACES.has(this.bytes[this.at])) this.at++;
  }
}
