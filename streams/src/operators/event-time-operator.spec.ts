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
});
