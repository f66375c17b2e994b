import { barChart, bytesText, gridChart, lineChart, numberText, shiftChart } from './index';
import { legend } from './legend';
import { rowName } from './row-name';
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

it('breaks a long name into two lines, and cuts what does not fit', () => {
  const name = 'Records of other wards were opened without any care relationship';
  const texts = rowName(180, 50, name).join('');
  expect(texts).toContain('>Records of other wards were<');
  expect(texts).toContain('>opened without any care re…<');
  expect(rowName(180, 50, 'short')).toHaveLength(1);
  expect(rowName(180, 50, 'x'.repeat(99)).join('')).toContain(`>${'x'.repeat(26)}…<`);
});

describe('grid', () => {
  const grid = {
    title: 'Load',
    columns: ['03-02', '03-03'],
    axis: 'day',
    rows: [
      { name: 'ward <a>', values: [0, 4], texts: ['0', '3→4'], marked: [false, true] },
      { name: 'ward b', values: [1, 0] },
    ],
    markedAs: 'differs',
  };

  it('has a cell for every value, which says what it stands for', () => {
    const svg = gridChart(grid);
    expect(svg.match(/<rect /g)).toHaveLength(5);
    expect(svg).toContain('<title>ward &lt;a&gt;, 03-03: 3→4</title>');
  });

  it('frames what is marked, and says what a frame means', () => {
    expect(gridChart(grid).match(/stroke-width="2"/g)).toHaveLength(2);
    expect(gridChart({ ...grid, markedAs: undefined }).match(/stroke-width="2"/g)).toHaveLength(1);
  });

  it('grows wider with many columns and keeps all of them within', () => {
    const columns = Array.from({ length: 60 }, (_, day) => `day ${day}`);
    const svg = gridChart({ ...grid, columns, rows: [{ name: 'w', values: columns.map((_, day) => day) }] });
    const [width = 0] = numbers(svg, 'width');
    expect(Math.max(...numbers(svg, 'x'))).toBeLessThanOrEqual(width);
    expect(svg.match(/<rect /g)).toHaveLength(61);
  });
});

describe('shifts', () => {
  const shifts = (...shiftsMs: number[]): string =>
    shiftChart({ title: 'Shifts', axis: 'earlier or later', rows: [{ name: 'rule', shiftsMs }] });

  it('puts what is earlier to the left and what is later to the right, as far as it is', () => {
    const [a = 0, b = 0, c = 0, d = 0] = numbers(shifts(-3_600_000, -5_000, 5_000, 3_600_000), 'cx');
    expect(a < b && b < c && c < d).toBe(true);
    expect(Math.round(a + d)).toBe(Math.round(b + c));
  });

  it('keeps even a shift of years within the picture', () => {
    const svg = shifts(100_000_000_000, -100_000_000_000);
    for (const x of numbers(svg, 'cx')) expect(x >= 190 && x <= 720).toBe(true);
  });

  it('survives rows without shifts', () => expect(shifts()).toContain('</svg>'));
});
