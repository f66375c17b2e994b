import { compareFindings, findingFromText, findingToText, isSameDetection, type Finding } from './finding';
import { pieceDamaged, readPiece, writePiece, type KeptPiece, type PieceStore } from './kept-piece';

/** Characters of findings that are held in memory before they become a piece. */
export const HELD_CHARACTERS_MAX = 33_554_432;
/** Pieces that are merged into one as soon as there are so many. */
export const PIECES_MAX = 64;
/** What a finding takes beside its line. */
const FINDING_CHARACTERS = 400;

/** Sorts findings with bounded memory: what does not fit becomes sorted pieces, which are merged at the end. */
export class FindingSorter {
  #held: Finding[] = [];
  #heldCharacters = 0;
  #pieces: KeptPiece[];
  #merged: KeptPiece[] = [];

  /** @param pieces - those that an earlier run of the same made */
  constructor(
    private readonly store: PieceStore,
    pieces: readonly KeptPiece[] = [],
    private readonly heldCharactersMax: number = HELD_CHARACTERS_MAX,
  ) {
    this.#pieces = [...pieces];
  }

  /** Takes findings in, in any order. */
  add(findings: readonly Finding[]): void {
    for (const finding of findings) {
      this.#held.push(finding);
      this.#heldCharacters += FINDING_CHARACTERS + finding.line.length + 8 * finding.seqs.length;
    }
    if (this.#heldCharacters > this.heldCharactersMax) this.flush();
  }

  /** Makes a piece of all that is held; returns the pieces that there are. */
  flush(): readonly KeptPiece[] {
    if (this.#held.length > 0) {
      this.#pieces.push(writePiece(this.store, textsOf(this.#takeHeld())));
      if (this.#pieces.length >= PIECES_MAX) this.#mergePieces();
    }
    return this.#pieces;
  }

  /** Forgets pieces that were merged into others; whoever writes down which pieces there are calls it after that. */
  forgetMerged(): void {
    for (const { number } of this.#merged.splice(0)) this.store.remove(number);
  }

  /**
   * All findings in their order, each detection once.
   *
   * @throws ProtegoError `REPLAY_STATE_INVALID`, at the latest at the end, when a piece is not as it was written
   */
  *sorted(): Generator<Finding, void, undefined> {
    this.#held.sort(compareFindings);
    let last: Finding | undefined;
    for (const finding of merged([this.#held, ...this.#stored()])) {
      if (last !== undefined && isSameDetection(finding, last)) continue;
      yield (last = finding);
    }
  }

  #takeHeld(): Finding[] {
    const held = this.#held.sort(compareFindings);
    this.#held = [];
    this.#heldCharacters = 0;
    return held;
  }

  #stored(): Iterable<Finding>[] {
    return this.#pieces.map((piece) => findingsOf(this.store, piece));
  }

  #mergePieces(): void {
    const whole = writePiece(this.store, textsOf(merged(this.#stored())));
    this.#merged.push(...this.#pieces);
    this.#pieces = [whole];
  }
}

function* textsOf(findings: Iterable<Finding>): Generator<string, void, undefined> {
  for (const finding of findings) yield findingToText(finding);
}

function* findingsOf(store: PieceStore, piece: KeptPiece): Generator<Finding, void, undefined> {
  for (const line of readPiece(store, piece)) yield findingOfLine(line, piece);
}

/** A line that was altered may be no finding at all, which shows before the end of its piece. */
function findingOfLine(line: string, { number }: KeptPiece): Finding {
  try {
    return findingFromText(line);
  } catch (cause) {
    throw pieceDamaged(number, cause);
  }
}

/** Sorted sequences as one. */
function* merged(sequences: readonly Iterable<Finding>[]): Generator<Finding, void, undefined> {
  const heads = sequences.flatMap((sequence) => {
    const rest = sequence[Symbol.iterator]();
    const { value, done } = rest.next();
    return done === true ? [] : [{ finding: value as Finding, rest }];
  });
  while (heads.length > 0) {
    let least = 0;
    for (let at = 1; at < heads.length; at++) {
      const [a, b] = [heads[at], heads[least]] as [Head, Head];
      if (compareFindings(a.finding, b.finding) < 0) least = at;
    }
    const head = heads[least] as Head;
    yield head.finding;
    const { value, done } = head.rest.next();
    if (done === true) heads.splice(least, 1);
    else head.finding = value;
  }
}

interface Head {
  finding: Finding;
  readonly rest: Iterator<Finding>;
}
