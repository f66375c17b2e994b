/** An element of an XML document. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: XmlElement[];
  /** Text of the element itself, with its entities resolved. */
  text: string;
}

const TOKEN = /<!--[^]*?-->|<\?[^]*?\?>|<!doctype[^>]*>|<[^>]*>|[^<]+/giy;
const TAG = /^<(\/?)([A-Za-z][\w:.-]*)((?:\s+[\w:.-]+="[^"<]*")*)\s*(\/?)>$/;
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };

/** Reads an XML document, or an HTML page that is one; throws where it is not well-formed. */
export function parseXml(text: string): XmlElement {
  const root: XmlElement = { name: '#document', attributes: {}, children: [], text: '' };
  const open = [root];
  for (const [token] of text.matchAll(TOKEN)) {
    const top = open.at(-1) as XmlElement;
    if (/^<[!?]/.test(token)) continue;
    if (!token.startsWith('<')) top.text += resolved(token);
    else readTag(token, open);
  }
  if (open.length !== 1 || root.children.length !== 1 || root.text.trim() !== '')
    throw new Error('not one whole element');
  return root.children[0] as XmlElement;
}

/** All elements of a name below one, in the order of the document. */
export function elementsOf(element: XmlElement, name: string): XmlElement[] {
  return element.children.flatMap((child) => [...(child.name === name ? [child] : []), ...elementsOf(child, name)]);
}

function readTag(token: string, open: XmlElement[]): void {
  const [, isEnd, name = '', attributes = '', isEmpty] = TAG.exec(token) ?? [];
  if (name === '') throw new Error(`not a tag: ${token.slice(0, 80)}`);
  if (isEnd === '/') {
    const ended = open.pop();
    if (ended?.name !== name) throw new Error(`</${name}> ends <${ended?.name ?? ''}>`);
    return;
  }
  const pairs = [...attributes.matchAll(/([\w:.-]+)="([^"]*)"/g)].map(([, key = '', value = '']) => [
    key,
    resolved(value),
  ]);
  const keys = pairs.map(([key]) => key);
  if (new Set(keys).size !== keys.length) throw new Error(`an attribute of <${name}> is repeated`);
  const element: XmlElement = {
    name,
    attributes: Object.fromEntries(pairs) as Record<string, string>,
    children: [],
    text: '',
  };
  open.at(-1)?.children.push(element);
  if (isEmpty !== '/') open.push(element);
}

function resolved(text: string): string {
  return text.replace(/&([^;]{0,8};?)/g, (whole, inner: string) => {
    const known = inner.endsWith(';') ? ENTITIES[inner.slice(0, -1)] : undefined;
    if (known === undefined) throw new Error(`unknown entity ${whole}`);
    return known;
  });
}
