import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parsePlaceholders } from './placeholders';

describe('parsePlaceholders', () => {
  it('reads what stands for each placeholder, also nothing', () => {
    const text = 'placeholders:\n  admins: [root, "adm*"]\n  none: []\n';
    expect([...parsePlaceholders(text, 'p.yaml')]).toEqual([
      ['admins', ['root', 'adm*']],
      ['none', []],
    ]);
  });

  it('reads what is shipped', () => {
    const path = join(__dirname, '../../../streams/declarations/placeholders.yaml');
    expect(parsePlaceholders(readFileSync(path, 'utf8'), path).size).toBeGreaterThan(0);
  });

  it.each([
    ['placeholders: {a b: []}', 1],
    ['placeholders:\n  a: x', 2],
    ['placeholders:\n  a: [""]', 2],
    ['other: {}', 1],
  ])('refuses %j, with its line', (text, line) => {
    const refused = expect.objectContaining({
      code: 'DECLARATION_INVALID',
      details: expect.objectContaining({ path: 'p.yaml', line }) as object,
    }) as Error;
    expect(() => parsePlaceholders(text, 'p.yaml')).toThrow(refused);
  });
});
