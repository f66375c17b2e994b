import { badge, details, figure, html, htmlPage, joined, list, note, paragraph, section, table } from './html-page';

const EXTERNAL = /\b(src|href|action|data|poster)\s*=|url\(|@import|<script|<link|<iframe|\bon\w+\s*=/i;

describe('html page', () => {
  const page = htmlPage({
    title: 'A <report> & "more"',
    subtitle: 'from & to',
    parts: [
      section({ id: 'what', heading: 'What', parts: [paragraph('a < b'), note('left out: 3')] }),
      table({
        id: 'rows',
        caption: 'Rows <caption>',
        columns: [{ name: 'rule' }, { name: 'count', isNumber: true }],
        rows: [['<script>alert(1)</script>', '3']],
      }),
      figure({ id: 'plot', svg: '<svg xmlns="http://www.w3.org/2000/svg"><title>t</title></svg>', caption: 'Figure' }),
    ],
  });

  it('is one document that says its title as text', () => {
    expect(page.startsWith('<!doctype html>\n<html lang="en">')).toBe(true);
    expect(page).toContain('<title>A &lt;report&gt; &amp; &quot;more&quot;</title>');
    expect(page.endsWith('</html>\n')).toBe(true);
  });

  it('holds no script, no reference to elsewhere, and forbids both', () => {
    expect(page).not.toMatch(EXTERNAL);
    expect(page).toContain("default-src 'none'");
    expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
  });

  it('gives sections, tables and figures the ids that they are found by', () => {
    for (const id of ['what', 'rows', 'plot']) expect(page).toContain(`id="${id}"`);
  });

  it('is legible in the dark as well', () => expect(page).toContain('prefers-color-scheme: dark'));

  it('gives the same bytes for the same parts', () => {
    const made = (): string => htmlPage({ title: 't', parts: [paragraph('x')] });
    expect(made()).toBe(made());
  });
});

describe('parts of a page', () => {
  it('escapes text, and takes parts that are written already as they are', () => {
    expect(paragraph('<b>').html).toBe('<p>&lt;b&gt;</p>\n');
    expect(paragraph(joined([badge('new', 'added'), ' & old'])).html).toBe(
      '<p><span class="badge added">new</span> &amp; old</p>\n',
    );
  });

  it('replaces characters that no document may hold', () => {
    expect(html('a\u0000b\u001b[31m\ud800').html).toBe('a\ufffdb\ufffd[31m\ufffd');
    expect(html('line\nnext\ttab').html).toBe('line\nnext\ttab');
  });

  it('writes lists, and parts that open on a click without a script', () => {
    expect(list(['a', 'b']).html).toBe('<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n');
    expect(details('more', [paragraph('x')]).html).toBe('<details>\n<summary>more</summary>\n<p>x</p>\n</details>\n');
  });

  it('says that a table has no rows', () => {
    const empty = table({ id: 't', caption: 'c', columns: [{ name: 'a' }], rows: [], empty: 'nothing differs' });
    expect(empty.html).toContain('nothing differs');
    expect(empty.html).not.toContain('<table');
  });
});
