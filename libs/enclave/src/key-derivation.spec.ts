import { deriveKey, withDerivedKey } from './key-derivation';

const SECRET = Buffer.alloc(32, 7);

describe('withDerivedKey', () => {
  it('lends the key that is derived, and wipes it whether its use succeeds or not', () => {
    let lent: Buffer = Buffer.alloc(0);
    const copy = withDerivedKey(SECRET, 'one/1', (key) => Buffer.from((lent = key)));
    expect(copy).toEqual(deriveKey(SECRET, 'one/1', 32));
    expect(lent).toEqual(Buffer.alloc(32));
    const failing = (key: Buffer): never => {
      expect(key).toEqual(deriveKey(SECRET, 'two/1', 32));
      throw new RangeError('no');
    };
    expect(() => withDerivedKey(SECRET, 'two/1', failing)).toThrow(RangeError);
    expect(lent).toEqual(Buffer.alloc(32));
  });

  it('never overwrites a key in use with another', () => {
    const nested = (depth: number): Buffer[] =>
      withDerivedKey(SECRET, `${depth}/1`, (key) => {
        const below = depth === 1 ? [] : nested(depth - 1);
        return [Buffer.from(key), ...below];
      });
    expect(nested(4)).toEqual([4, 3, 2, 1].map((depth) => deriveKey(SECRET, `${depth}/1`, 32)));
    expect(() => nested(5)).toThrow(RangeError);
    expect(nested(4)).toHaveLength(4);
  });
});
