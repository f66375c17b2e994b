import {
  CLOCK_FAMILY,
  EVENT_BYTES_MAX,
  EventValidator,
  INPUT_FAMILIES,
  JSON_DEPTH_MAX,
  KNOWLEDGE_FAMILIES,
  ProtegoError,
  canonicalJson,
  eventRegistry,
  familyOf,
  parseRfc3339Ms,
  type ProtegoEvent,
  type SourceDeclaration,
  type SourceDeclarations,
} from '@protego/contracts';
import { type AdmittedEvent, type RawEvent } from '../personal-data';
import { type KnownMessage } from './known-messages';

/** Whose events a gate lets in. */
export interface GateOptions {
  /** Site that every event must name. */
  readonly site: string;
  /** Sources that may send, and what each may say. */
  readonly sources: SourceDeclarations;
}

/** An event that may enter the log. */
export interface AdmissibleEvent {
  readonly event: ProtegoEvent;
  readonly timeMs: number;
  /** Pipeline time that the producer sent and is declared to carry, milliseconds. */
  readonly carriedMs: number | undefined;
}

/** What is known of a message before it is sealed. */
export type AdmittedMessage = Omit<AdmittedEvent, 'sealed'>;

/** How many times longer than a message its canonical form can be: `1e15` is written with sixteen digits. */
const GROWTH_MAX = 4;

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Decides what may become an event: form, type, and whether this source may say it. Holds no state of the stream. */
export class EventGate {
  readonly #validator = new EventValidator(eventRegistry);
  readonly #sources: ReadonlyMap<string, SourceDeclaration>;

  readonly #site: string;

  constructor({ site, sources }: GateOptions) {
    this.#site = site;
    this.#sources = new Map(sources.sources.map((source) => [source.name, source]));
  }

  /**
   * The event that the bytes hold.
   *
   * @throws ProtegoError with an `EVENT_*` code
   */
  admit(input: RawEvent): AdmissibleEvent {
    const { event, timeMs, arrivedAtMs } = this.#parse(input.bytes);
    const declaration = this.#authorise(event, input);
    requireFitting(event, input.bytes.length);
    return { event, timeMs, carriedMs: declaration.carriesClock ? arrivedAtMs : undefined };
  }

  /**
   * The same of a message whose form is known to be right; undefined where {@link admit} has to say what is wrong with it.
   *
   * @throws ProtegoError with an `EVENT_*` code
   */
  admitKnown(message: KnownMessage, input: RawEvent): AdmittedMessage | undefined {
    const { places, kind } = message;
    const { source } = input;
    if (!message.isText(places.source, source) || !message.isText(places.site, this.#site)) return undefined;
    const timeMs = parseRfc3339Ms(message.text(places.time));
    const arrivedAtMs = places.arrivedat < 0 ? undefined : this.#arrivalOf(message, timeMs);
    if (timeMs === undefined || (places.arrivedat >= 0 && arrivedAtMs === undefined)) return undefined;
    const { type } = kind;
    const { carriesClock } = this.#authorise({ source, type, site: this.#site }, input);
    return { source, id: message.text(places.id), type, timeMs, carriedMs: carriesClock ? arrivedAtMs : undefined };
  }

  #arrivalOf(message: KnownMessage, timeMs: number | undefined): number | undefined {
    const { time, arrivedat } = message.places;
    return message.isSame(time, arrivedat) ? timeMs : parseRfc3339Ms(message.text(arrivedat));
  }

  #parse(bytes: Uint8Array): ReturnType<EventValidator['check']> {
    // Canonical text is never longer than twice the text it comes from, so a first bound spares the parser.
    if (bytes.length > 2 * EVENT_BYTES_MAX) throw tooLarge(bytes.length);
    let value: unknown;
    try {
      value = JSON.parse(decoder.decode(bytes));
    } catch (error) {
      throw new ProtegoError(
        'EVENT_JSON_INVALID',
        `not JSON in UTF-8: ${(error as Error).message.slice(0, 200).toWellFormed()}`,
      );
    }
    return this.#validator.check(value);
  }

  #authorise(event: Pick<ProtegoEvent, 'type' | 'source' | 'site'>, { source, family }: RawEvent): SourceDeclaration {
    const typeFamily = familyOf(event.type);
    const declaration = this.#sources.get(source);
    if (declaration === undefined)
      throw new ProtegoError('EVENT_SOURCE_UNDECLARED', `source \`${source}\` is not declared`, { source });
    if (event.source !== source) {
      throw new ProtegoError(
        'EVENT_SOURCE_FORGED',
        `event names source \`${event.source}\` but came as \`${source}\``,
        { source, claimed: event.source },
      );
    }
    if (event.site !== this.#site)
      throw new ProtegoError('EVENT_SITE_FOREIGN', `event names site \`${event.site}\``, { site: this.#site });
    this.#checkFamily(declaration, typeFamily, event.type);
    if (family !== undefined && family !== typeFamily) {
      throw new ProtegoError(
        'EVENT_FAMILY_NOT_ALLOWED',
        `\`${event.type}\` came on the subject of family \`${family}\``,
        { type: event.type, family },
      );
    }
    return declaration;
  }

  #checkFamily(declaration: SourceDeclaration, family: string, type: string): void {
    const isInput = (INPUT_FAMILIES as readonly string[]).includes(family);
    const isKnowledge = (KNOWLEDGE_FAMILIES as readonly string[]).includes(family);
    if (!isInput && !isKnowledge && family !== CLOCK_FAMILY) {
      throw new ProtegoError('EVENT_TYPE_NOT_ACCEPTED', `\`${type}\` is not an input type`, { type });
    }
    const isAllowed = isInput
      ? declaration.families.includes(family)
      : isKnowledge
        ? declaration.authoritativeFor.includes(family)
        : declaration.carriesClock;
    if (!isAllowed) {
      throw new ProtegoError('EVENT_FAMILY_NOT_ALLOWED', `source \`${declaration.name}\` may not publish \`${type}\``, {
        source: declaration.name,
        type,
      });
    }
  }
}

// Writing it also finds numbers, texts and nesting that have no canonical form.
function requireFitting(event: ProtegoEvent, rawBytes: number): void {
  // Most messages are short and plain: to see that takes a fraction of the time.
  if (rawBytes * GROWTH_MAX <= EVENT_BYTES_MAX && isSurelyCanonical(event, 0)) return;
  const bytes = Buffer.byteLength(canonicalJson(event));
  if (bytes > EVENT_BYTES_MAX) throw tooLarge(bytes);
}

/** True for a value out of JSON that {@link canonicalJson} writes; false where only that can tell. */
function isSurelyCanonical(value: unknown, depth: number): boolean {
  if (typeof value === 'string') return value.isWellFormed();
  if (typeof value === 'number') return Number.isInteger(value) ? Number.isSafeInteger(value) : Number.isFinite(value);
  if (typeof value !== 'object' || value === null) return true;
  if (depth >= JSON_DEPTH_MAX) return false;
  if (Array.isArray(value)) return value.every((each) => isSurelyCanonical(each, depth + 1));
  for (const key of Object.keys(value)) {
    if (!key.isWellFormed() || !isSurelyCanonical((value as Record<string, unknown>)[key], depth + 1)) return false;
  }
  return true;
}

function tooLarge(bytes: number): ProtegoError {
  return new ProtegoError('EVENT_TOO_LARGE', `event has ${bytes} bytes`, { bytes, bytesMax: EVENT_BYTES_MAX });
}
