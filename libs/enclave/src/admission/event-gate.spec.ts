import { EVENT_BYTES_MAX, canonicalJson, type ProtegoError, type ProtegoEvent } from '@protego/contracts';
import fc from 'fast-check';
import { eventOf } from '../testing/sample-events';
import { SAMPLE_GATE } from '../testing/sample-gate';
import { EventGate } from './event-gate';

const gate = new EventGate(SAMPLE_GATE);

function admit(event: Partial<ProtegoEvent>, family?: string): ReturnType<EventGate['admit']> {
  return gate.admit({ bytes: Buffer.from(JSON.stringify(event)), source: event.source ?? '', family });
}

const refused = (code: string): Error => expect.objectContaining({ code }) as Error;
const added = eventOf('watchlist.entry-added', { list: 'l', value: 'v' }, { source: 'directory' });
const ticked = eventOf('clock.ticked', {}, { source: 'feed' });

describe('EventGate', () => {
  it('lets a source say what it is declared for: inputs, knowledge, or the time', () => {
    expect(admit(added).event).toEqual(added);
    expect(() => admit({ ...added, source: 'ehr' })).toThrow(refused('EVENT_FAMILY_NOT_ALLOWED'));
    expect(admit(ticked).event).toEqual(ticked);
    expect(() => admit({ ...ticked, source: 'ehr' })).toThrow(refused('EVENT_FAMILY_NOT_ALLOWED'));
  });

  it('takes the time of arrival only from who carries the clock', () => {
    const signedIn = eventOf('access.signed-in', { user: { uid: 'p-1' } }, { arrivedat: '2026-03-02T08:00:00.000Z' });
    expect(admit(signedIn).carriedMs).toBeUndefined();
    expect(admit({ ...signedIn, source: 'feed' }).carriedMs).toBe(Date.parse('2026-03-02T08:00:00.000Z'));
  });

  it('refuses by its canonical length, and bytes beyond twice that unread', () => {
    const long = (bytes: number): Partial<ProtegoEvent> =>
      eventOf('device.host-event-recorded', { text: 'x'.repeat(bytes) });
    expect(admit(long(EVENT_BYTES_MAX - 500)).timeMs).toBeGreaterThan(0);
    expect(() => admit(long(EVENT_BYTES_MAX))).toThrow(refused('EVENT_TOO_LARGE'));
    const noise = Buffer.alloc(2 * EVENT_BYTES_MAX + 1, '{');
    expect(() => gate.admit({ bytes: noise, source: 'ehr', family: undefined })).toThrow(refused('EVENT_TOO_LARGE'));
  });

  it.each([
    ['an infinity', '1e999', 'EVENT_NUMBER_UNSAFE'],
    ['an integer beyond 2^53', '9007199254740993', 'EVENT_NUMBER_UNSAFE'],
    ['a lone surrogate', '"\\ud800"', 'EVENT_TEXT_INVALID'],
    ['a lone surrogate in a name', '{"\\udc00":1}', 'EVENT_TEXT_INVALID'],
    ['one deep down', '[[{"a":["\\ud800"]}]]', 'EVENT_TEXT_INVALID'],
    ['too many levels', '['.repeat(40) + ']'.repeat(40), 'EVENT_TOO_DEEP'],
    ['numbers that grow when they are written', `[${'9e15,'.repeat(4_000)}1]`, 'EVENT_TOO_LARGE'],
  ])('refuses %s, which has no canonical form that fits', (_, json, code) => {
    const event = JSON.stringify(eventOf('device.host-event-recorded', { x: 'HERE' }));
    const bytes = Buffer.from(event.replace('"HERE"', () => json));
    expect(() => gate.admit({ bytes, source: 'ehr', family: undefined })).toThrow(refused(code));
  });

  it('lets in exactly what has a canonical form', () => {
    const numbers = fc.constantFrom(1e15, 9e15, 2 ** 53, -(2 ** 53) - 2, 0.1, -0, 1e21, 1e-7);
    const texts = fc.constantFrom('\ud800', '\udc00\ud800', 'a\u2028b', '\u0000', 'K\u00f6ln');
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), fc.oneof(numbers, texts), fc.nat(34), (value, odd, depth) => {
        let nested: unknown = odd;
        for (let level = 0; level < depth; level++) nested = level % 2 === 0 ? [nested] : { [String(odd)]: nested };
        const event = eventOf('device.host-event-recorded', { value, nested });
        const parsed = JSON.parse(JSON.stringify(event)) as ProtegoEvent;
        expect(outcomeOf(() => admit(event))).toBe(outcomeOf(() => canonicalJson(parsed)));
      }),
    );
  });
});

function outcomeOf(action: () => unknown): string {
  try {
    action();
    return 'fine';
  } catch (error) {
    return (error as ProtegoError).code;
  }
}
