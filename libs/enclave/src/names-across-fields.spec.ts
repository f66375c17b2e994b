import { NameIndex } from './name-index';
import { addNamesAcross } from './names-across-fields';
import { type PersonalField } from './personal-fields';

const index = new NameIndex<string>();
index.add('Maria Keller', 'maria');
index.add('Ann A', 'ann');
index.add('Eva Ida Roth', 'eva');
index.add('Lina Roth', 'lina');

/** Names of the fields of an object of texts in which each person is found. */
function foundIn(data: Readonly<Record<string, unknown>>): Record<string, string> {
  const texts: PersonalField[] = Object.keys(data)
    .sort()
    .map((name) => ({
      path: [name],
      pointer: `/${name}`,
      value: data[name],
      rule: undefined,
      isUndeclared: true,
      at: undefined,
      personAt: undefined,
    }));
  const persons = texts.map(({ value }) => {
    const found = new Set<string>();
    if (typeof value === 'string') index.search(value, found);
    return found;
  });
  addNamesAcross(data, texts, persons, (text, found) => index.search(text, found));
  return Object.fromEntries(texts.flatMap(({ path }, i) => [...(persons[i] ?? [])].map((who) => [`${path[0]}`, who])));
}

describe('names across fields', () => {
  it.each([
    [
      { first_name: 'Maria', gender: 'female', last_name: 'Keller' },
      { first_name: 'maria', last_name: 'maria' },
    ],
    [
      { nachname: 'Keller', vorname: 'Maria', ort: 'Bern' },
      { nachname: 'maria', vorname: 'maria' },
    ],
    [
      { reason: 'Maria', person: { lastName: 'Keller' } },
      { reason: 'maria', person: 'maria' },
    ],
    [{ name: { family: 'Keller', _family: { ext: 1 }, given: ['Maria'] } }, { name: 'maria' }],
    [
      { a: 'Ann', b: 'A', c: 'Lina Roth', d: 'unrelated' },
      { a: 'ann', b: 'ann', c: 'lina' },
    ],
    [
      { z: 'Eva', y: 'Ida', a: 'Roth', b: 'x' },
      { z: 'eva', y: 'eva', a: 'eva' },
    ],
    [{ a: 'Maria', b: 'Kellermann' }, {}],
    [{ a: 'Maria Keller', b: 'Keller' }, { a: 'maria' }],
  ])('are found in %j in the fields %j', (data, fields) => expect(foundIn(data)).toEqual(fields));

  it('are found among many fields where they stand together, and cost little where there are very many', () => {
    const many = Object.fromEntries(Array.from({ length: 3_000 }, (_, i) => [`f${String(i).padStart(5, '0')}`, 'x']));
    const few = Object.fromEntries(Object.entries(many).slice(0, 200));
    expect(foundIn({ ...few, f00100: 'Maria', f00101: 'Keller' })).toEqual({ f00100: 'maria', f00101: 'maria' });
    expect(Object.keys(foundIn({ ...many, f00100: 'Maria', f00101: 'Keller' }))).toHaveLength(3_000);
  });
});
