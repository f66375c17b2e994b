import type { ProtegoEvent } from './event';
import { EVENT_SUBJECTS_MAX, subjectsOfEvent } from './event-subjects';

const token = (letter: string, of: number): string => `~${letter}.${String(of).padStart(22, 'A')}`;

function eventOf(data: Record<string, unknown>, subject?: string): ProtegoEvent {
  const event = { specversion: '1.0' as const, id: 'e', source: 's', type: 'x.y', time: 't', site: 'w', data };
  return subject === undefined ? event : { ...event, subject };
}

describe('subjectsOfEvent', () => {
  it('names subject, device and partner, then persons in order of their tokens', () => {
    const data = { z: [{ a: token('s', 2) }], device: { uid: 'd' }, partner: { uid: 'q' }, a: token('p', 1) };
    expect(subjectsOfEvent(eventOf(data, 'd2'))).toEqual(['d2', 'd', 'q', token('p', 1), token('s', 2)]);
  });

  it('names each once, whatever the order of members', () => {
    const [a, b] = [token('s', 1), token('s', 2)];
    expect(subjectsOfEvent(eventOf({ x: b, y: a, z: a }, b))).toEqual([b, a]);
    expect(subjectsOfEvent(eventOf({ z: a, y: a, x: b }, b))).toEqual([b, a]);
  });

  it('takes neither sealed text nor what only begins like a token', () => {
    const data = {
      a: '~t.0',
      b: '~s.short',
      c: `${token('s', 1)}x`,
      d: 'text',
      device: { uid: '~t.1' },
      e: 7,
      f: null,
    };
    expect(subjectsOfEvent(eventOf(data, ''))).toEqual([]);
  });

  it('has a bound', () => {
    const data = { many: Array.from({ length: 100 }, (_, at) => token('s', at)) };
    expect(subjectsOfEvent(eventOf(data, 'd'))).toHaveLength(EVENT_SUBJECTS_MAX);
  });
});
