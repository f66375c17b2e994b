import {
  CLOCK_FAMILY,
  EVENT_BYTES_MAX,
  EventValidator,
  INPUT_FAMILIES,
  KNOWLEDGE_FAMILIES,
  ProtegoError,
  canonicalJson,
  eventRegistry,
  familyOf,
  type ProtegoEvent,
  type SourceDeclaration,
  type SourceDeclarations,
} from '@protego/contracts';

/** A message as it came in, with what its subject or token says of it. */
export interface RawInput {
  readonly bytes: Uint8Array;
  /** Source that the subject or the token belongs to. */
  readonly source: string;
  /** Family of the subject; undefined over HTTP, where the token allows all families of its source. */
  readonly family: string | undefined;
}

/** An event that may enter the log. */
export interface AdmissibleEvent {
  readonly event: ProtegoEvent;
  readonly timeMs: number;
  /** Pipeline time that the producer sent and is declared to carry, milliseconds. */
  readonly carriedMs: number | undefined;
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Decides what may become an event: form, type, and whether this source may say it. Holds no state of the stream. */
export class EventGate {
  readonly #validator = new EventValidator(eventRegistry);
  readonly #sources: ReadonlyMap<string, SourceDeclaration>;

  constructor(
    private readonly site: string,
    declarations: SourceDeclarations,
  ) {
    this.#sources = new Map(declarations.sources.map((source) => [source.name, source]));
  }

  /** True for a source that sources.yaml declares. */
  isDeclared(source: string): boolean {
    return this.#sources.has(source);
  }

  /**
   * The event that the bytes hold.
   *
   * @throws ProtegoError with an `EVENT_*` code
   */
  admit(input: RawInput): AdmissibleEvent {
    const { event, timeMs, arrivedAtMs } = this.#parse(input.bytes);
    const declaration = this.#authorise(event, input);
    requireFitting(event);
    return { event, timeMs, carriedMs: declaration.carriesClock ? arrivedAtMs : undefined };
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

  #authorise(event: ProtegoEvent, { source, family }: RawInput): SourceDeclaration {
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
    if (event.site !== this.site)
      throw new ProtegoError('EVENT_SITE_FOREIGN', `event names site \`${event.site}\``, { site: this.site });
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
function requireFitting(event: ProtegoEvent): void {
  const bytes = Buffer.byteLength(canonicalJson(event));
  if (bytes > EVENT_BYTES_MAX) throw tooLarge(bytes);
}

function tooLarge(bytes: number): ProtegoError {
  return new ProtegoError('EVENT_TOO_LARGE', `event has ${bytes} bytes`, { bytes, bytesMax: EVENT_BYTES_MAX });
}
