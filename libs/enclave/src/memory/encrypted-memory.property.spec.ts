import { isProtegoError } from '@protego/contracts';
import fc from 'fast-check';
import { MEMORY_DEFECTS } from '../testing/defective-memory';
import { turn } from '../testing/memory-attacks';
import { EncryptedMemory, MEMORY_CRYPTO, type MemoryCrypto } from './encrypted-memory';
import { PAGE_BYTES } from './page-cipher';

const RUNS = { numRuns: 10_000, seed: 20_261_123 };
const PAGES_MIN = 64;

const bytes = fc.integer({ min: PAGES_MIN * PAGE_BYTES, max: 600 * PAGE_BYTES });
const cachePages = fc.integer({ min: 2, max: 6 });
/** Few places, so that operations meet; some across the border of two pages. */
const place = fc
  .tuple(fc.nat({ max: 11 }), fc.nat({ max: PAGE_BYTES - 1 }))
  .map(([page, at]) => page * PAGE_BYTES + at);
const length = fc.oneof(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 4_000, max: 9_000 }));
const fill = fc.integer({ min: 1, max: 255 });

type Step = readonly [
  kind: 'write' | 'read' | 'lend' | 'change' | 'zero' | 'flush',
  at: number,
  length: number,
  fill: number,
];
const steps = fc.array(
  fc.tuple(
    fc.constantFrom<Step[0]>('write', 'write', 'read', 'read', 'lend', 'change', 'zero', 'flush'),
    place,
    length,
    fill,
  ),
  { minLength: 1, maxLength: 16 },
);

/** Pages of the plan, spread over the whole memory, so that their nodes are not all the same. */
function placesIn(size: number): (at: number) => number {
  const pages = Math.floor(size / PAGE_BYTES);
  return (at) => (Math.trunc(at / PAGE_BYTES) % 2 === 0 ? at : at + (pages - 16) * PAGE_BYTES);
}

/** Does a step on the memory and on a plain buffer, and compares what they give. */
function take(memory: EncryptedMemory, model: Buffer, [kind, at, asked, value]: Step): void {
  const count = Math.min(asked, model.length - at);
  const within = Math.max(1, Math.min(count, PAGE_BYTES - (at % PAGE_BYTES)));
  const requireSame = (found: Buffer): void => {
    if (!found.equals(model.subarray(at, at + found.length))) throw new Error(`${kind} gave other bytes`);
  };
  if (kind === 'flush') memory.flush();
  else if (kind === 'write') {
    const source = Buffer.alloc(count, value);
    memory.write(at, source);
    source.copy(model, at);
  } else if (kind === 'read') {
    const target = Buffer.alloc(count);
    memory.read(at, target);
    requireSame(target);
  } else if (kind === 'lend') memory.withBytes(at, within, requireSame);
  else if (kind === 'change') {
    memory.changeBytes(at, within, (lent) => (requireSame(lent), lent.fill(value)));
    model.fill(value, at, at + within);
  } else {
    memory.zero(at, within);
    model.fill(0, at, at + within);
  }
}

const model = Buffer.alloc(600 * PAGE_BYTES);

function onMemory(crypto: MemoryCrypto, use: (memory: EncryptedMemory, model: Buffer, steps: readonly Step[]) => void) {
  return fc.asyncProperty(bytes, cachePages, steps, (size, cache, planned) => {
    const memory = EncryptedMemory.create({ bytes: size, cachePages: cache }, crypto);
    const placeIn = placesIn(size);
    const moved = planned.map(([kind, at, ...rest]): Step => [kind, placeIn(at), ...rest]);
    const clear = (): void => moved.forEach(([, at, count]) => model.fill(0, at, at + Math.max(count, 1)));
    try {
      use(memory, model.subarray(0, size), moved);
    } finally {
      memory.close();
      clear();
    }
    return turn();
  });
}

const readsWhatWasWritten = (crypto: MemoryCrypto) =>
  onMemory(crypto, (memory, plain, planned) => planned.forEach((step) => take(memory, plain, step)));

/** Bits of the backing store flip between the steps: what is given out must be right all the same, or nothing is. */
const neverGivesOtherBytes = (crypto: MemoryCrypto) =>
  onMemory(crypto, (memory, plain, planned) => {
    try {
      planned.forEach((step) => {
        take(memory, plain, step);
        const [, at, , value] = step;
        const damaged = value % 3 === 0 ? memory.backing.node(0, at >>> 15) : memory.backing.ciphertext(at >>> 12);
        if (value % 4 === 0) damaged[at % damaged.length]! ^= value;
      });
    } catch (error) {
      if (!isProtegoError(error) || error.code !== 'ENCLAVE_MEMORY_FAULT' || !memory.isLocked) throw error;
    }
  });

describe('EncryptedMemory', () => {
  it('reads what was written', () => fc.assert(readsWhatWasWritten(MEMORY_CRYPTO), RUNS), 60_000);

  it(
    'never gives other bytes, whatever happens outside',
    () => fc.assert(neverGivesOtherBytes(MEMORY_CRYPTO), RUNS),
    60_000,
  );

  it('would be found to give other bytes, did it not check tags', async () => {
    const defect = MEMORY_DEFECTS['the tag of a page is not checked']!;
    expect(await fc.check(neverGivesOtherBytes(defect), { ...RUNS, endOnFailure: true })).toMatchObject({
      failed: true,
    });
  });

  it('would be found to lose what was written, did it encrypt something else', async () => {
    const defect: MemoryCrypto = {
      ...MEMORY_CRYPTO,
      pageCipher: (key) => {
        const sound = MEMORY_CRYPTO.pageCipher(key);
        const seal: typeof sound.seal = (at, plaintext, ...rest) => (
          plaintext.writeUInt8(0, 99),
          sound.seal(at, plaintext, ...rest)
        );
        return { seal, open: (...all) => sound.open(...all) };
      },
    };
    expect(await fc.check(readsWhatWasWritten(defect), { ...RUNS, endOnFailure: true })).toMatchObject({
      failed: true,
    });
  });
});
