/** Colours that are legible on white and on black: the pictures have no background of their own. */
export const INK = {
  text: '#6e7781',
  grid: '#8c959f55',
  axis: '#8c959f',
  series: ['#2f81c7', '#c9711f', '#3a9c6a', '#9667b8'],
  range: '#2f81c755',
  published: '#d1435b',
} as const;

/** An attribute: numbers are cut to two decimals, so that the same figures give the same bytes everywhere. */
export type Attribute = string | number;

/** One SVG element; children are elements already written, text must be escaped by {@link escaped}. */
export function element(name: string, attributes: Readonly<Record<string, Attribute>>, children: string = ''): string {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${attributeText(value)}"`);
  return children === '' ? `<${name}${written.join('')}/>` : `<${name}${written.join('')}>${children}</${name}>`;
}

/** Text of a label at a place. */
export function label(
  x: number,
  y: number,
  text: string,
  attributes: Readonly<Record<string, Attribute>> = {},
): string {
  return element('text', { x, y, fill: INK.text, 'font-size': 12, ...attributes }, escaped(text));
}

/** A straight line. */
export function line(x1: number, y1: number, x2: number, y2: number, stroke: string, width = 1): string {
  return element('line', { x1, y1, x2, y2, stroke, 'stroke-width': width });
}

/** The mark of a published figure: a diamond. */
export function diamond(x: number, y: number, size = 6): string {
  const points = [
    [x, y - size],
    [x + size, y],
    [x, y + size],
    [x - size, y],
  ];
  const text = points.map((point) => point.map(attributeText).join(',')).join(' ');
  return element('polygon', { points: text, fill: INK.published });
}

/** A whole picture with a title that screen readers say. */
export function picture(width: number, height: number, title: string, children: readonly string[]): string {
  const root = {
    xmlns: 'http://www.w3.org/2000/svg',
    width,
    height,
    viewBox: `0 0 ${width} ${height}`,
    role: 'img',
    'font-family': 'system-ui, sans-serif',
  };
  const heading = label(16, 24, title, { 'font-size': 15, 'font-weight': 600 });
  const inner = [element('title', {}, escaped(title)), heading, ...children].map((child) => `  ${child}\n`).join('');
  return `${element('svg', root, `\n${inner}`)}\n`;
}

/** Text as it may stand in an element or attribute. */
export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

function attributeText(value: Attribute): string {
  return typeof value === 'string' ? escaped(value) : String(Math.round(value * 100) / 100);
}
