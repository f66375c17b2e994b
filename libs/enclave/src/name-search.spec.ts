import { NameSearch } from './name-search';

describe('the search for names', () => {
  const search = new NameSearch(['Ada Lovelace', 'ab', 'Böhm', 'Hopper, Grace']);

  it.each([
    'ada.lovelace',
    '/home/ada%20lovelace/x',
    'ADA_LOVELACE',
    'to Ada+Lovelace!',
    'Bo\u0308hm',
    'x=böhm;',
    'Lovelace,Ada',
    'LOVELACE ,  Ada (ward 3)',
    'for Grace Hopper',
    String.raw`{"note":"B\u00f6hm"}`,
    String.raw`{"raw":"{\"who\":\"Ada\\nLovelace\"}"}`,
    'adalovelace',
    'Lovelace Ada',
    '%41da%20Lovelace',
    'Boehm',
    '<td>Ada</td><td>Lovelace</td>',
  ])('finds a name in `%s`', (text) => expect(search.isIn(text)).toBe(true));

  it.each(['Ada Lovelacey', 'xada lovelace', 'ab', 'Böhme', 'Ada and Grace Lovelace'])('finds none in `%s`', (text) =>
    expect(search.isIn(text)).toBe(false),
  );

  it.each(['utf8', 'latin1', 'utf16le'] as const)('finds a name in bytes of %s, as the vault does', (encoding) => {
    expect(search.isInBytes(Buffer.from('{"who":"B\u00f6hm", broken', encoding))).toBe(true);
    expect(search.isInBytes(Buffer.from('{"who":"K\u00f6nig", broken', encoding))).toBe(false);
  });

  it('finds a name that is split over neighbours, and in the name of a member', () => {
    expect(search.isInValue({ name: [{ use: 'official', family: 'Lovelace', given: ['Ada'] }] })).toBe(true);
    expect(search.isInValue({ seen: { 'ada.lovelace': 1 } })).toBe(true);
    expect(search.isInValue({ a: 'Ada', b: 1, c: 'Lovelace' })).toBe(false);
  });
});
