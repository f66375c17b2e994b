import fc from 'fast-check';
import { MEMORY_DEFECTS } from '../testing/defective-memory';
import { MEMORY_ATTACKS } from '../testing/memory-attacks';
import { MEMORY_CRYPTO } from './encrypted-memory';

const RUNS = { numRuns: 10_000, seed: 20_261_122 };

describe('attacks on encrypted memory', () => {
  it.each(Object.entries(MEMORY_ATTACKS))(
    'finds %s',
    async (_, property) => {
      await fc.assert(property(MEMORY_CRYPTO), RUNS);
    },
    60_000,
  );
});

/** Which attacks must succeed when a check is left out: else they would not test it. */
const CAUGHT_BY: Readonly<Record<string, readonly string[]>> = {
  'the tag of a page is not checked': [
    'a flipped bit of a page, or of its tag',
    'a page put in the place of another',
    'two halves of pages spliced',
    'swapped tags',
    'an older page',
  ],
  'the last byte of the tag of a page is not checked': ['a flipped bit of a page, or of its tag'],
  'the number of a page is not bound': ['a page put in the place of another'],
  'the version of a page is not bound': ['an older page'],
  'the MAC of a node is not checked': ['a flipped bit of a node of the tree', 'an older page with the nodes above it'],
  'the last word of the MAC of a node is not checked': ['a flipped bit of a node of the tree'],
  'the counter of the parent is not bound': ['an older page with the nodes above it'],
  'the place of a node is not bound': ['two nodes of a level that changed places'],
};

describe('a check that is left out', () => {
  it.each(Object.entries(MEMORY_DEFECTS))(
    'is noticed: %s',
    async (name, crypto) => {
      for (const attack of CAUGHT_BY[name]!) {
        const { failed } = await fc.check(MEMORY_ATTACKS[attack]!(crypto), { ...RUNS, endOnFailure: true });
        expect({ attack, failed }).toEqual({ attack, failed: true });
      }
    },
    60_000,
  );
});
