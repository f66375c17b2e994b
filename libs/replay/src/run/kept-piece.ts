import { createHash } from 'node:crypto';
import { ProtegoError } from '@protego/contracts';

/** Where sorted pieces of what was found wait; the app keeps them in files. */
export interface PieceStore {
  /** Writes a piece, durably; returns its number, which no piece had before. */
  write(lines: Iterable<string>): number;
  /** Lines of a piece. */
  read(piece: number): Iterable<string>;
  /** Forgets a piece. */
  remove(piece: number): void;
}

/** A piece as the state of a run knows it: the state is sealed, the piece is not. */
export interface KeptPiece {
  /** By which the store knows it. */
  readonly number: number;
  readonly lines: number;
  /** SHA-256 (hex) over the lines in UTF-8, each with a newline. */
  readonly sha256: string;
}

/** Writes a piece, and says by what it is known again. */
export function writePiece(store: PieceStore, lines: Iterable<string>): KeptPiece {
  const hash = createHash('sha256');
  let count = 0;
  const number = store.write(counted());
  return { number, lines: count, sha256: hash.digest('hex') };

  function* counted(): Generator<string, void, undefined> {
    for (const line of lines) {
      hash.update(`${line}\n`);
      count++;
      yield line;
    }
  }
}

/**
 * Lines of a piece. What is wrong with it may show only at its end: nobody may use the lines before they were all read.
 *
 * @throws ProtegoError `REPLAY_STATE_INVALID` when the piece was cut or altered; what the store throws
 */
export function* readPiece(store: PieceStore, piece: KeptPiece): Generator<string, void, undefined> {
  const hash = createHash('sha256');
  let count = 0;
  for (const line of store.read(piece.number)) {
    if (++count > piece.lines) throw pieceDamaged(piece.number);
    hash.update(`${line}\n`);
    yield line;
  }
  if (count !== piece.lines || hash.digest('hex') !== piece.sha256) throw pieceDamaged(piece.number);
}

/** Reads a piece to its end; throws as {@link readPiece}. */
export function checkPiece(store: PieceStore, piece: KeptPiece): void {
  const lines = readPiece(store, piece);
  while (lines.next().done !== true);
}

/** The refusal of a piece that is not as it was written. */
export function pieceDamaged(piece: number, cause?: unknown): ProtegoError {
  const message = `piece ${piece} of what the interrupted run had found is missing, cut or altered: begin the run anew, without \`--resume\``;
  return new ProtegoError('REPLAY_STATE_INVALID', message, { piece }, { cause });
}
