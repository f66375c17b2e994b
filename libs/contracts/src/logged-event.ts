import type { LoggedEvent, ProtegoEvent } from './event';
import { dataschemaOf, type EventRegistry } from './event-registry';
import type { EventSeq } from './ids';

/** What a log stores of an event, as any reader gives it back. */
export interface StoredEvent {
  readonly seq: EventSeq;
  readonly timeMs: number;
  readonly arrivedAtMs: number;
  /** Canonical JSON, UTF-8. */
  readonly body: Uint8Array;
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * A stored record as the pipeline reads it, its data lifted to the latest version of its type, which `dataschema` then
 * names.
 *
 * @throws ProtegoError `EVENT_TYPE_UNKNOWN` or `EVENT_VERSION_UNKNOWN` for a record of a newer Protego
 */
export function readLoggedEvent(stored: StoredEvent, registry: EventRegistry): LoggedEvent {
  const event = JSON.parse(decoder.decode(stored.body)) as ProtegoEvent;
  const data = registry.upcast(event.type, event.dataschema, event.data);
  return {
    seq: stored.seq,
    timeMs: stored.timeMs,
    arrivedAtMs: stored.arrivedAtMs,
    event:
      data === event.data
        ? event
        : { ...event, dataschema: dataschemaOf(event.type, registry.latestVersionOf(event.type)), data },
  };
}
