import { decodeHTML } from 'entities';
import { base64TextsOf } from './base64-texts';
import { MAY_BE_INVISIBLE, percentDecoded, unescaped, withoutInvisible } from './text-escapes';
import { withAttributesOnly, withoutTags } from './text-markup';

/** Codings within one another are looked through so deep. */
const DEPTH_MAX = 6;
const FORMS_MAX = 64;
/** Forms of texts that come together, and those that each of them has all the same. */
const FORMS_TOGETHER_MAX = 8_192;
const FORMS_MIN = 8;
/** Most characters of all forms together: so many times those of the text, and some more so that short texts are looked through. */
const GROWTH_MAX = 8;
const CHARACTERS_MORE = 65_536;
const CHARACTERS_MAX = 4_194_304;
/** Of text that is not all ASCII, which takes longer to read. */
const WIDE_CHARACTERS_MAX = 1_572_864;
/** Of one of several texts that come together, where it has so many. */
const SHARED_CHARACTERS_MIN = 393_216;
/** Of longer texts the first and the last so many characters are decoded. */
const DECODED_CHARACTERS_MAX = 1_048_576;

/** What one coding is taken away by; the very text where it has none. */
type Decoder = (text: string, charactersMax: number) => string;

const MAY_BE_CODED = new RegExp(`[\\\\%&<${MAY_BE_INVISIBLE}]|[A-Za-z0-9+/_-]{12}`);

/** In the order in which they come where not all of a long text can be read. */
const DECODERS: readonly Decoder[] = [
  withoutInvisible,
  withoutTags,
  (text) => withoutEntities(percentDecoded(text)),
  unescaped,
  withAttributesOnly,
  (text, charactersMax) => base64TextsOf(text, charactersMax) || text,
];

/** Bounds of one text where so many come together. */
interface Share {
  readonly formsMax: number;
  readonly charactersMore: number;
  readonly charactersMax: number;
  readonly wideCharactersMax: number;
}

const ALONE = shareOf(1);

function shareOf(texts: number): Share {
  const ofAll = (characters: number): number => Math.max(SHARED_CHARACTERS_MIN, Math.floor(characters / texts));
  return {
    formsMax: Math.min(FORMS_MAX, Math.max(FORMS_MIN, Math.floor(FORMS_TOGETHER_MAX / texts))),
    charactersMore: Math.ceil(CHARACTERS_MORE / texts),
    charactersMax: ofAll(CHARACTERS_MAX),
    wideCharactersMax: ofAll(WIDE_CHARACTERS_MAX),
  };
}

/**
 * All ways in which a text may be read: as it stands, without the escapes of JSON (RFC 8259), percent encoding (RFC 3986; of
 * UTF-8, else of Latin-1), tags and entities of markup, invisible characters and the zeros of UTF-16 read as bytes, and what
 * base64 (RFC 4648) in it says as text; and so again each of these. Each form stands once; the first is the text itself. Forms
 * and their characters are bounded: at most 64, and 8 times the text and 64 Ki, at most 4 Mi, or 1.5 Mi where the text is not
 * all ASCII. Of a text of more than 2 Mi characters only the first and last Mi are decoded.
 *
 * @param together how many texts come together, such as those of one event: each then has fewer forms the more of them there
 *   are, so that all take about as long as one long text
 */
export function textForms(text: string, together = 1): string[] {
  // Nearly all texts have one form only.
  if (!MAY_BE_CODED.test(text)) return [text];
  const forms = new Set<string>([text]);
  const share = together > 1 ? shareOf(together) : ALONE;
  let level = endsOf(text);
  let charactersLeft = charactersMaxOf(text, level.length * (level[0] as string).length, share);
  for (let depth = 0; depth < DEPTH_MAX && level.length > 0; depth++) {
    const next: string[] = [];
    for (const form of level) {
      for (const decode of DECODERS) {
        if (charactersLeft <= 0 || forms.size >= share.formsMax) return [...forms];
        const whole = decode(form, charactersLeft);
        if (whole === form) continue;
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

/** Most characters of all forms but the text itself. */
function charactersMaxOf(text: string, given: number, share: Share): number {
  const grown = GROWTH_MAX * given + share.charactersMore;
  if (grown <= SHARED_CHARACTERS_MIN) return grown;
  const isAscii = Buffer.byteLength(text) === text.length;
  return Math.min(grown, isAscii ? share.charactersMax : share.wideCharactersMax);
}

function endsOf(text: string): string[] {
  if (text.length <= 2 * DECODED_CHARACTERS_MAX) return [text];
  return [text.slice(0, DECODED_CHARACTERS_MAX), text.slice(-DECODED_CHARACTERS_MAX)];
}

function withoutEntities(text: string): string {
  return text.includes('&') ? decodeHTML(text) : text;
}
