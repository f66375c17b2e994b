import { barChart, bytesText, lineChart, numberText } from './index';
import { legend } from './legend';
import { linearScale, logScale } from './scale';

const bars = {
  title: 'Reads & <more>',
  axis: 'reads',
  series: ['simulated'],
  publishedAs: 'a study',
  rangeAs: 'tenth to ninetieth',
  rows: [
    { name: 'nurse', values: [40], range: [10, 90] as const, published: [55] },
    { name: 'coder', values: [undefined] },
  ],
};

/** Every attribute of that name, as numbers. */
const numbers = (svg: string, name: string): number[] =>
  [...svg.matchAll(new RegExp(` ${name}="(-?[\\d.]+)"`, 'g'))].map(([, text]) => Number(text));

describe('linear scale', () => {
  it('has round ticks from nothing to at least the greatest value', () => {
    expect(linearScale(87, { from: 0, to: 100 }).ticks).toEqual([0, 25, 50, 75, 100]);
    expect(linearScale(152, { from: 0, to: 100 }).ticks).toEqual([0, 25, 50, 75, 100, 125, 150, 175]);
    expect(linearScale(0.3, { from: 0, to: 100 }).ticks).toEqual([0, 0.1, 0.2, 0.3]);
  });

  it('puts values in proportion, and those beyond on the border', () => {
    const { at } = linearScale(100, { from: 10, to: 110 });
    expect([0, 50, 100, 300].map(at)).toEqual([10, 60, 110, 110]);
  });

  it('survives a chart without values', () => {
    expect(linearScale(0, { from: 0, to: 100 }).at(0)).toBe(0);
  });
});

describe('logarithmic scale', () => {
  it('has powers of ten around the values', () => {
    const { at, ticks } = logScale(30, 4000, { from: 0, to: 300 });
    expect(ticks).toEqual([10, 100, 1000, 10_000]);
    expect([10, 100, 10_000].map((value) => Math.round(at(value)))).toEqual([0, 100, 300]);
    expect(at(1)).toBe(0);
  });
});

describe('numbers', () => {
  it.each([
    [0, '0'],
    [0.0312, '0.031'],
    [3.14159, '3.14'],
    [42.55, '42.5'],
    [1234.4, '1,234'],
    [3_400_000, '3.4 million'],
    [1_200_000_000_000, '1.2 trillion'],
  ])('%d is written %s', (value, text) => expect(numberText(value)).toBe(text));
});

it.each([
  [12, '12 B'],
  [1487, '1.49 kB'],
  [9_700_000_000, '9.7 GB'],
  [5e16, '50,000 TB'],
])('%d bytes are written %s', (value, text) => expect(bytesText(value)).toBe(text));

describe('bar chart', () => {
  const svg = barChart(bars);

  it('keeps everything within the picture', () => {
    const [width = 0] = numbers(svg, 'width');
    const [height = 0] = numbers(svg, 'height');
    for (const x of [...numbers(svg, 'x'), ...numbers(svg, 'x1'), ...numbers(svg, 'x2')])
      expect(x >= 0 && x <= width).toBe(true);
    for (const y of [...numbers(svg, 'y'), ...numbers(svg, 'y1'), ...numbers(svg, 'y2')])
      expect(y >= 0 && y <= height).toBe(true);
  });

  it('says title and legend as text, not as markup', () => {
    expect(svg).toContain('<title>Reads &amp; &lt;more&gt;</title>');
    expect(svg).toContain('>a study</text>');
  });

  it('draws bar, range and mark of each row that has them, and of the legend', () => {
    expect(svg.match(/<rect /g)).toHaveLength(4);
    expect(svg.match(/<polygon /g)).toHaveLength(2);
  });

  it('gives the same bytes for the same figures', () => expect(barChart(bars)).toBe(svg));
});

describe('line chart', () => {
  const chart = {
    title: 'Reads by hour',
    xAxis: 'hour',
    yAxis: 'reads',
    curves: [{ name: 'weekday', values: Array.from({ length: 24 }, (_, hour) => hour) }],
    xFirst: 0,
    xLabelEvery: 2,
    published: [{ x: 12, y: 40 }],
    publishedAs: 'a study',
  };

  it('has room for published values above all of its own', () => {
    const svg = lineChart(chart);
    const [first = ''] = /<polygon points="([^"]+)"/.exec(svg)?.slice(1) ?? [];
    const top = Number(first.split(' ')[0]?.split(',')[1]);
    expect(top).toBeGreaterThanOrEqual(30);
  });

  it('labels every second hour', () => {
    expect(lineChart(chart).match(/>22<\/text>/g)).toHaveLength(1);
  });
});

describe('legend', () => {
  it('begins a new line where one is full', () => {
    const entries = ['a'.repeat(40), 'b'.repeat(40), 'c'].map((text) => ({ kind: 'published', text }) as const);
    expect(legend(entries, 100, 0, 500).height).toBe(40);
    expect(legend(entries.slice(2), 100, 0, 500).height).toBe(20);
  });
});
