import type { OpenedEvent, ProtegoEvent } from '@protego/contracts';
import { applyOpened, type Entry } from './opened-fields';
import type { ClearSlot, SealedEvent } from './personal-data';

/**
 * An event as the log stores it. What the pipeline sees of it is put together when somebody asks, from the same parts and in
 * the same way as a replay does from the log: most events that are only stored need none.
 */
export class StoredEvent implements SealedEvent {
  #opened: OpenedEvent | undefined;

  constructor(
    readonly body: Buffer,
    readonly sealed: Buffer,
    readonly contentHash: Buffer,
    readonly subjects: readonly string[],
    readonly clear: readonly ClearSlot[],
  ) {}

  get pipelineEvent(): ProtegoEvent {
    return this.#open().event;
  }

  get pseudonyms(): ReadonlyMap<string, string> {
    return this.#open().pseudonyms;
  }

  #open(): OpenedEvent {
    return (this.#opened ??= this.#put());
  }

  #put(): OpenedEvent {
    const event = JSON.parse(this.body.toString('utf8')) as ProtegoEvent;
    const fields = this.clear.map(
      ({ kind, plaintext }) => [kind, JSON.parse(plaintext.toString('utf8')) as Entry[]] as const,
    );
    return applyOpened(event, { isAllOpen: true, fields }, 'staff-and-text');
  }
}
