import { spokenName } from './spoken-name';

describe('spokenName', () => {
  it.each([
    ['intensive-care', 'intensive care'],
    ['ear-nose-throat', 'ear nose throat'],
    ['ward-3', 'ward-3'],
    ['oncology', 'oncology'],
  ])('says %s as %s', (name, spoken) => expect(spokenName(name)).toBe(spoken));
});
