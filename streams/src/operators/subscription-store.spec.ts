import { concat, from, throwError } from 'rxjs';
import { eventElement } from '../testing';
import { SlidingTimes, slidingCount } from './sliding-count';
import { subscriptionStore } from './subscription-store';

describe('the store of a subscription', () => {
  it('is a new one for each where none is given, and the given one for all', () => {
    const storeFor = subscriptionStore<object>(undefined, () => ({}));
    expect(storeFor()).not.toBe(storeFor());
    const given = {};
    const givenFor = subscriptionStore<object>(given, () => ({}));
    expect([givenFor(), givenFor()].every((store) => store === given)).toBe(true);
  });

  it('refuses options at the call, before anything is subscribed to', () => {
    const invalid = expect.objectContaining({ code: 'OPERATOR_OPTION_INVALID' });
    expect(() => slidingCount({ windowMs: 0, keyOf: () => 'k' })).toThrow(invalid);
  });

  it('lets the next subscription go on where the one before it stopped, if it is given', () => {
    const options = { windowMs: 10, keyOf: (): string => 'k' };
    const failing = concat(
      from([eventElement('a', 1)]),
      throwError(() => new Error('source failed')),
    );
    const counts: number[] = [];
    const counted = slidingCount<string>(options, new SlidingTimes(options));
    failing.pipe(counted).subscribe({ error: () => undefined });
    from([eventElement('b', 2)])
      .pipe(counted)
      .subscribe(({ eventCount }) => counts.push(eventCount));
    expect(counts).toEqual([2]);
  });
});
