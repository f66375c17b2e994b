import { DedupeFilter } from './dedupe-filter';

const STRIDE = 4;

/** Entries of one bucket, four words each, of which the first two are the key. */
function bucketOf(firstByte: number, count: number): Uint32Array {
  const words = new Uint32Array(STRIDE * count);
  for (let i = 0; i < count; i++) {
    words[STRIDE * i] = ((firstByte << 24) | (Math.imul(i + 1, 0x9e3779b1) >>> 8)) >>> 0;
    words[STRIDE * i + 1] = Math.imul(i + 1, 0x85ebca6b) >>> 0;
  }
  return words;
}

/** What a filter says of ten thousand keys, most of them strange to it. */
function answersOf(filter: DedupeFilter): boolean[] {
  return Array.from({ length: 10_000 }, (_, i) => filter.mightHold(Math.imul(i, 0x9e3779b1) >>> 0, i));
}

describe('DedupeFilter', () => {
  it.each([
    { bytes: 1024, count: 50 },
    { bytes: 8192, count: 1 },
    { bytes: 1 << 20, count: 3 },
    { bytes: 1 << 20, count: 1000 },
  ])('takes buckets of $count keys as it takes single keys, with $bytes bytes', ({ bytes, count }) => {
    const [inBuckets, single] = [new DedupeFilter(bytes), new DedupeFilter(bytes)];
    for (const firstByte of [0, 1, 127, 128, 255]) {
      const words = bucketOf(firstByte, count);
      inBuckets.addBucket(words, STRIDE);
      for (let at = 0; at < words.length; at += STRIDE) single.add(words[at] as number, words[at + 1] as number);
    }
    expect(inBuckets.size).toBe(5 * count);
    expect(answersOf(inBuckets)).toEqual(answersOf(single));
  });

  it('finds every key of a bucket, and few others', () => {
    const filter = new DedupeFilter(1 << 16);
    const words = bucketOf(200, 100);
    filter.addBucket(words, STRIDE);
    let missed = 0;
    for (let at = 0; at < words.length; at += STRIDE)
      if (!filter.mightHold(words[at] as number, words[at + 1] as number)) missed++;
    expect(missed).toBe(0);
    expect(filter.mightHold(0x0100_0000, 7)).toBe(false);
  });

  it('takes an empty bucket', () => {
    const filter = new DedupeFilter(1024);
    filter.addBucket(new Uint32Array(0), STRIDE);
    expect(filter.size).toBe(0);
  });
});
