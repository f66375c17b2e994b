import { KeyedStore } from './keyed-store';
import { stateFromBytes, stateToBytes } from './state-bytes';
import type { StateStore } from './stream-element';

const storeOf = (...keys: readonly string[]): KeyedStore<string> => {
  const store = new KeyedStore<string>(9, { toJson: (value) => value, fromJson: (json) => json as string });
  for (const key of keys) store.touch(key, () => `value of ${key}`);
  return store;
};
const keysOf = (store: KeyedStore<string>): string[] => [...store.entries()].map(([key]) => key);
const bytes = (text: string): Uint8Array => Buffer.from(text);
const INVALID = expect.objectContaining({ code: 'OPERATOR_STATE_INVALID' });

describe('state as bytes', () => {
  it('brings every store back, also keys with odd letters', () => {
    const written = { one: storeOf('b', 'a'), two: storeOf('__proto__', 'ä\u{1f600}', '\ud800', '') };
    const read = { two: storeOf('gone'), one: storeOf() };
    stateFromBytes(read, stateToBytes(written));
    expect([keysOf(read.one), keysOf(read.two)]).toEqual([keysOf(written.one), keysOf(written.two)]);
    expect(stateToBytes({ one: read.one, two: read.two })).toEqual(stateToBytes(written));
  });

  it('refuses bytes that it has not written', () => {
    const whole = stateToBytes({ one: storeOf('a') });
    for (const damaged of [whole.subarray(0, -1), bytes(''), bytes('null'), bytes('{"version":2,"states":{}}')])
      expect(() => stateFromBytes({ one: storeOf() }, damaged)).toThrow(INVALID);
    const later = bytes(Buffer.from(whole).toString().replace('"version":1', '"version":2'));
    expect(() => stateFromBytes({ one: storeOf() }, later)).toThrow(INVALID);
    expect(() => stateFromBytes({ one: storeOf() }, new Uint8Array([0xff]))).toThrow(INVALID);
    expect(() => stateFromBytes({ one: storeOf() }, bytes('{"version":1,"states":{"one":7}}'))).toThrow(INVALID);
  });

  it('refuses the state of other stores', () => {
    const whole = stateToBytes({ one: storeOf('a') });
    const others: Record<string, StateStore>[] = [{}, { two: storeOf() }, { one: storeOf(), two: storeOf() }];
    for (const stores of others) expect(() => stateFromBytes(stores, whole)).toThrow(INVALID);
  });
});
