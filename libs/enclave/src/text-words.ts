const ASCII_MAX = 127;
const BMP_MAX = 0xffff;
const CHARACTER_BYTES_MAX = 4;
const WORDS_LETTERS_MIN = 4096;
/**
 * Characters of several letters, or outside the basic plane, whose letters are kept; when they are too many, it starts over.
 * So many hold those of the first two planes, which have nearly all that is not its own letter.
 */
const MANY_KEPT_MAX = 131_072;
/** From here on, but for these, a character is the letter that it is. */
const IDEOGRAPHS = 0x20000;
const COMPATIBILITY_IDEOGRAPHS = { first: 0x2f800, last: 0x2fa1f } as const;
/** Umlauts to be spelled out: every one. */
export const ALL_SPELLED_OUT = -1;
const MASK_BIT_MAX = 31;
const DIAERESIS = 0x308;
const RING = 0x30a;
const LETTER_A = 0x61;
const LETTER_E = 0x65;

// In place of one letter; none of these is a letter itself.
const SEPARATOR = 0;
const NOT_LOOKED_UP = 0xfffd;
const MARK = 0xfffe;
const MANY_LETTERS = 0xffff;

/**
 * The words of a text, in memory that is used again: runs of letters and digits, in lower case, compatibility characters
 * decomposed (NFKD, UAX #15) and without marks. Every character is folded by itself, so that the time grows with the length
 * of the text and nothing else.
 */
export class TextWords {
  /** UTF-16 code units of the words, end to end. */
  letters = new Uint16Array(WORDS_LETTERS_MIN);
  /** Where each word ends in {@link TextWords.letters}. */
  ends = new Uint32Array(WORDS_LETTERS_MIN);
  /** Number of words. */
  count = 0;
  /** Number of letters that are two where umlauts are spelled out. */
  umlauts = 0;
  // So much longer than the text, it is never filled with a beginning of the text that has as many bytes as the text has units.
  #bytes: Buffer = Buffer.alloc(WORDS_LETTERS_MIN + CHARACTER_BYTES_MAX);
  // Number of bytes, and of letters, that texts were written to since the last wipe.
  #dirty = 0;

  /**
   * Takes a text apart in place of the one before.
   *
   * @param spelledOut one bit for each umlaut, the lowest for the first: `ae` for `ä` and the like, also where the diaeresis
   *   stands by itself. The 32nd is for all after it too.
   */
  read(text: string, spelledOut = 0): void {
    this.count = 0;
    this.umlauts = 0;
    if (this.#bytes.length < text.length + CHARACTER_BYTES_MAX) this.#grow(text.length);
    // Only ASCII has as many bytes as code units; and bytes are faster to go through than the characters of a string.
    const bytes = this.#bytes.write(text, 'utf8');
    this.#dirty = Math.max(this.#dirty, bytes);
    if (bytes === text.length) this.#readAscii(bytes);
    else this.#readWide(text, spelledOut);
  }

  /** Letters from one place to another as text. */
  textOf(start: number, end: number): string {
    return String.fromCharCode.apply(null, this.letters.subarray(start, end) as unknown as number[]);
  }

  /** True when the letters from one place to another are those of a text. */
  hasAt(start: number, end: number, text: string): boolean {
    const { letters } = this;
    const { length } = text;
    if (length !== end - start) return false;
    for (let i = 0; i < length; i++) if (letters[start + i] !== text.charCodeAt(i)) return false;
    return true;
  }

  /** The words as texts. */
  toStrings(): string[] {
    return Array.from({ length: this.count }, (_, i) =>
      this.textOf(i === 0 ? 0 : (this.ends[i - 1] as number), this.ends[i] as number),
    );
  }

  /** Overwrites what was read. */
  wipe(): void {
    this.#bytes.fill(0, 0, Math.min(this.#dirty, this.#bytes.length));
    this.letters.fill(0, 0, Math.min(this.#dirty, this.letters.length));
    this.#dirty = this.count = 0;
  }

  #readAscii(length: number): void {
    const { letters, ends } = this;
    const bytes = this.#bytes;
    let at = 0;
    let count = 0;
    let wordStart = 0;
    for (let i = 0; i < length; i++) {
      const letter = FOLDED_ASCII[bytes[i] as number] as number;
      if (letter !== 0) letters[at++] = letter;
      else if (at > wordStart) {
        ends[count++] = at;
        wordStart = at;
      }
    }
    if (at > wordStart) ends[count++] = at;
    this.count = count;
  }

  #readWide(text: string, spelledOut: number): void {
    // With umlauts spelled out a character may be two letters.
    if (this.letters.length < 2 * text.length) this.#grow(2 * text.length);
    let { letters } = this;
    let at = 0;
    let wordStart = 0;
    // Whether a mark that follows is the first on its letter.
    let isBare = false;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      const letter = code <= ASCII_MAX ? (FOLDED_ASCII[code] as number) : foldedOf(code);
      if (letter === SEPARATOR) {
        if (at > wordStart) this.ends[this.count++] = wordStart = at;
        isBare = false;
        continue;
      }
      if (letter === MANY_LETTERS) {
        const codePoint = text.codePointAt(i) as number;
        if (codePoint > BMP_MAX) i++;
        const many = lettersOf(codePoint);
        letters = this.#withRoomFor(at + many.length + 2 * (text.length - i), at);
        for (let k = 0; k < many.length; k++) {
          const each = many.charCodeAt(k);
          if (each !== SEPARATOR) letters[at++] = each;
          else if (at > wordStart) this.ends[this.count++] = wordStart = at;
        }
        isBare = false;
        continue;
      }
      let second = 0;
      if (letter === MARK) {
        if (isBare) second = secondLetterOf(letters[at - 1] as number, code);
      } else {
        letters[at++] = letter;
        if (code > ASCII_MAX) second = SECOND_LETTERS.get(code) ?? 0;
        isBare = second === 0;
      }
      if (second === 0) continue;
      isBare = false;
      const bit = Math.min(this.umlauts++, MASK_BIT_MAX);
      if (((spelledOut >> bit) & 1) === 1) letters[at++] = second;
    }
    if (at > wordStart) this.ends[this.count++] = at;
    this.#dirty = Math.max(this.#dirty, at);
  }

  #withRoomFor(letters: number, kept: number): typeof this.letters {
    if (letters <= this.letters.length) return this.letters;
    const { letters: before, ends } = this;
    this.letters = new Uint16Array(letters * 2);
    this.ends = new Uint32Array(letters * 2);
    this.letters.set(before.subarray(0, kept));
    this.ends.set(ends.subarray(0, this.count));
    before.fill(0);
    return this.letters;
  }

  #grow(letters: number): void {
    this.wipe();
    this.letters = new Uint16Array(letters * 2);
    this.ends = new Uint32Array(letters * 2);
    this.#bytes = Buffer.alloc(letters * 2 + CHARACTER_BYTES_MAX);
  }
}

/** By code of an ASCII character: the lower case of a letter or digit; 0 for what stands between words. */
const FOLDED_ASCII = Uint8Array.from({ length: ASCII_MAX + 1 }, (_, code) => {
  const letter = String.fromCharCode(code).toLowerCase();
  return /[a-z0-9]/.test(letter) ? letter.charCodeAt(0) : 0;
});

/** As {@link FOLDED_ASCII}, by code unit; filled as characters come. */
const FOLDED = new Uint16Array(BMP_MAX + 1).fill(NOT_LOOKED_UP);
const MANY = new Map<number, string>();

function foldedOf(code: number): number {
  // A pair of surrogates is one character.
  if (code >= 0xd800 && code <= 0xdfff) return MANY_LETTERS;
  const known = FOLDED[code] as number;
  if (known !== NOT_LOOKED_UP) return known;
  const letters = foldCharacter(code);
  const folded = letters === '' ? MARK : letters.length === 1 ? letters.charCodeAt(0) : MANY_LETTERS;
  return (FOLDED[code] = folded);
}

function lettersOf(codePoint: number): string {
  const { first, last } = COMPATIBILITY_IDEOGRAPHS;
  // There are too many to keep, and little is to be done with each.
  if (codePoint >= IDEOGRAPHS && (codePoint < first || codePoint > last)) return ideographOf(codePoint);
  const known = MANY.get(codePoint);
  if (known !== undefined) return known;
  if (MANY.size >= MANY_KEPT_MAX) MANY.clear();
  const letters = foldCharacter(codePoint);
  MANY.set(codePoint, letters);
  return letters;
}

function ideographOf(codePoint: number): string {
  const character = String.fromCodePoint(codePoint);
  if (/[\p{L}\p{N}]/u.test(character)) return character;
  return /\p{M}/u.test(character) ? '' : '\0';
}

/** Letters and digits of one character, with U+0000 for what is neither; empty for a mark. */
function foldCharacter(codePoint: number): string {
  return String.fromCodePoint(codePoint)
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase()
    .replace(/[ßæøœłđðþı]/g, (letter) => FOLDED_LETTERS[letter] ?? letter)
    .replace(/[^\p{L}\p{N}]/gu, '\0');
}

/** Letters that have no accent to take away, as they are written where a keyboard lacks them. */
const FOLDED_LETTERS: Readonly<Record<string, string>> = {
  ...{ ß: 'ss', æ: 'ae', ø: 'o', œ: 'oe', ł: 'l', đ: 'd', ð: 'd', þ: 'th', ı: 'i' },
};

/** By code of a character: what follows its folded letter where it is spelled out. */
const SECOND_LETTERS: ReadonlyMap<number, number> = new Map([
  ...[...'äöüøÄÖÜØ'].map((letter) => [letter.charCodeAt(0), LETTER_E] as const),
  ...[...'åÅ\u212b'].map((letter) => [letter.charCodeAt(0), LETTER_A] as const),
]);

/** What follows a letter that a mark makes an umlaut (`u` and U+0308); 0 where it makes none. */
function secondLetterOf(letter: number, mark: number): number {
  if (mark === RING) return letter === LETTER_A ? LETTER_A : 0;
  return mark === DIAERESIS && UMLAUT_BASES.has(letter) ? LETTER_E : 0;
}

const UMLAUT_BASES: ReadonlySet<number> = new Set([...'aou'].map((letter) => letter.charCodeAt(0)));
