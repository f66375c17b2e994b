import { fillRandom } from './random-pool';

describe('fillRandom', () => {
  it('gives other bytes each time, also where the pool is filled anew', () => {
    const seen = new Set<string>();
    for (let i = 0; i < 2_000; i++) seen.add(fillRandom(Buffer.alloc(12)).toString('hex'));
    expect(seen.size).toBe(2_000);
  });

  it.each([0, 1, 1_024, 1_025, 20_000])('fills all of %i bytes', (length) => {
    // A place that stayed zero eight times over is one that is not written.
    const isWritten = new Uint8Array(length);
    for (let i = 0; i < 8; i++) fillRandom(Buffer.alloc(length)).forEach((byte, at) => (isWritten[at]! |= byte));
    expect(isWritten.every((byte) => byte !== 0)).toBe(true);
  });
});
