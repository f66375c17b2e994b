/** Most spellings of which one piece of a pattern may be, and most literals of which one must be there. */
const LITERALS_MAX = 24;
/** Longest literal that is put together. */
const LITERAL_LENGTH_MAX = 64;
/** Most characters of a class that are told apart. */
const CLASS_SIZE_MAX = 4;
const NESTING_MAX = 64;

/** What is known of the texts that a piece of a pattern matches. */
interface Piece {
  /** All that it can match, in lower case; undefined when that is not known or too much. */
  readonly exact: readonly string[] | undefined;
  /** Each match contains one of these; undefined when nothing is known. */
  readonly required: readonly string[] | undefined;
  /** No match is shorter, in UTF-16 code units. */
  readonly lengthMin: number;
}

const ANYTHING: Piece = { exact: undefined, required: undefined, lengthMin: 0 };
const ANY_CHARACTER: Piece = { exact: undefined, required: undefined, lengthMin: 1 };
const EMPTY: Piece = { exact: [''], required: undefined, lengthMin: 0 };

/** Thrown, and caught here, where a pattern holds what this does not read. */
class Unread extends Error {}

/**
 * Literals of which every text that a pattern in RE2 syntax matches holds at least one, once it is in lower case; undefined when
 * none are known. They are of ASCII characters alone. The idea is that of RE2's `Prefilter`.
 */
export function regexLiterals(pattern: string): readonly string[] | undefined {
  const piece = readPattern(pattern);
  return piece && usable(bestOf(piece.required, piece.exact));
}

/** Length that no text falls short of which a pattern in RE2 syntax matches, in UTF-16 code units; 0 when nothing is known. */
export function regexLengthMin(pattern: string): number {
  return readPattern(pattern)?.lengthMin ?? 0;
}

function readPattern(pattern: string): Piece | undefined {
  try {
    const reader = new Reader(pattern);
    const piece = reader.alternatives(0);
    return reader.isAtEnd ? piece : undefined;
  } catch (error) {
    if (error instanceof Unread) return undefined;
    throw error;
  }
}

class Reader {
  #at = 0;

  constructor(private readonly pattern: string) {}

  get isAtEnd(): boolean {
    return this.#at >= this.pattern.length;
  }

  alternatives(depth: number): Piece {
    if (depth > NESTING_MAX) throw new Unread();
    let piece = this.#sequence(depth);
    while (this.#take('|')) piece = either(piece, this.#sequence(depth));
    return piece;
  }

  #sequence(depth: number): Piece {
    // The pieces since the last one of which not all matches are known.
    let run: readonly string[] = [''];
    let isWhole = true;
    let required: Piece['required'];
    let lengthMin = 0;
    while (!this.isAtEnd && this.#peek() !== '|' && this.#peek() !== ')') {
      const piece = this.#repeated(depth);
      lengthMin += piece.lengthMin;
      required = bestOf(required, piece.required);
      const joined = product(run, piece.exact);
      if (joined === undefined) {
        isWhole = false;
        required = bestOf(required, run);
      }
      run = joined ?? piece.exact ?? [''];
    }
    return isWhole
      ? { exact: run, required, lengthMin }
      : { exact: undefined, required: bestOf(required, run), lengthMin };
  }

  #repeated(depth: number): Piece {
    let piece = this.#atom(depth);
    for (;;) {
      if (this.#take('*')) piece = ANYTHING;
      else if (this.#take('?')) piece = optional(piece);
      else if (this.#take('+')) piece = repeated(piece, 1);
      else if (this.#peek() === '{') {
        const count = /^\{(\d+)(,\d*)?\}/.exec(this.pattern.slice(this.#at, this.#at + 24));
        // A brace that counts nothing stands for itself.
        if (count === null) return piece;
        this.#at += count[0].length;
        if (count[0] !== '{1}') piece = repeated(piece, Number(count[1]));
      } else return piece;
    }
  }

  #atom(depth: number): Piece {
    const character = this.#next();
    switch (character) {
      case '(':
        return this.#group(depth);
      case '[':
        return this.#class();
      case '.':
        return ANY_CHARACTER;
      case '^':
      case '$':
        return EMPTY;
      case '\\':
        return this.#escape();
      case '*':
      case '+':
      case '?':
        throw new Unread();
      default:
        return literal(character);
    }
  }

  #group(depth: number): Piece {
    if (this.#take('?')) {
      const head = /^(?:[a-zA-Z-]*[:)]|P?<[A-Za-z_]\w*>)/.exec(this.pattern.slice(this.#at, this.#at + 128));
      if (head === null) throw new Unread();
      this.#at += head[0].length;
      // Flags for the rest of the pattern: case is no matter here, and no other flag changes what a literal stands for.
      if (head[0].endsWith(')')) {
        // RE2 repeats what stands before the flags.
        if (/^[*+?{]/.test(this.#peek() ?? '')) throw new Unread();
        return EMPTY;
      }
    }
    const piece = this.alternatives(depth + 1);
    if (!this.#take(')')) throw new Unread();
    return piece;
  }

  #class(): Piece {
    const isNegated = this.#take('^');
    const members = new Set<string>();
    let isKnown = !isNegated;
    for (let first = true; first || this.#peek() !== ']'; first = false) {
      const character = this.#next();
      if (character === '[' && this.#peek() === ':') {
        const end = this.pattern.indexOf(':]', this.#at);
        if (end < 0) throw new Unread();
        this.#at = end + 2;
        isKnown = false;
        continue;
      }
      const member = character === '\\' ? this.#escape() : literal(character);
      if (this.#peek() === '-' && this.pattern[this.#at + 1] !== ']') {
        this.#next();
        if (this.#next() === '\\') this.#escape();
        isKnown = false;
      } else if (member.exact === undefined) isKnown = false;
      else member.exact.forEach((each) => members.add(each));
    }
    this.#next();
    return isKnown && members.size <= CLASS_SIZE_MAX ? { ...ANY_CHARACTER, exact: [...members] } : ANY_CHARACTER;
  }

  #escape(): Piece {
    const character = this.#next();
    if (!/[A-Za-z0-9]/.test(character)) return literal(character);
    if (character === 'b' || character === 'B' || character === 'A' || character === 'z') return EMPTY;
    if (/[dDwWsS]/.test(character)) return ANY_CHARACTER;
    const control = { t: '\t', n: '\n', r: '\r', f: '\f', v: '\v', a: '\x07' }[character];
    if (control !== undefined) return literal(control);
    const code = character === 'x' && /^(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,6})\})/.exec(this.pattern.slice(this.#at));
    if (code === null || code === false) throw new Unread();
    this.#at += code[0].length;
    return literal(String.fromCodePoint(Math.min(0x10ffff, parseInt(code[1] ?? (code[2] as string), 16))));
  }

  #peek(): string | undefined {
    return this.pattern[this.#at];
  }

  /** One character of Unicode: what stands behind it, such as `?`, is said of all of it. */
  #next(): string {
    const code = this.pattern.codePointAt(this.#at);
    if (code === undefined) throw new Unread();
    const character = String.fromCodePoint(code);
    this.#at += character.length;
    return character;
  }

  #take(character: string): boolean {
    if (this.#peek() !== character) return false;
    this.#at++;
    return true;
  }
}

/** Other characters than ASCII may match in more ways than their lower case tells. */
function literal(character: string): Piece {
  return /^[\0-\x7f]$/.test(character) ? { ...ANY_CHARACTER, exact: [character.toLowerCase()] } : ANY_CHARACTER;
}

function optional({ exact }: Piece): Piece {
  return exact === undefined ? ANYTHING : { ...ANYTHING, exact: [...new Set(['', ...exact])] };
}

function repeated({ exact, required, lengthMin }: Piece, times: number): Piece {
  if (times === 0) return ANYTHING;
  return { exact: undefined, required: bestOf(required, exact), lengthMin: times * lengthMin };
}

function either(one: Piece, other: Piece): Piece {
  const exact = union(one.exact, other.exact);
  const lengthMin = Math.min(one.lengthMin, other.lengthMin);
  return { exact, required: exact === undefined ? union(requiredOf(one), requiredOf(other)) : undefined, lengthMin };
}

function requiredOf({ exact, required }: Piece): readonly string[] | undefined {
  return bestOf(required, exact);
}

function product(before: Piece['exact'], after: Piece['exact']): Piece['exact'] {
  if (before === undefined || after === undefined || before.length * after.length > LITERALS_MAX) return undefined;
  const joined = new Set(before.flatMap((front) => after.map((back) => front + back)));
  return [...joined].some(({ length }) => length > LITERAL_LENGTH_MAX) ? undefined : [...joined];
}

function union(one: Piece['exact'], other: Piece['exact']): Piece['exact'] {
  if (one === undefined || other === undefined) return undefined;
  const all = new Set([...one, ...other]);
  return all.size > LITERALS_MAX ? undefined : [...all];
}

/** Of two sets of literals that are both required, the one whose shortest is longer; then the one of fewer. */
function bestOf(one: Piece['exact'], other: Piece['exact']): Piece['exact'] {
  if (one === undefined || other === undefined) return one ?? other;
  const [left, right] = [shortestOf(one), shortestOf(other)];
  if (left !== right) return left > right ? one : other;
  return one.length <= other.length ? one : other;
}

function shortestOf(literals: readonly string[]): number {
  return Math.min(...literals.map(({ length }) => length));
}

function usable(literals: Piece['exact']): readonly string[] | undefined {
  return literals !== undefined && shortestOf(literals) > 0 ? literals : undefined;
}
