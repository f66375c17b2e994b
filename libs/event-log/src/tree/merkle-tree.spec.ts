import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { MerkleTree, leafHash, merkleRootOf } from './merkle-tree';

const sha256 = (...parts: Buffer[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest();

/** The definition of RFC 6962, section 2.1, word for word. */
function rootByDefinition(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 0) return sha256();
  if (leaves.length === 1) return sha256(Buffer.of(0), leaves[0] as Buffer);
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return sha256(Buffer.of(1), rootByDefinition(leaves.slice(0, k)), rootByDefinition(leaves.slice(k)));
}

const leavesArbitrary = fc
  .array(fc.uint8Array({ maxLength: 40 }), { maxLength: 70 })
  .map((leaves) => leaves.map((leaf) => Buffer.from(leaf)));

describe('MerkleTree', () => {
  it('has the roots of the Certificate Transparency test vectors', () => {
    const leaves = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
    const data = leaves.map((leaf) => Buffer.from(leaf, 'hex'));
    expect(merkleRootOf([])).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    expect(merkleRootOf(data.slice(0, 1))).toBe('6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d');
    expect(merkleRootOf(data.slice(0, 2))).toBe('fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125');
    expect(merkleRootOf(data)).toBe('5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328');
  });

  it('agrees with the recursive definition however the leaves are handed over', () => {
    fc.assert(
      fc.property(leavesArbitrary, fc.array(fc.nat(9)), (leaves, cuts) => {
        const tree = new MerkleTree();
        let at = 0;
        for (const cut of [...cuts, leaves.length]) {
          tree.appendLeaves(Buffer.concat(leaves.slice(at, at + cut).map(leafHash)));
          at = Math.min(leaves.length, at + cut);
          expect(tree.root()).toEqual(rootByDefinition(leaves.slice(0, at)));
        }
        expect(tree.size).toBe(leaves.length);
      }),
    );
  });

  it('goes on from its peaks as if it had never stopped', () => {
    fc.assert(
      fc.property(leavesArbitrary, leavesArbitrary, (before, after) => {
        const first = new MerkleTree();
        first.appendLeaves(Buffer.concat(before.map(leafHash)));
        const second = MerkleTree.fromPeaks(first.size, first.peaks());
        second.appendLeaves(Buffer.concat(after.map(leafHash)));
        expect(second.root()).toEqual(rootByDefinition([...before, ...after]));
      }),
    );
  });

  it('refuses peaks that do not fit the size', () => {
    expect(() => MerkleTree.fromPeaks(3, [Buffer.alloc(32)])).toThrow(
      expect.objectContaining({ code: 'LOG_CHAIN_BROKEN' }),
    );
  });

  it('hashes text as UTF-8', () => {
    expect(merkleRootOf(['é', 'b'])).toBe(rootByDefinition([Buffer.from('é'), Buffer.from('b')]).toString('hex'));
  });
});
