import fc from 'fast-check';
import { makeEntryBundle, parseEntryBundle } from './entry-bundle';

describe('entry bundles', () => {
  it('round-trip', () => {
    const entry = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(fc.array(entry, { minLength: 1, maxLength: 256 }), (entries) => {
        const { content, count, tooLongAt } = makeEntryBundle(entries);
        expect(parseEntryBundle(content)).toEqual(entries);
        expect({ count, tooLongAt }).toEqual({ count: entries.length, tooLongAt: undefined });
      }),
    );
  });

  it('have the bytes of the specification', () => {
    expect(makeEntryBundle([Buffer.from('ab'), Buffer.alloc(0)]).content).toEqual(
      Buffer.from('0002616200' + '00', 'hex'),
    );
  });

  it('end before an entry that is too long for them, so that no later one moves', () => {
    const bundle = makeEntryBundle([Buffer.alloc(65_535, 1), Buffer.alloc(65_536), Buffer.alloc(1)]);
    expect(bundle).toMatchObject({ count: 1, tooLongAt: 1 });
    expect(parseEntryBundle(bundle.content)).toEqual([Buffer.alloc(65_535, 1)]);
  });

  it('are refused when cut off, empty or too many', () => {
    const { content } = makeEntryBundle([Buffer.from('abc')]);
    for (let end = 0; end < content.length; end++) {
      expect(() => parseEntryBundle(content.subarray(0, end))).toThrow(
        expect.objectContaining({ code: 'BUNDLE_INVALID' }),
      );
    }
    expect(() => parseEntryBundle(Buffer.alloc(514))).toThrow(expect.objectContaining({ code: 'BUNDLE_INVALID' }));
    expect(() => makeEntryBundle([])).toThrow(expect.objectContaining({ code: 'LOG_RECORD_INVALID' }));
  });
});
