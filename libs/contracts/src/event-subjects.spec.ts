import fc from 'fast-check';
import type { ProtegoEvent } from './event';
import { EVENT_SUBJECTS_MAX, subjectsOfEvent } from './event-subjects';

/** Tokens of 26 bytes, each in quotes and with a comma, in a stored body of 65,536 bytes. */
const STORED_TOKENS_MAX = Math.floor(65_536 / 29);

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

  it('leaves none out, however many persons an event has room for', () => {
    const letter = fc.constantFrom('s', 'p');
    fc.assert(
      fc.property(fc.integer({ min: 0, max: STORED_TOKENS_MAX }), letter, fc.boolean(), (count, kind, isNested) => {
        const tokens = Array.from({ length: count }, (_, at) => token(kind, at));
        const accounts = isNested ? tokens.map((uid) => ({ user: { uid } })) : [...tokens, ...tokens];
        const subjects = subjectsOfEvent(eventOf({ device: { uid: 'd' }, partner: { uid: 'q' }, accounts }, 'e'));
        expect(subjects).toEqual(['e', 'd', 'q', ...tokens.sort()]);
        expect(subjects.length).toBeLessThanOrEqual(EVENT_SUBJECTS_MAX);
      }),
      { numRuns: 30 },
    );
  });
});
