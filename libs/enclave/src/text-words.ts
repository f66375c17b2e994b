const ASCII_MAX = 127;
const BMP_MAX = 0xffff;
const CHARACTER_BYTES_MAX = 4;
const WORDS_LETTERS_MIN = 4096;
/** Characters of several letters, or outside the basic plane, whose letters are kept; when they are too many, it starts over. */
const MANY_KEPT_MAX = 4096;
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
  /** True when the text reads otherwise with umlauts spelled out. */
  hasUmlauts = false;
  // So much longer than the text, it is never filled with a beginning of the text that has as many bytes as the text has units.
  #bytes: Buffer = Buffer.alloc(WORDS_LETTERS_MIN + CHARACTER_BYTES_MAX);
  // Number of bytes, and of letters, that texts were written to since the last wipe.
  #dirty = 0;

  /**
   * Takes a text apart in place of the one before.
   *
   * @param isSpelledOut `ae` for `ä` and the like, also where the diaeresis stands by itself
   */
  read(text: string, isSpelledOut = false): void {
    this.count = 0;
    this.hasUmlauts = false;
    if (this.#bytes.length < text.length + CHARACTER_BYTES_MAX) this.#grow(text.length);
    // Only ASCII has as many bytes as code units; and bytes are faster to go through than the characters of a string.
    const bytes = this.#bytes.write(text, 'utf8');
    this.#dirty = Math.max(this.#dirty, bytes);
    if (bytes === text.length) this.#readAscii(bytes);
    else this.#readWide(text, isSpelledOut);
  }

  /** Letters from one place to another as text. */
  textOf(start: number, end: number): string {
    return String.fromCharCode.apply(null, this.letters.subarray(start, end) as unknown as number[]);
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

  #readWide(text: string, isSpelledOut: boolean): void {
    const length = this.#fold(text, isSpelledOut);
    this.#dirty = Math.max(this.#dirty, length);
    const { letters, ends } = this;
    let at = 0;
    let wordStart = 0;
    for (let i = 0; i < length; i++) {
      const letter = letters[i] as number;
      if (letter !== SEPARATOR) letters[at++] = letter;
      else if (at > wordStart) {
        ends[this.count++] = at;
        wordStart = at;
      }
    }
    if (at > wordStart) ends[this.count++] = at;
  }

  /** Writes letters and separators, without marks; returns how many there are. */
  #fold(text: string, isSpelledOut: boolean): number {
    // With umlauts spelled out a character may be two letters.
    if (this.letters.length < 2 * text.length) this.#grow(2 * text.length);
    let { letters } = this;
    let at = 0;
    // Whether a mark that follows is the first on its letter.
    let isBare = false;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      const letter = code <= ASCII_MAX ? (FOLDED_ASCII[code] as number) : foldedOf(code);
      if (letter === MANY_LETTERS) {
        const codePoint = text.codePointAt(i) as number;
        if (codePoint > BMP_MAX) i++;
        const many = lettersOf(codePoint);
        letters = this.#withRoomFor(at + many.length + 2 * (text.length - i), at);
        for (let k = 0; k < many.length; k++) letters[at++] = many.charCodeAt(k);
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
      this.hasUmlauts = true;
      if (isSpelledOut) letters[at++] = second;
    }
    return at;
  }

  #withRoomFor(letters: number, kept: number): typeof this.letters {
    if (letters <= this.letters.length) return this.letters;
    const before = this.letters;
    this.letters = new Uint16Array(letters * 2);
    this.ends = new Uint32Array(letters * 2);
    this.letters.set(before.subarray(0, kept));
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
  const known = MANY.get(codePoint);
  if (known !== undefined) return known;
  if (MANY.size >= MANY_KEPT_MAX) MANY.clear();
  const letters = foldCharacter(codePoint);
  MANY.set(codePoint, letters);
  return letters;
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
