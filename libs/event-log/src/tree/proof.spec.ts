import fc from 'fast-check';
import { MerkleTree, leafHash } from './merkle-tree';
import {
  checkConsistency,
  checkInclusion,
  makeConsistencyProof,
  makeInclusionProof,
  prefixRoots,
  type NodeSource,
} from './proof';
import { checkRangeProof, makeRangeProof, type LeafRange } from './range-proof';

const invalid = expect.objectContaining({ code: 'LOG_PROOF_INVALID' });
const leaves = Array.from({ length: 300 }, (_, i) => leafHash(`leaf ${i}`));

function rootOf(begin: number, end: number): Buffer {
  const tree = new MerkleTree();
  tree.appendLeaves(Buffer.concat(leaves.slice(begin, end)));
  return tree.root();
}

const roots = Array.from({ length: 301 }, (_, size) => rootOf(0, size));

const known = new Map<string, Buffer>();
function knownRootOf(begin: number, end: number): Buffer {
  const key = `${begin}-${end}`;
  const root = known.get(key) ?? rootOf(begin, end);
  known.set(key, root);
  return root;
}

/** Hashes straight from the leaves. */
function sourceOf(size: number): NodeSource {
  return {
    size,
    node: (height, index) => {
      const width = 2 ** height;
      if ((index + 1) * width > size) throw new Error('a node beyond the tree was asked for');
      return knownRootOf(index * width, (index + 1) * width);
    },
  };
}

const flipped = (hash: Buffer, bit: number): Buffer => {
  const copy = Buffer.from(hash);
  copy[bit >> 3]! ^= 1 << (bit & 7);
  return copy;
};
const sizeAndIndex = fc
  .integer({ min: 1, max: 300 })
  .chain((size) => fc.record({ size: fc.constant(size), index: fc.nat(size - 1), bit: fc.nat(255), other: fc.nat() }));

describe('inclusion proofs', () => {
  it('verify for every leaf of every small tree, and for no other place', () => {
    for (let size = 1; size <= 20; size++) {
      for (let index = 0; index < size; index++) {
        const proof = makeInclusionProof(sourceOf(size), index);
        const claim = { index, size, leafHash: leaves[index]!, root: roots[size]! };
        checkInclusion(claim, proof);
        for (let wrong = 0; wrong < size + 2; wrong++) {
          if (wrong !== index) expect(() => checkInclusion({ ...claim, index: wrong }, proof)).toThrow(invalid);
        }
      }
    }
  });

  it('fail with anything changed', () => {
    fc.assert(
      fc.property(sizeAndIndex, ({ size, index, bit, other }) => {
        const proof = makeInclusionProof(sourceOf(size), index);
        const claim = { index, size, leafHash: leaves[index]!, root: roots[size]! };
        checkInclusion(claim, proof);
        const at = other % Math.max(1, proof.length);
        const fails = (change: object, hashes = proof): void =>
          expect(() => checkInclusion({ ...claim, ...change }, hashes)).toThrow(invalid);
        fails({ leafHash: flipped(claim.leafHash, bit) });
        fails({ root: flipped(claim.root, bit) });
        fails({ leafHash: claim.leafHash.subarray(1) });
        fails({}, [...proof, leaves[0]!]);
        fails({ index: -1 });
        fails({ index: index + 0.5 });
        fails({ size: Number.MAX_SAFE_INTEGER });
        if (proof.length === 0) return;
        fails({}, proof.with(at, flipped(proof[at]!, bit)));
        fails({}, proof.with(at, proof[at]!.subarray(0, 31)));
        fails({}, proof.slice(0, -1));
        fails({}, proof.toSpliced(at, 1));
      }),
    );
  });

  it('are refused beyond the tree', () => {
    expect(() => makeInclusionProof(sourceOf(5), 5)).toThrow(invalid);
    expect(() => makeInclusionProof(sourceOf(5), 2, 6)).toThrow(invalid);
    expect(() => makeInclusionProof(sourceOf(5), -1)).toThrow(invalid);
  });
});

describe('consistency proofs', () => {
  it('verify between all sizes of small trees, and between no others', () => {
    for (let secondSize = 1; secondSize <= 24; secondSize++) {
      for (let firstSize = 1; firstSize <= secondSize; firstSize++) {
        const proof = makeConsistencyProof(sourceOf(secondSize), firstSize);
        const claim = { firstSize, firstRoot: roots[firstSize]!, secondSize, secondRoot: roots[secondSize]! };
        checkConsistency(claim, proof);
        expect(prefixRoots(sourceOf(secondSize), firstSize)).toEqual({
          first: claim.firstRoot,
          second: claim.secondRoot,
        });
        const other = firstSize === 1 ? 2 : firstSize - 1;
        if (other > secondSize) continue;
        expect(() => checkConsistency({ ...claim, firstSize: other }, proof)).toThrow(invalid);
        expect(() => checkConsistency({ ...claim, firstRoot: roots[other]! }, proof)).toThrow(invalid);
      }
    }
  });

  it('fail with anything changed', () => {
    fc.assert(
      fc.property(sizeAndIndex, ({ size: secondSize, index, bit, other }) => {
        const firstSize = index + 1;
        const proof = makeConsistencyProof(sourceOf(secondSize), firstSize);
        const claim = { firstSize, firstRoot: roots[firstSize]!, secondSize, secondRoot: roots[secondSize]! };
        const fails = (change: object, hashes = proof): void =>
          expect(() => checkConsistency({ ...claim, ...change }, hashes)).toThrow(invalid);
        fails({ firstRoot: flipped(claim.firstRoot, bit) });
        fails({ secondRoot: flipped(claim.secondRoot, bit) });
        fails({}, [...proof, leaves[0]!]);
        fails({ firstSize: 0 });
        fails({ firstSize: secondSize + 1 });
        if (proof.length === 0) return;
        const at = other % proof.length;
        fails({}, proof.with(at, flipped(proof[at]!, bit)));
        fails({}, proof.toSpliced(at, 1));
        fails({}, []);
      }),
    );
  });

  it('are refused from nothing and beyond the tree', () => {
    expect(() => makeConsistencyProof(sourceOf(5), 0)).toThrow(invalid);
    expect(() => makeConsistencyProof(sourceOf(5), 6)).toThrow(invalid);
    expect(() => makeConsistencyProof(sourceOf(5), 3, 6)).toThrow(invalid);
  });

  it('hold for sizes near 2^53', () => {
    // All leaves alike, so that a subtree's hash follows from its height.
    const heights: Buffer[] = [leaves[0]!];
    const node = (height: number): Buffer => (heights[height] ??= joined(node(height - 1), node(height - 1)));
    const secondSize = Number.MAX_SAFE_INTEGER;
    const source: NodeSource = { size: secondSize, node };
    for (const firstSize of [1, 2 ** 52, 2 ** 52 + 1, 2 ** 53 - 2]) {
      const { first, second } = prefixRoots(source, firstSize);
      const proof = makeConsistencyProof(source, firstSize);
      checkConsistency({ firstSize, firstRoot: first, secondSize, secondRoot: second }, proof);
      const inclusion = makeInclusionProof(source, firstSize);
      checkInclusion({ index: firstSize, size: secondSize, leafHash: leaves[0]!, root: second }, inclusion);
    }
  });
});

function joined(left: Buffer, right: Buffer): Buffer {
  const tree = new MerkleTree();
  tree.appendLeaves(Buffer.concat([left, right]));
  return tree.root();
}

/** Ranges from a set of leaves. */
function rangesOf(indices: readonly number[]): LeafRange[] {
  const ranges: { begin: number; end: number }[] = [];
  for (const index of [...new Set(indices)].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last?.end === index) last.end++;
    else ranges.push({ begin: index, end: index + 1 });
  }
  return ranges;
}

const leavesOf = (ranges: readonly LeafRange[]): Buffer[] =>
  ranges.map(({ begin, end }) => Buffer.concat(leaves.slice(begin, end)));

describe('range proofs', () => {
  const cases = fc.integer({ min: 1, max: 300 }).chain((size) =>
    fc.record({
      size: fc.constant(size),
      indices: fc.array(fc.nat(size - 1), { minLength: 1, maxLength: 60 }),
      bit: fc.nat(255),
      at: fc.nat(),
    }),
  );

  it('verify for one range with the fewest hashes', () => {
    for (let size = 1; size <= 24; size++) {
      for (let begin = 0; begin < size; begin++) {
        const inclusion = makeInclusionProof(sourceOf(size), begin).map((hash) => hash.toString('hex'));
        for (let end = begin + 1; end <= size; end++) {
          const ranges = [{ begin, end }];
          const proof = makeRangeProof(sourceOf(size), ranges);
          checkRangeProof({ size, root: roots[size]!, ranges, leafHashes: leavesOf(ranges) }, proof);
          const hex = proof.map((hash) => hash.toString('hex'));
          if (end === begin + 1) expect(hex.sort()).toEqual(inclusion.sort());
          if (begin === 0 && end === size) expect(proof).toEqual([]);
        }
      }
    }
  });

  it('verify for several ranges, and fail with anything changed', () => {
    fc.assert(
      fc.property(cases, ({ size, indices, bit, at }) => {
        const ranges = rangesOf(indices);
        const proof = makeRangeProof(sourceOf(size), ranges);
        const leafHashes = leavesOf(ranges);
        const claim = { size, root: roots[size]!, ranges, leafHashes };
        checkRangeProof(claim, proof);
        checkRangeProof({ ...claim, leafHashes: [Buffer.concat(leafHashes)] }, proof);
        const fails = (change: object, hashes = proof): void =>
          expect(() => checkRangeProof({ ...claim, ...change }, hashes)).toThrow(invalid);
        const all = Buffer.concat(leafHashes);
        fails({ leafHashes: [flipped(all, ((at * 256) % (all.length * 8)) + bit - (bit % 8))] });
        fails({ leafHashes: [all, leaves[0]!] });
        fails({ leafHashes: [all.subarray(32)] });
        fails({ leafHashes: [all.subarray(1)] });
        fails({ root: flipped(claim.root, bit) });
        fails({}, [...proof, leaves[0]!]);
        fails({ ranges: ranges.map(({ begin, end }) => ({ begin: begin + 1, end: end + 1 })) });
        if (proof.length === 0) return;
        fails({}, proof.slice(0, -1));
        const place = at % proof.length;
        fails({}, proof.with(place, flipped(proof[place]!, bit)));
        fails({}, proof.with(place, proof[place]!.subarray(1)));
      }),
    );
  });

  it('hide no leaf between the ends of a range', () => {
    const ranges = [{ begin: 3, end: 9 }];
    const proof = makeRangeProof(sourceOf(20), ranges);
    const without = Buffer.concat([...leaves.slice(3, 5), ...leaves.slice(6, 9)]);
    const claim = { size: 20, root: roots[20]!, leafHashes: [without] };
    expect(() => checkRangeProof({ ...claim, ranges }, proof)).toThrow(invalid);
    expect(() => checkRangeProof({ ...claim, ranges: [{ begin: 3, end: 8 }] }, proof)).toThrow(invalid);
  });

  it.each([
    [[]],
    [[{ begin: 3, end: 3 }]],
    [[{ begin: 3, end: 2 }]],
    [[{ begin: 3, end: 11 }]],
    [[{ begin: -1, end: 2 }]],
    [[{ begin: 0.5, end: 2 }]],
    [
      [
        { begin: 0, end: 2 },
        { begin: 2, end: 4 },
      ],
    ],
    [
      [
        { begin: 5, end: 6 },
        { begin: 1, end: 2 },
      ],
    ],
  ])('refuse ranges %j in a tree of ten', (ranges) => {
    expect(() => makeRangeProof(sourceOf(10), ranges)).toThrow(invalid);
  });
});
