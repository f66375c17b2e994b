import fc from 'fast-check';
import { pseudonymiseWith, shownText, tellApartWith } from './pseudonyms';

const ANNA = '~s.AAAAAAAAAAAAAAAAAAAAAA';
const ASA = '~s.BBBBBBBBBBBBBBBBBBBBBB';
const PATIENT = '~p.anna-lind-AAAAAAAAAAAA';
const replace = pseudonymiseWith(
  new Map([
    ['anna.lind', ANNA],
    ['Anna', ANNA],
    ['Åsa Öberg', ASA],
    ['al', ANNA],
  ]),
);

describe('pseudonymiseWith', () => {
  it.each([
    ['anna.lind', ANNA],
    ['ANNA.LIND', ANNA],
    ['al', ANNA],
    ['net user anna.lind /domain', `net user ${ANNA} /domain`],
    ['C:\\Users\\Anna.Lind\\plan.docx', `C:\\Users\\${ANNA}\\plan.docx`],
    ['anna_lind, anna-lind and Anna  Lind', `${ANNA}, ${ANNA} and ${ANNA}`],
    ['https://ehr/search?q=anna%20lind&p=1', `https://ehr/search?q=${ANNA}&p=1`],
    ['https://ehr/search?q=anna+lind', `https://ehr/search?q=${ANNA}`],
    ['/p?n=%C3%85sa%20%C3%B6berg%2C50%25', `/p?n=${ASA}%2C50%25`],
    ['/p?n=%61nna', `/p?n=${ANNA}`],
    ['A\u030asa O\u0308berg', ASA],
    ['Anna and Åsa Öberg', `${ANNA} and ${ASA}`],
  ])('makes %j to %j', (text, expected) => expect(replace(text)).toBe(expected));

  it.each(['annabel', 'hanna', 'joanna.lindgren', 'ps -al', '10.0.0.1', '', '100 % sure', '%', '%zz %C3', 'A\u030a'])(
    'leaves %j as it is',
    (text) => expect(replace(text)).toBe(text),
  );

  it('leaves pseudonyms alone, whatever their letters happen to spell', () => {
    expect(replace(`seen by ${PATIENT} and anna`)).toBe(`seen by ${PATIENT} and ${ANNA}`);
  });

  it('changes nothing without values', () => {
    for (const none of [undefined, new Map<string, string>()])
      expect(pseudonymiseWith(none)('anna.lind')).toBe('anna.lind');
  });

  it('gives the value itself its pseudonym even where it holds no word', () => {
    const signs = pseudonymiseWith(new Map([['***', ANNA]]));
    expect([signs('***'), signs('a***b')]).toEqual([ANNA, 'a***b']);
  });

  it('leaves no name in any text around it, encoded or not', () => {
    const filler = fc.string({ unit: fc.constantFrom(' ', '/', '=', '%20', '%', 'é', '.', '\\', '"', '~') });
    const spelling = fc.constantFrom('anna.lind', 'Anna Lind', 'ANNA%2ELIND', 'anna%20lind', 'anna_lind');
    fc.assert(
      fc.property(filler, spelling, filler, (before, name, after) => {
        fc.pre(!/[é]$/.test(before) && !/^[é]/.test(after));
        expect(replace(before + name + after)).not.toMatch(/anna|lind/i);
      }),
    );
  });
});

describe('tellApartWith', () => {
  const first = tellApartWith(
    new Map([
      ['C:/a.docx', '~t.0'],
      ['anna.lind', ANNA],
    ]),
  );
  const second = tellApartWith(new Map([['C:/b.docx', '~t.0']]));
  const third = tellApartWith(new Map([['C:/a.docx', '~t.7']]));

  it('gives sealed texts the same where they say the same, and shows none of it', () => {
    expect(first('C:/a.docx')).toBe(third('C:/a.docx'));
    expect(first('C:/a.docx')).not.toBe(second('C:/b.docx'));
    expect(first('C:/a.docx')).toMatch(/^~d\.[\w-]{22}$/);
    expect(shownText(first('C:/a.docx'))).toBe('(sealed text)');
  });

  it('gives everything else as it may leave the pipeline', () => {
    expect(['anna.lind', 'read by anna.lind', 'x'].map((text) => shownText(first(text)))).toEqual([
      ANNA,
      `read by ${ANNA}`,
      'x',
    ]);
    expect(tellApartWith(undefined)('anna.lind')).toBe('anna.lind');
  });
});
