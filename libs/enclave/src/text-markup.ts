const COMMENT = '<!--';
const COMMENT_END = '-->';
const CDATA = '<![CDATA[';
const CDATA_END = ']]>';
const LESS = 0x3c;
const GREATER = 0x3e;
/** Values of attributes: what stands between quotes after `=`. */
const VALUE = /=\s*(?:"([^"]*)"|'([^']*)')/g;

/** The text with a blank for each tag and comment of markup, and without the brackets of CDATA. */
export function withoutTags(text: string): string {
  return text.includes('<') ? replaceTags(text, () => ' ') : text;
}

/** The text with the values of its attributes for each tag: `<family value="Keller"/><given value="Maria"/>` is `Keller Maria`. */
export function withAttributesOnly(text: string): string {
  if (!text.includes('<') || !text.includes('=')) return text;
  return replaceTags(text, (tag) => {
    let values = ' ';
    for (const [, double, single] of tag.matchAll(VALUE)) values += `${double ?? single ?? ''} `;
    return values;
  });
}

function replaceTags(text: string, replacementOf: (tag: string) => string): string {
  let replaced = '';
  let from = 0;
  // A comment without an end would be looked for again and again.
  // Not `includes`: the compiler takes a search without effects into the loop, where it is made for each `<`.
  let hasComments = text.lastIndexOf(COMMENT_END) >= 0;
  for (let at = text.indexOf('<'); at >= 0; at = text.indexOf('<', at)) {
    let end = tagEnd(text, at);
    if (text.startsWith(CDATA, at)) end = at + CDATA.length;
    else if (hasComments && text.startsWith(COMMENT, at)) {
      const close = text.indexOf(COMMENT_END, at + COMMENT.length);
      hasComments = close >= 0;
      if (close >= 0) end = close + COMMENT_END.length;
    }
    if (end < 0) at++;
    else {
      replaced += text.slice(from, at) + replacementOf(text.slice(at, end));
      from = at = end;
    }
  }
  if (from === 0) return text;
  const whole = replaced + text.slice(from);
  return text.includes(CDATA) ? whole.replaceAll(CDATA_END, ' ') : whole;
}

/** Where the tag at a place ends; -1 where there is none. Two tags do not overlap, so that each character is passed once. */
function tagEnd(text: string, at: number): number {
  const code = text.charCodeAt(at + 1);
  const isLetter = (code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a;
  if (!isLetter && code !== 0x2f && code !== 0x21 && code !== 0x3f) return -1;
  for (let i = at + 1; i < text.length; i++) {
    const each = text.charCodeAt(i);
    if (each === GREATER) return i + 1;
    if (each === LESS) return -1;
  }
  return -1;
}
