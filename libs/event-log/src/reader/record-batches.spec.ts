import { BATCH_RECORDS_MAX, recordBatches } from './record-batches';

/** Records whose bodies lie in blocks of their own memory. */
function recordsOf(count: number, recordsPerBlock: number, blockBytes: number): { body: Uint8Array; number: number }[] {
  let block = new ArrayBuffer(0);
  return Array.from({ length: count }, (_, number) => {
    if (number % recordsPerBlock === 0) block = new ArrayBuffer(blockBytes);
    return { body: new Uint8Array(block, 0, 8), number };
  });
}

const lengthsOf = (batches: Iterable<readonly unknown[]>): number[] => [...batches].map(({ length }) => length);

describe('recordBatches', () => {
  it('gives every record once, in order', () => {
    const records = recordsOf(1_300, 100, 4_096);
    const batches = [...recordBatches(records)];
    expect(batches.flat()).toEqual(records);
    expect(lengthsOf(batches)).toEqual([BATCH_RECORDS_MAX, BATCH_RECORDS_MAX, 276]);
    expect(lengthsOf(recordBatches(records, 700))).toEqual([700, 600]);
    expect(lengthsOf(recordBatches([]))).toEqual([]);
  });

  it('ends a batch that would keep many blocks in memory', () => {
    expect(lengthsOf(recordBatches(recordsOf(40, 1, 1 << 20)))).toEqual([16, 16, 8]);
    expect(lengthsOf(recordBatches(recordsOf(3, 1, 1 << 25)))).toEqual([1, 1, 1]);
    expect(lengthsOf(recordBatches(recordsOf(1_000, 1_000, 1 << 20)))).toEqual([512, 488]);
  });

  it('ends what it reads from when nobody wants more', () => {
    let isEnded = false;
    function* endless(): Generator<{ body: Uint8Array }> {
      try {
        for (;;) yield { body: new Uint8Array(8) };
      } finally {
        isEnded = true;
      }
    }
    for (const batch of recordBatches(endless())) {
      expect(batch).toHaveLength(BATCH_RECORDS_MAX);
      break;
    }
    expect(isEnded).toBe(true);
  });
});
