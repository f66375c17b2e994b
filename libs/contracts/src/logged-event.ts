import { decodeBody } from './body-decoder';
import type { LoggedEvent, ProtegoEvent } from './event';
import { dataschemaOf, type EventRegistry } from './event-registry';
import type { EventSeq } from './ids';

/** What a log stores of an event, as any reader gives it back. */
export interface StoredEvent {
  readonly seq: EventSeq;
  readonly timeMs: number;
  readonly arrivedAtMs: number;
  /** The body's `type`; bodies decode faster with it. */
  readonly type?: string;
  /** Canonical JSON, UTF-8; personal fields hold placeholders. */
  readonly body: Uint8Array;
  /** Sealed personal fields of the body; missing or empty where there are none. */
  readonly sealed?: Uint8Array;
}

/** An event whose personal fields were opened as far as their keys exist. */
export interface OpenedEvent {
  readonly event: ProtegoEvent;
  /** Clear text → pseudonym, for every personal value that now stands in `event` in clear. */
  readonly pseudonyms: ReadonlyMap<string, string>;
  /** JSON pointers of fields whose keys were destroyed. */
  readonly erased: readonly string[];
}

/** A stored event, decoded, and the sealed personal fields beside it. */
export interface StoredFields {
  readonly event: ProtegoEvent;
  /** Empty where there are none. */
  readonly sealed: Uint8Array;
}

/** Puts clear values into the placeholders of stored events; one result each, in order. */
export type OpenPersonalFields = (records: readonly StoredFields[]) => Promise<readonly OpenedEvent[]>;

/**
 * A stored record as the pipeline reads it, its data lifted to the latest version of its type, which `dataschema` then
 * names. Personal fields keep their placeholders.
 *
 * @throws ProtegoError `EVENT_TYPE_UNKNOWN` or `EVENT_VERSION_UNKNOWN` for a record of a newer Protego
 */
export function readLoggedEvent(stored: StoredEvent, registry: EventRegistry): LoggedEvent {
  const { seq, timeMs, arrivedAtMs } = stored;
  return { seq, timeMs, arrivedAtMs, event: lifted(decoded(stored), registry) };
}

/**
 * Stored records as the pipeline reads them, in order, with their personal fields opened as far as their keys exist: all
 * that have any in one call of `open`. Without `open`, as {@link readLoggedEvent}.
 *
 * @throws ProtegoError as {@link readLoggedEvent}; what `open` throws
 */
export async function readLoggedEvents(
  stored: readonly StoredEvent[],
  registry: EventRegistry,
  open?: OpenPersonalFields,
): Promise<LoggedEvent[]> {
  if (open === undefined) return stored.map((each) => readLoggedEvent(each, registry));
  const events = stored.map(decoded);
  const fields: StoredFields[] = [];
  stored.forEach(({ sealed }, i) => {
    if (sealed !== undefined && sealed.length > 0) fields.push({ event: events[i] as ProtegoEvent, sealed });
  });
  const opened = fields.length === 0 ? [] : await open(fields);
  let next = 0;
  return stored.map(({ seq, timeMs, arrivedAtMs, sealed }, i) => {
    if (sealed === undefined || sealed.length === 0)
      return { seq, timeMs, arrivedAtMs, event: lifted(events[i] as ProtegoEvent, registry) };
    const { event, pseudonyms, erased } = opened[next++] as OpenedEvent;
    return {
      seq,
      timeMs,
      arrivedAtMs,
      event: lifted(event, registry),
      ...(pseudonyms.size === 0 ? {} : { pseudonyms }),
      ...(erased.length === 0 ? {} : { erased }),
    };
  });
}

function decoded({ body, type }: StoredEvent): ProtegoEvent {
  return decodeBody(body, 0, body.length, type ?? '') as ProtegoEvent;
}

function lifted(event: ProtegoEvent, registry: EventRegistry): ProtegoEvent {
  const data = registry.upcast(event.type, event.dataschema, event.data);
  if (data === event.data) return event;
  return { ...event, dataschema: dataschemaOf(event.type, registry.latestVersionOf(event.type)), data };
}
