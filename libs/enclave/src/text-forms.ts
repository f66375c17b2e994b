import { isUtf8 } from 'node:buffer';
import { decodeHTML } from 'entities';

/** JSON within JSON is looked through so deep. */
const UNESCAPINGS_MAX = 3;
/** Percent encoding and markup within one another are looked through so deep. */
const DECODINGS_MAX = 2;
/** Runs of base64 that are decoded of one text; more are left alone. */
const BASE64_RUNS_MAX = 64;
/** Shorter runs are words far more often than base64, and hold hardly a name. */
const BASE64_RUN = /[A-Za-z0-9+/_-]{12,}/g;
const TAG = /<[a-zA-Z/!?][^<>]{0,512}>/g;
const CONTROL_CHARACTER = /\p{Cc}/u;

/**
 * All ways in which a text may be read: as it stands, without the escapes of JSON (RFC 8259), percent encoding (RFC 3986; of
 * UTF-8, else of Latin-1), tags and entities of markup, the zeros of UTF-16 read as bytes, and what base64 (RFC 4648) in it
 * says as text. Each form stands once; the first is the text itself.
 */
export function textForms(text: string): string[] {
  // Nearly all texts have one form only.
  if (!MAY_BE_CODED.test(text)) return [text];
  const forms = new Set<string>();
  addForms(text, forms);
  // PowerShell takes whole commands as base64 of UTF-16; tokens and data URLs are base64 of UTF-8.
  for (const form of [...forms]) for (const hidden of base64TextsOf(form)) addForms(hidden, forms);
  return [...forms];
}

const MAY_BE_CODED = /[\\%&<\0]|[A-Za-z0-9+/_-]{12}/;

function addForms(text: string, forms: Set<string>): void {
  let form = text;
  addDecoded(form, forms);
  for (let left = UNESCAPINGS_MAX; left > 0 && form.includes('\\'); left--) addDecoded((form = unescaped(form)), forms);
}

function addDecoded(text: string, forms: Set<string>): void {
  let form = text.includes('\0') ? withoutZeros(text, forms) : text;
  forms.add(form);
  for (let left = DECODINGS_MAX; left > 0; left--) {
    const decoded = withoutMarkup(percentDecoded(form));
    if (decoded === form) return;
    forms.add((form = decoded));
  }
}

function withoutZeros(text: string, forms: Set<string>): string {
  forms.add(text);
  return text.replaceAll('\0', '');
}

/** Escapes that are not valid stay as they are, without their backslash. */
function unescaped(text: string): string {
  return text.replace(
    /\\(?:u([0-9a-fA-F]{4})|([bfnrt])|(.))/gs,
    (_, code?: string, blank?: string, same = ''): string => {
      if (code !== undefined) return String.fromCharCode(Number.parseInt(code, 16));
      return blank === undefined ? String(same) : ' ';
    },
  );
}

function percentDecoded(text: string): string {
  if (!text.includes('%')) return text;
  return text.replace(/(?:%[0-9a-fA-F]{2})+/g, (codes) => {
    const bytes = Buffer.from(codes.replaceAll('%', ''), 'hex');
    return bytes.toString(isUtf8(bytes) ? 'utf8' : 'latin1');
  });
}

function withoutMarkup(text: string): string {
  const plain = text.includes('<') ? text.replace(TAG, ' ') : text;
  return plain.includes('&') ? decodeHTML(plain) : plain;
}

function base64TextsOf(text: string): string[] {
  const texts: string[] = [];
  let runs = 0;
  for (const [run] of text.matchAll(BASE64_RUN)) {
    if (++runs > BASE64_RUNS_MAX) break;
    const bytes = Buffer.from(run, 'base64');
    // The letters of UTF-16 in the languages that have base64 in their commands have a zero in each second byte.
    const isWide = bytes.length >= 6 && bytes[1] === 0 && bytes[3] === 0 && bytes[5] === 0;
    if (isWide) texts.push(bytes.toString('utf16le'));
    else if (isUtf8(bytes)) {
      const hidden = bytes.toString('utf8');
      if (!CONTROL_CHARACTER.test(hidden.replace(/[\t\r\n]/g, ''))) texts.push(hidden);
    }
  }
  return texts;
}
