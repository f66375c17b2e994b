import { growthOf } from '@protego/contracts/testing';
import { Tokeniser, normaliseIdentity } from './identity';

describe('normaliseIdentity', () => {
  it.each([
    ['  Jane \t Doe ', 'plain', 'jane doe'],
    ['JOSE\u0301', 'plain', 'jos\u00e9'],
    ['HOSPITAL\\JDoe', 'plain', 'hospital\\jdoe'],
    ['HOSPITAL\\JDoe', 'account', 'jdoe'],
    ['JDoe@hospital.example', 'account', 'jdoe'],
    ['@hospital', 'account', '@hospital'],
    ['HOSPITAL\\', 'account', 'hospital\\'],
    ['   ', 'plain', ''],
  ] as const)('of `%s` as %s is `%s`', (value, form, expected) =>
    expect(normaliseIdentity(value, form)).toBe(expected),
  );
});

describe('Tokeniser', () => {
  it('gives tokens that depend on key, class and identity only', () => {
    const tokeniser = new Tokeniser(Buffer.alloc(32, 1));
    const { token } = tokeniser.identify('s', 'P-016', 'plain');
    expect(token).toMatch(/^~s\.[A-Za-z0-9_-]{22}$/);
    expect(tokeniser.identify('s', 'p-016 ', 'account').token).toBe(token);
    tokeniser.forget();
    expect(tokeniser.identify('s', 'p-016', 'plain').token).toBe(token);
    expect(tokeniser.identify('p', 'p-016', 'plain').token.slice(3)).not.toBe(token.slice(3));
    expect(new Tokeniser(Buffer.alloc(32, 2)).identify('s', 'p-016', 'plain').token).not.toBe(token);
  });

  it('takes long values', () => {
    const tokeniser = new Tokeniser(Buffer.alloc(32, 1));
    const tokens = ['€'.repeat(49_000), '€'.repeat(49_001)].map(
      (value) => tokeniser.identify('s', value, 'plain').token,
    );
    expect(tokens[0]).not.toBe(tokens[1]);
  });

  it('has no more than 30 marks on a letter, so that none takes long', () => {
    const marks = (count: number): string => `a${'\u0316\u0301'.repeat(count)}b`;
    expect(normaliseIdentity(marks(30_000), 'plain')).toBe(normaliseIdentity(marks(15), 'plain'));
    const workOf = (count: number): (() => void) => {
      const text = marks(count);
      return () => void normaliseIdentity(text, 'plain');
    };
    expect(growthOf(workOf, 32_000)).toBeLessThan(4);
  });
});
