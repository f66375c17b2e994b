import { collect, describeOperatorLifecycle, eventElement, watermark } from '../testing';
import { orderedOperator, watermarkOperator, type EventTimeHandler } from './event-time-operator';
import type { StreamElement } from './stream-element';

const MAKERS = { orderedOperator, watermarkOperator };
const steps = (out: { next: (text: string) => void }): EventTimeHandler<string> => ({
  event: (event, timeMs) => out.next(`${event}${timeMs}`),
  advance: (nowMs) => out.next(`to ${nowMs}`),
});
const at = (timeMs: number, name = 'e'): StreamElement<string> => eventElement(name, timeMs);
const run = (maker: keyof typeof MAKERS, input: readonly StreamElement<string>[]): string[] =>
  collect(MAKERS[maker](steps), input);

describe('watermarkOperator', () => {
  describeOperatorLifecycle<StreamElement<string>, string>({
    operator: () => watermarkOperator(steps),
    input: [at(2), at(1), watermark(3)],
    output: ['e2', 'e1', 'to 3'],
    endless: (index) => at(index),
  });
});

describe('orderedOperator', () => {
  describeOperatorLifecycle<StreamElement<string>, string>({
    operator: () => orderedOperator(steps),
    input: [at(1), watermark(2), at(2)],
    output: ['to 1', 'e1', 'to 2', 'to 2', 'e2'],
    endless: (index) => at(index),
  });

  it('fails at an event that stands before an earlier one or a watermark', () => {
    const unordered = expect.objectContaining({ code: 'STREAM_UNORDERED' });
    expect(() => run('orderedOperator', [at(2), at(1)])).toThrow(unordered);
    expect(() => run('orderedOperator', [watermark(2), at(1)])).toThrow(unordered);
    expect(() => run('orderedOperator', [at(2), watermark(1), at(1)])).toThrow(unordered);
  });

  it('takes events of one time, and a watermark that lags behind them', () => {
    expect(run('orderedOperator', [at(2), at(2, 'f'), watermark(1)])).toEqual(['to 2', 'e2', 'to 2', 'f2', 'to 1']);
  });
});

describe.each(Object.keys(MAKERS) as (keyof typeof MAKERS)[])('%s', (maker) => {
  it('gives no late or skewed event to the handler, and no time of theirs', () => {
    const mistimed = [eventElement('l', 1, 'late' as const), eventElement('s', 99, 'skewed' as const)];
    expect(run(maker, [watermark(5), ...mistimed, watermark(6)])).toEqual(['to 5', 'to 6']);
  });

  it('ends at a time that is no whole number, before the handler sees it', () => {
    const invalid = expect.objectContaining({ code: 'STREAM_TIME_INVALID' });
    for (const timeMs of [Number.NaN, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, 0.5, 2 ** 53])
      expect(() => run(maker, [at(timeMs)])).toThrow(invalid);
    expect(() => run(maker, [watermark(Number.NaN)])).toThrow(invalid);
  });

  it('takes watermarks without end and the greatest and least whole times', () => {
    const [least, most] = [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER];
    const input = [watermark<string>(Number.NEGATIVE_INFINITY), at(least), at(most), watermark<string>(Infinity)];
    expect(run(maker, input)).toEqual(expect.arrayContaining([`e${least}`, `e${most}`, 'to Infinity']));
  });
});
