import { MUTE_MS_MAX, formatRfc3339, type Detection, type DetectionEntity, type LoggedEvent } from '@protego/contracts';
import { MuteBook, isMuteType } from './mutes';
import type { DetectionResult } from './result';
import { START_MS, jsonCopy, loggedEvent } from './testing';

const SKEW_MS = 60_000;
const HOUR_MS = 3_600_000;
const PUMP: DetectionEntity = { kind: 'device', id: 'pump-7' };
const ANNA: DetectionEntity = { kind: 'person', id: '~s.AAAAAAAAAAAAAAAAAAAAAA' };

const at = (afterMs: number): number => START_MS + afterMs;
const said = (type: string, id: string, afterMs: number, data: object, arrivedAfterMs = afterMs): LoggedEvent =>
  loggedEvent({ id, type, source: 'protego', timeMs: at(afterMs), arrivedAtMs: at(arrivedAfterMs), data: { ...data } });
const muted = (id: string, data: object, afterMs = 0, forMs = HOUR_MS): LoggedEvent =>
  said('detection.muted', id, afterMs, { expiresAt: formatRfc3339(at(afterMs + forMs)), reason: 'r', ...data });
const acknowledged = (id: string, data: object): LoggedEvent =>
  said('detection.acknowledged', id, 0, { expiresAt: formatRfc3339(at(HOUR_MS)), reason: 'r', ...data });
const unmuted = (mute: string, afterMs: number): LoggedEvent =>
  said('detection.unmuted', `un-${mute}`, afterMs, { mute, reason: 'r' });

function detection(afterMs: number, part: Partial<Detection> = {}): DetectionResult {
  const raised = { ruleId: 'beaconing', entities: [PUMP], status: 'raised', ...part } as Detection;
  return { kind: 'detection', detection: raised, certainAtMs: at(afterMs), seqs: [0] };
}

function bookOf(...events: readonly LoggedEvent[]): MuteBook {
  const book = new MuteBook(SKEW_MS);
  for (const event of events) book.learn(event);
  return book;
}

const statusIn = (book: MuteBook, result: DetectionResult): string =>
  (book.judge(result) as DetectionResult).detection.status;

describe('MuteBook', () => {
  it('mutes from just after the skew that an event may have, until the expiry', () => {
    const book = bookOf(muted('m', { rule: 'beaconing' }));
    const statuses = [SKEW_MS, SKEW_MS + 1, HOUR_MS - 1, HOUR_MS].map((ms) => statusIn(book, detection(ms)));
    expect(statuses).toEqual(['raised', 'muted', 'muted', 'raised']);
  });

  it('counts from when the mute came into the log where its own time is earlier', () => {
    const data = { rule: 'beaconing', expiresAt: formatRfc3339(at(HOUR_MS)), reason: 'r' };
    const book = bookOf(said('detection.muted', 'm', 0, data, 1_000));
    expect([61_000, 61_001].map((ms) => statusIn(book, detection(ms)))).toEqual(['raised', 'muted']);
  });

  it.each<[string, object, Partial<Detection>, string]>([
    ['another rule', { rule: 'stuffing' }, {}, 'raised'],
    ['the entity, whatever the rule', { entity: PUMP }, {}, 'muted'],
    ['an entity of the same id and another kind', { entity: { ...PUMP, kind: 'host' } }, {}, 'raised'],
    ['rule and entity', { rule: 'beaconing', entity: PUMP }, {}, 'muted'],
    ['the rule and another entity', { rule: 'beaconing', entity: ANNA }, {}, 'raised'],
    ['another rule and the entity', { rule: 'stuffing', entity: PUMP }, {}, 'raised'],
    ['an entity among others', { entity: ANNA }, { entities: [PUMP, ANNA] }, 'muted'],
    [
      'another name of the entity',
      { entity: { kind: 'person', id: '~s.x', aliases: [ANNA.id] } },
      { entities: [ANNA] },
      'muted',
    ],
    ['a detection without entities', { rule: 'beaconing' }, { entities: [] }, 'muted'],
    ['nothing', {}, {}, 'raised'],
    ['a skewed detection', { rule: 'beaconing' }, { timing: 'skewed' }, 'raised'],
    ['a late detection', { rule: 'beaconing' }, { timing: 'late' }, 'muted'],
  ])('judges a mute of %s', (_, data, part, status) => {
    expect(statusIn(bookOf(muted('m', data)), detection(HOUR_MS / 2, part))).toBe(status);
  });

  it('says that somebody is on what is acknowledged; a mute goes before that', () => {
    const book = bookOf(acknowledged('a', { entity: PUMP }));
    expect(statusIn(book, detection(HOUR_MS / 2))).toBe('updated');
    book.learn(muted('m', { rule: 'beaconing' }));
    expect(statusIn(book, detection(HOUR_MS / 2))).toBe('muted');
    expect(statusIn(book, detection(HOUR_MS / 2, { ruleId: 'stuffing' }))).toBe('updated');
  });

  it('ends a mute early, by the same rule; what does not exist or is over ends nothing', () => {
    const book = bookOf(muted('m', { rule: 'beaconing' }), unmuted('other', 1_000), unmuted('m', 600_000));
    const end = 600_000 + SKEW_MS + 1;
    expect([end - 1, end].map((ms) => statusIn(book, detection(ms)))).toEqual(['muted', 'raised']);
    book.learn(unmuted('m', 1_800_000));
    expect(statusIn(book, detection(end))).toBe('raised');
  });

  it('takes what lasts longer than a mute may for one that ends then, and what has no end for none', () => {
    const book = bookOf(
      muted('m', { rule: 'beaconing' }, 0, 2 * MUTE_MS_MAX),
      muted('n', { entity: ANNA, expiresAt: 'never' }),
    );
    const statuses = [MUTE_MS_MAX - 1, MUTE_MS_MAX].map((ms) => statusIn(book, detection(ms)));
    expect(statuses).toEqual(['muted', 'raised']);
    expect(book.counters()).toMatchObject({ mutes: 1 });
  });

  it('touches nothing but the status', () => {
    const result = detection(HOUR_MS / 2, { title: 't' });
    const judged = bookOf(muted('m', { rule: 'beaconing' })).judge(result);
    expect(judged).toEqual({ ...result, detection: { ...result.detection, status: 'muted' } });
    expect(result.detection.status).toBe('raised');
  });

  it('is bounded: those that end first leave, counted, and apart those that had not ended', () => {
    const book = new MuteBook(SKEW_MS, 3);
    for (const [n, forMs] of [HOUR_MS, 2 * HOUR_MS, 3 * HOUR_MS].entries())
      book.learn(muted(`m${n}`, { rule: `r${n}` }, 0, forMs));
    book.learn(muted('m3', { rule: 'r3' }, HOUR_MS, 3 * HOUR_MS));
    expect(book.counters()).toEqual({ mutes: 3, mutesEvicted: 1, mutesEvictedInForce: 0 });
    book.learn(muted('m4', { rule: 'r4' }, HOUR_MS, 3 * HOUR_MS));
    expect(book.counters()).toEqual({ mutes: 3, mutesEvicted: 2, mutesEvictedInForce: 1 });
    const kept = [0, 1, 2, 3, 4].map((n) => statusIn(book, detection(1.5 * HOUR_MS, { ruleId: `r${n}` })));
    expect(kept).toEqual(['raised', 'raised', 'muted', 'muted', 'muted']);
  });

  it('goes on from a snapshot as if it had never stopped', () => {
    const events = [
      muted('m0', { rule: 'beaconing' }),
      muted('m1', { entity: { ...ANNA, aliases: ['~s.x'] } }, 0, 2 * HOUR_MS),
      unmuted('m1', 1_000),
      acknowledged('a', { entity: PUMP }),
      muted('m2', { rule: 'stuffing' }, 5_000),
      unmuted('m0', 9_000),
    ];
    const whole = new MuteBook(SKEW_MS, 3);
    for (const event of events) whole.learn(event);
    for (let place = 0; place <= events.length; place++) {
      const before = new MuteBook(SKEW_MS, 3);
      for (const event of events.slice(0, place)) before.learn(event);
      const after = new MuteBook(SKEW_MS, 3);
      after.learn(muted('gone', { rule: 'gone' }));
      after.restore(jsonCopy(before.snapshot()));
      for (const event of events.slice(place)) after.learn(event);
      expect(after.snapshot()).toEqual(whole.snapshot());
      for (const ms of [61_001, 65_001, 69_001, HOUR_MS - 1])
        for (const ruleId of ['beaconing', 'stuffing', 'gone'])
          expect(statusIn(after, detection(ms, { ruleId }))).toBe(statusIn(whole, detection(ms, { ruleId })));
    }
  });

  it('keeps the first of two events of one id', () => {
    const book = bookOf(muted('m', { rule: 'beaconing' }), muted('m', { rule: 'stuffing' }));
    expect(statusIn(book, detection(HOUR_MS / 2, { ruleId: 'stuffing' }))).toBe('raised');
  });
});

describe('isMuteType', () => {
  it('is true for what people say about detections only', () => {
    expect(['detection.muted', 'detection.unmuted', 'detection.acknowledged'].every(isMuteType)).toBe(true);
    expect(['detection.raised', 'detection.mutedx', 'muted'].some(isMuteType)).toBe(false);
  });
});
