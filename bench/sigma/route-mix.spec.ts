import { routeMix } from './route-mix';

const records = (kinds: Readonly<Record<string, number>>) =>
  Object.entries(kinds).flatMap(([kind, count]) => {
    const [channel = '', eventId = ''] = kind.split(' ');
    return Array.from({ length: count }, () => ({ type: null, data: { Channel: channel, EventID: Number(eventId) } }));
  });

describe('routeMix', () => {
  it('names the kinds of records by their share', () => {
    expect(routeMix(records({ 'Security 4688': 1, 'Sysmon 10': 19 }))).toBe(
      '20 records: 95 % Sysmon 10, 5.0 % Security 4688',
    );
  });

  it('sums up the rare ones', () => {
    const many = Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`Sysmon ${n}`, 10]));
    expect(routeMix(records(many))).toMatch(/10 % Sysmon 7, 20 % of 2 other kinds$/);
  });
});
