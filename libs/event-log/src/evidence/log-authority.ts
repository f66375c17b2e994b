import {
  canonicalJson,
  dataschemaOf,
  formatRfc3339,
  type Clock,
  type EventData,
  type EventSeq,
  type ProtegoEvent,
} from '@protego/contracts';
import type { EventLogWriter } from '../writer/writer';

/**
 * Events that a log records about itself before something is done with it, what people say about its detections and rules, and what a
 * change of artefacts would have done.
 */
export type OwnEventType =
  | 'log.exported'
  | 'log.erased'
  | 'log.expired'
  | 'log.revealed'
  | 'log.key-rotated'
  | 'detection.muted'
  | 'detection.acknowledged'
  | 'detection.unmuted'
  | 'artefact.activated'
  | 'artefact.retired'
  | 'artefact.change-assessed';

/** Whoever may write the log: the engine that holds it, or a command that has taken its lock. */
export interface LogAuthority {
  /**
   * Appends an event about the log; resolves when it is durable. `id` is unique for ever; `timeMs` is its event time, by
   * default that of the wall clock.
   */
  append(type: OwnEventType, id: string, data: EventData, timeMs?: number): Promise<EventSeq>;
  /** Makes the stored hashes of all durable records durable themselves: the records under them may then expire. */
  syncTiles(): Promise<void>;
  /** A signed checkpoint that covers at least all that was durable when it was asked for; its tiles are stored. */
  checkpoint(): Promise<string>;
}

/** Source that events of the log about itself carry, as all that Protego writes in its own name. */
const OWN_SOURCE = 'protego';

/** The authority of whoever has the log open for writing. */
export function writerAuthority(parts: {
  readonly writer: EventLogWriter;
  readonly clock: Clock;
  /** Site that the events name. */
  readonly site: string;
  /** Pipeline time of the log as it stands, so that the events do not move it; by default the wall clock's. */
  readonly arrivedAtMs?: number;
}): LogAuthority {
  const { writer, clock, site, arrivedAtMs } = parts;
  return {
    async append(type, id, data, timeMs) {
      const nowMs = clock.wallMs();
      const eventMs = timeMs ?? nowMs;
      const event: ProtegoEvent = {
        specversion: '1.0',
        id,
        source: OWN_SOURCE,
        type,
        time: formatRfc3339(eventMs),
        site,
        dataschema: dataschemaOf(type, 1),
        data,
      };
      const times = { timeMs: eventMs, arrivedAtMs: arrivedAtMs ?? nowMs, recordedAtMs: nowMs };
      const { firstSeq } = await writer.append([{ body: Buffer.from(canonicalJson(event)), type, ...times }]);
      return firstSeq;
    },
    syncTiles: () => writer.syncTiles(),
    checkpoint: () => writer.signCheckpoint(),
  };
}
