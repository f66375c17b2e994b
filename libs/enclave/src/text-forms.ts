import { decodeHTML } from 'entities';
import { base64TextsOf } from './base64-texts';
import { percentDecoded, unescaped } from './text-escapes';
import { withAttributesOnly, withoutTags } from './text-markup';

/** Codings within one another are looked through so deep. */
const DEPTH_MAX = 6;
const FORMS_MAX = 64;
/** Most characters of all forms together: so many times those of the text, and some more so that short texts are looked through. */
const GROWTH_MAX = 8;
const CHARACTERS_MORE = 65_536;
const CHARACTERS_MAX = 4_194_304;
/** Of longer texts the first and the last so many characters are decoded. */
const DECODED_CHARACTERS_MAX = 1_048_576;

/** What one coding is taken away by; the very text where it has none. */
type Decoder = (text: string, charactersMax: number) => string;

const DECODERS: readonly Decoder[] = [
  withoutTags,
  (text) => withoutEntities(percentDecoded(text)),
  unescaped,
  (text) => (text.includes('\0') ? text.replaceAll('\0', '') : text),
  withAttributesOnly,
  (text, charactersMax) => base64TextsOf(text, charactersMax) || text,
];

/**
 * All ways in which a text may be read: as it stands, without the escapes of JSON (RFC 8259), percent encoding (RFC 3986; of
 * UTF-8, else of Latin-1), tags and entities of markup, the zeros of UTF-16 read as bytes, and what base64 (RFC 4648) in it
 * says as text; and so again each of these. Each form stands once; the first is the text itself. Forms and their characters
 * are bounded: at most 64, and 8 times the text and 64 Ki, at most 4 Mi; of a text of more than 2 Mi characters only the first and last Mi are
 * decoded.
 */
export function textForms(text: string): string[] {
  // Nearly all texts have one form only.
  if (!MAY_BE_CODED.test(text)) return [text];
  const forms = new Set<string>([text]);
  let level = endsOf(text);
  const given = level.length * (level[0] as string).length;
  let charactersLeft = Math.min(CHARACTERS_MAX, GROWTH_MAX * given + CHARACTERS_MORE);
  for (let depth = 0; depth < DEPTH_MAX && level.length > 0; depth++) {
    const next: string[] = [];
    for (const form of level) {
      for (const decode of DECODERS) {
        const whole = decode(form, charactersLeft);
        if (whole === form || charactersLeft <= 0 || forms.size >= FORMS_MAX) continue;
        const decoded = whole.length > charactersLeft ? whole.slice(0, charactersLeft) : whole;
        if (forms.has(decoded)) continue;
        forms.add(decoded);
        charactersLeft -= decoded.length;
        if (MAY_BE_CODED.test(decoded)) next.push(decoded);
      }
    }
    level = next;
  }
  return [...forms];
}

const MAY_BE_CODED = /[\\%&<\0]|[A-Za-z0-9+/_-]{12}/;

function endsOf(text: string): string[] {
  if (text.length <= 2 * DECODED_CHARACTERS_MAX) return [text];
  return [text.slice(0, DECODED_CHARACTERS_MAX), text.slice(-DECODED_CHARACTERS_MAX)];
}

function withoutEntities(text: string): string {
  return text.includes('&') ? decodeHTML(text) : text;
}
