import { collect, describeOperatorLifecycle, eventElement, jsonCopy, watermark } from '../testing';
import { MistimedCounts, mistimedEvents } from './mistimed-events';
import { WATERMARK_NONE } from './source-table';
import type { StreamElement } from './stream-element';

const late = (timeMs: number): StreamElement<string> => eventElement('l', timeMs, 'late');
const skewed = (timeMs: number): StreamElement<string> => eventElement('s', timeMs, 'skewed');

describe('mistimedEvents', () => {
  describeOperatorLifecycle({
    operator: () => mistimedEvents<string>(),
    input: [skewed(99), watermark<string>(5), eventElement('e', 6), late(4)],
    output: [
      { event: 's', timeMs: 99, timing: 'skewed', watermarkMs: WATERMARK_NONE },
      { event: 'l', timeMs: 4, timing: 'late', watermarkMs: 5 },
    ],
    endless: late,
  });

  it('counts, and goes on from a snapshot with its watermark', () => {
    const counts = new MistimedCounts();
    collect(mistimedEvents(counts), [late(1), watermark(7), late(2), skewed(99)]);
    const restored = new MistimedCounts();
    restored.restore(jsonCopy(counts.snapshot()));
    expect(collect(mistimedEvents(restored), [late(3)])).toMatchObject([{ watermarkMs: 7 }]);
    expect([restored.lateCount, restored.skewedCount]).toEqual([3, 1]);
    restored.restore(jsonCopy(new MistimedCounts().snapshot()));
    expect(restored).toEqual(new MistimedCounts());
  });
});
