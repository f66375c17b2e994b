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

/** Puts clear values into the placeholders of a stored event. */
export type OpenPersonalFields = (event: ProtegoEvent, sealed: Uint8Array) => OpenedEvent;

/**
 * A stored record as the pipeline reads it, its data lifted to the latest version of its type, which `dataschema` then
 * names. Without `open`, personal fields keep their placeholders.
 *
 * @throws ProtegoError `EVENT_TYPE_UNKNOWN` or `EVENT_VERSION_UNKNOWN` for a record of a newer Protego
 */
export function readLoggedEvent(stored: StoredEvent, registry: EventRegistry, open?: OpenPersonalFields): LoggedEvent {
  const { seq, timeMs, arrivedAtMs, body, sealed } = stored;
  const event = decodeBody(body, 0, body.length, stored.type ?? '') as ProtegoEvent;
  if (open === undefined || sealed === undefined || sealed.length === 0)
    return { seq, timeMs, arrivedAtMs, event: lifted(event, registry) };
  const opened = open(event, sealed);
  return {
    seq,
    timeMs,
    arrivedAtMs,
    event: lifted(opened.event, registry),
    ...(opened.pseudonyms.size === 0 ? {} : { pseudonyms: opened.pseudonyms }),
    ...(opened.erased.length === 0 ? {} : { erased: opened.erased }),
  };
}

function lifted(event: ProtegoEvent, registry: EventRegistry): ProtegoEvent {
  const data = registry.upcast(event.type, event.dataschema, event.data);
  if (data === event.data) return event;
  return { ...event, dataschema: dataschemaOf(event.type, registry.latestVersionOf(event.type)), data };
}
