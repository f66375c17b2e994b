import { FindingSorter } from './finding-sorter';
import type { Finding } from './finding';
import { checkPiece, type KeptPiece, type PieceStore } from './kept-piece';

/** A store whose pieces can be tampered with. */
class OpenPieces implements PieceStore {
  readonly pieces: string[][] = [];

  write(lines: Iterable<string>): number {
    return this.pieces.push([...lines]) - 1;
  }

  read(piece: number): string[] {
    return this.pieces[piece] ?? [];
  }

  remove(piece: number): void {
    this.pieces[piece] = [];
  }
}

const finding = (certainAtMs: number): Finding => ({
  ...{ certainAtMs, ruleId: 'r', id: `d-${certainAtMs}`, status: 'raised', atSeq: certainAtMs },
  ...{ line: `{"at":${certainAtMs}}`, seqs: [certainAtMs] },
});

/** A store with one piece of three findings, and what is known of it. */
function onePiece(): { readonly store: OpenPieces; readonly pieces: readonly KeptPiece[]; readonly lines: string[] } {
  const store = new OpenPieces();
  const sorter = new FindingSorter(store);
  sorter.add([finding(3), finding(1), finding(2)]);
  const pieces = [...sorter.flush()];
  return { store, pieces, lines: store.pieces[0] as string[] };
}

/** Ways in which a piece may not be as it was written. */
const DAMAGES: readonly (readonly [string, (lines: string[]) => void])[] = [
  ['is missing', (lines) => void lines.splice(0)],
  ['was cut', (lines) => void lines.pop()],
  ['has one line more', (lines) => void lines.push(lines[2] as string)],
  ['has a line that was altered', (lines) => void (lines[1] = (lines[1] as string).replace('"at', '"as'))],
  ['has a line that is no finding', (lines) => void (lines[1] = 'x')],
  ['has its lines in another order', (lines) => void lines.reverse()],
];

describe('pieces of what a run found', () => {
  it('are taken back as they were written', () => {
    const { store, pieces } = onePiece();
    for (const piece of pieces) checkPiece(store, piece);
    const ids = [...new FindingSorter(store, pieces).sorted()].map(({ id }) => id);
    expect(ids).toEqual(['d-1', 'd-2', 'd-3']);
  });

  it.each(DAMAGES)('are refused before and while they are merged when one %s', (_what, damage) => {
    const { store, pieces, lines } = onePiece();
    damage(lines);
    const refused = expect.objectContaining({
      code: 'REPLAY_STATE_INVALID',
      message: expect.stringContaining('--resume') as string,
    }) as Error;
    expect(() => checkPiece(store, pieces[0] as KeptPiece)).toThrow(refused);
    expect(() => [...new FindingSorter(store, pieces).sorted()]).toThrow(refused);
  });

  it('are known again after they were merged into one', () => {
    const store = new OpenPieces();
    const sorter = new FindingSorter(store);
    for (let at = 0; at < 70; at++) {
      sorter.add([finding(at)]);
      sorter.flush();
    }
    const pieces = [...sorter.flush()];
    sorter.forgetMerged();
    expect(pieces.length).toBeLessThan(10);
    for (const piece of pieces) checkPiece(store, piece);
    expect([...new FindingSorter(store, pieces).sorted()]).toHaveLength(70);
  });
});
