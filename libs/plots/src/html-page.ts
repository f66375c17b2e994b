import { PAGE_STYLE } from './page-style';

/** Markup that is written already: safe to put into a page as it is. Made by the functions of this module only. */
export interface Html {
  readonly html: string;
}

/** Text, which is escaped, or markup, which is not. */
export type Content = string | Html;

/** A whole page. */
export interface HtmlPage {
  readonly title: string;
  /** A line below the title. */
  readonly subtitle?: Content;
  readonly parts: readonly Html[];
}

/** A part of a page with a heading; `id` is what links and tests find it by. */
export interface HtmlSection {
  readonly id: string;
  readonly heading: string;
  readonly parts: readonly Html[];
}

/** A column of a table; numbers stand at the right. */
export interface HtmlColumn {
  readonly name: string;
  readonly isNumber?: boolean;
}

/** A table. */
export interface HtmlTable {
  readonly id: string;
  readonly caption: string;
  readonly columns: readonly HtmlColumn[];
  /** One cell a column. */
  readonly rows: readonly (readonly Content[])[];
  /** What is said in place of a table without rows. */
  readonly empty?: string;
}

/** A picture in a page, with what it shows in words. */
export interface HtmlFigure {
  readonly id: string;
  /** A picture as `barChart` and `lineChart` give it. */
  readonly svg: string;
  readonly caption: Content;
}

/**
 * Nothing may be fetched, run or sent, whatever a value in the page tries: the page is opened from disk by people who
 * investigate attackers.
 */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

// The characters that XML 1.0 (section 2.2) and HTML refuse; text from a log may hold any.
const FORBIDDEN = /[^\P{Cc}\n\t]|[\ufffe\uffff]/gu;

/**
 * One self-contained HTML page: no script, no reference to elsewhere, legible on light and dark screens and on paper. It
 * is well-formed XML too, so that any parser can check it. The same parts give the same bytes.
 */
export function htmlPage({ title, subtitle, parts }: HtmlPage): string {
  const lines = [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8" />',
    `<meta http-equiv="Content-Security-Policy" content="${POLICY}" />`,
    '<meta name="viewport" content="width=device-width, initial-scale=1" />',
    `<title>${html(title).html}</title>`,
    `<style>${PAGE_STYLE}</style>`,
    '</head>',
    '<body>',
    '<main>',
    `<h1>${html(title).html}</h1>`,
    ...(subtitle === undefined ? [] : [`<p class="subtitle">${html(subtitle).html}</p>`]),
  ];
  return `${lines.join('\n')}\n${parts.map(({ html: part }) => part).join('')}</main>\n</body>\n</html>\n`;
}

/** Text as markup: escaped, and without the characters that a page must not hold. */
export function html(content: Content): Html {
  if (typeof content !== 'string') return content;
  const safe = content.toWellFormed().replace(FORBIDDEN, '\ufffd');
  const escaped = safe.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return { html: escaped.replaceAll('"', '&quot;').replaceAll("'", '&#39;') };
}

/** Parts one after another. */
export function joined(parts: readonly Content[]): Html {
  return { html: parts.map((part) => html(part).html).join('') };
}

/** A section with its heading. */
export function section({ id, heading, parts }: HtmlSection): Html {
  return block('section', [{ html: `<h2>${html(heading).html}</h2>\n` }, ...parts], id);
}

/** A paragraph. */
export function paragraph(content: Content): Html {
  return { html: `<p>${html(content).html}</p>\n` };
}

/** A remark, such as what is left out. */
export function note(content: Content): Html {
  return { html: `<p class="note">${html(content).html}</p>\n` };
}

/** A list of points. */
export function list(items: readonly Content[]): Html {
  return block(
    'ul',
    items.map((item) => ({ html: `<li>${html(item).html}</li>\n` })),
  );
}

/** A word that is marked by what it says: `added`, `lost`, `earlier`, `later`, `changed`, `good`, `bad` have colours. */
export function badge(text: string, kind: string): Html {
  return { html: `<span class="badge ${attribute(kind)}">${html(text).html}</span>` };
}

/** A word of a machine, such as an id or a hash. */
export function code(text: string): Html {
  return { html: `<code>${html(text).html}</code>` };
}

/** Parts that a reader opens with a click. */
export function details(summary: Content, parts: readonly Html[]): Html {
  return block('details', [{ html: `<summary>${html(summary).html}</summary>\n` }, ...parts]);
}

/** A table that scrolls by itself where it is wider than the screen; a remark where it has no rows. */
export function table({ id, caption, columns, rows, empty = 'none' }: HtmlTable): Html {
  if (rows.length === 0) return block('div', [paragraph(`${caption}: ${empty}.`)], id);
  const numbers = columns.map(({ isNumber }) => (isNumber === true ? ' class="number"' : ''));
  const row = (name: string, cells: readonly Content[]): string =>
    `<tr>${cells.map((cell, at) => `<${name}${numbers[at] ?? ''}>${html(cell).html}</${name}>`).join('')}</tr>\n`;
  const head = `<caption>${html(caption).html}</caption>\n<thead>\n${row(
    'th',
    columns.map(({ name }) => name),
  )}</thead>\n`;
  const body = `<tbody>\n${rows.map((cells) => row('td', cells)).join('')}</tbody>\n`;
  return { html: `<div class="scroll">\n<table id="${attribute(id)}">\n${head}${body}</table>\n</div>\n` };
}

/** A picture with its words. */
export function figure({ id, svg, caption }: HtmlFigure): Html {
  return block(
    'figure',
    [{ html: svg.trimEnd() + '\n' }, { html: `<figcaption>${html(caption).html}</figcaption>\n` }],
    id,
  );
}

function block(name: string, parts: readonly Html[], id?: string): Html {
  const named = id === undefined ? '' : ` id="${attribute(id)}"`;
  return { html: `<${name}${named}>\n${parts.map((part) => part.html).join('')}</${name}>\n` };
}

const attribute = (text: string): string => html(text).html;
