import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { openCheckpoint } from './checkpoint';
import { MerkleTree, leafHash } from './merkle-tree';
import { checkConsistency, checkInclusion } from './proof';
import { parseVerifierKey, verifierKeyOf } from './signed-note';

const VECTORS = resolve(__dirname, '..', '..', '..', '..', '..', 'shared', 'conformance', 'merkle');

interface InclusionCase {
  case: string;
  leafIdx: number;
  treeSize: number;
  root: string;
  leafHash: string;
  proof: string[] | null;
  wantErr: boolean;
}

interface ConsistencyCase {
  case: string;
  size1: number;
  size2: number;
  root1: string;
  root2: string;
  proof: string[] | null;
  wantErr: boolean;
}

interface CheckpointCase {
  size: number;
  checkpoint: string;
  vkey: string;
  entries: string[];
  tile: string;
}

const bytes = (base64: string | null): Buffer => Buffer.from(base64 ?? '', 'base64');

function casesOf<T>(name: string): T[] {
  const lines = readFileSync(join(VECTORS, name), 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as T);
}

/** Names of the cases whose verdict is another than the reference's. */
function wrongVerdicts<T extends { case: string; wantErr: boolean }>(cases: T[], check: (vector: T) => void): string[] {
  return cases.filter((vector) => isRefused(() => check(vector)) !== vector.wantErr).map((vector) => vector.case);
}

function isRefused(check: () => void): boolean {
  try {
    check();
    return false;
  } catch (cause) {
    expect(cause).toMatchObject({ code: 'LOG_PROOF_INVALID' });
    return true;
  }
}

describe('transparency log vectors', () => {
  it('gives the verdict of the reference on every inclusion proof', () => {
    const cases = casesOf<InclusionCase>('inclusion.jsonl');
    const wrong = wrongVerdicts(cases, ({ leafIdx: index, treeSize: size, ...vector }) => {
      const claim = { index, size, leafHash: bytes(vector.leafHash), root: bytes(vector.root) };
      checkInclusion(claim, (vector.proof ?? []).map(bytes));
    });
    process.stderr.write(`transparency log vectors: ${cases.length} inclusion proofs, ${wrong.length} wrong\n`);
    expect(wrong).toEqual([]);
    expect(cases.length).toBeGreaterThanOrEqual(98);
  });

  it('gives the verdict of the reference on every consistency proof', () => {
    const cases = casesOf<ConsistencyCase>('consistency.jsonl');
    const wrong = wrongVerdicts(cases, ({ size1: firstSize, size2: secondSize, ...vector }) => {
      const claim = { firstSize, secondSize, firstRoot: bytes(vector.root1), secondRoot: bytes(vector.root2) };
      checkConsistency(claim, (vector.proof ?? []).map(bytes));
    });
    process.stderr.write(`transparency log vectors: ${cases.length} consistency proofs, ${wrong.length} wrong\n`);
    expect(wrong).toEqual([]);
    expect(cases.length).toBeGreaterThanOrEqual(98);
  });

  it('opens every signed checkpoint and recomputes its root from the entries', () => {
    const cases = casesOf<CheckpointCase>('checkpoints.jsonl');
    for (const { size, checkpoint: note, vkey, entries, tile } of cases) {
      const verifier = parseVerifierKey(vkey);
      expect(verifierKeyOf(verifier.name, verifier.publicKey)).toBe(vkey);
      const checkpoint = openCheckpoint(note, [verifier]);
      const hashes = Buffer.concat(entries.map((entry) => leafHash(bytes(entry))));
      const tree = new MerkleTree();
      tree.appendLeaves(hashes);
      expect(hashes).toEqual(bytes(tile));
      expect(checkpoint).toEqual({ origin: verifier.name, size, root: tree.root(), extensions: [] });
    }
    process.stderr.write(`transparency log vectors: ${cases.length} signed checkpoints\n`);
    expect(cases).toHaveLength(8);
  });
});
