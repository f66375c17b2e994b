import { ProtegoError } from '@protego/contracts';
import type { JetStreamManager, MsgRequest, ObjectInfo, ObjectStore, StoredMsg } from 'nats';

/** What ids begin with under which `write` of a target stores: others may be at it now, and no key is in it. */
export const UPLOAD_PREFIX = 'upload-';
/** An upload that has sent nothing for so long has ended. */
const UPLOAD_PAUSE_MS_MAX = 3_600_000;

const NO_MESSAGE = 10037;
const SEQUENCE_NOT_FOUND = 10043;

/** The messages that hold the contents of a bucket, each under the id that the metadata of an object names. */
export class ObjectStoreChunks {
  private readonly stream: string;

  constructor(
    private readonly bucket: string,
    private readonly store: ObjectStore,
    private readonly manager: JetStreamManager,
  ) {
    this.stream = `OBJ_${bucket}`;
  }

  /** Subject of what is stored under an id. */
  subjectOf(id: string): string {
    return `$O.${this.bucket}.C.${id}`;
  }

  /** Metadata of all objects, those that were removed included. */
  async metadata(): Promise<ObjectInfo[]> {
    const expected = (await this.counts(`$O.${this.bucket}.M.>`)).size;
    const byName = new Map<string, ObjectInfo>();
    if (expected === 0) return [];
    for await (const entry of await this.store.watch({ includeHistory: true })) {
      if (entry === null) break;
      byName.set(entry.name, entry);
    }
    // A connection that ends looks like the end of the list: what is missing in it would count as what nobody needs.
    if (byName.size >= expected) return [...byName.values()];
    const message = `the server gave ${byName.size} of the ${expected} entries of the bucket \`${this.bucket}\``;
    throw new ProtegoError('NATS_UNAVAILABLE', message);
  }

  /** How many messages there are under an id. */
  async countOf(id: string): Promise<number> {
    const subject = this.subjectOf(id);
    return (await this.counts(subject)).get(subject) ?? 0;
  }

  /**
   * Has the server write random bytes over every message that no metadata names: the rest of uploads that were cut off, and
   * the content that an object had before. Uploads that others are at are left.
   */
  async eraseUnnamed(): Promise<void> {
    const prefix = this.subjectOf('');
    // First what is there, then what is named: what is stored meanwhile cannot seem to be named by nothing.
    const subjects = [...(await this.counts(`${prefix}>`)).keys()];
    const entries = await this.metadata();
    const named = new Set(entries.filter(({ deleted }) => !deleted).map(({ nuid }) => prefix + nuid));
    for (const subject of subjects) {
      if (named.has(subject)) continue;
      const id = subject.slice(prefix.length);
      if (!id.startsWith(UPLOAD_PREFIX) || (await this.isAbandoned(subject))) await this.erase(id);
    }
  }

  /** Has the server write random bytes over every message under an id. */
  async erase(id: string): Promise<void> {
    const subject = this.subjectOf(id);
    let left = await this.countOf(id);
    if (left === 0) return;
    const { state } = await this.manager.streams.info(this.stream);
    let seq = state.first_seq;
    for (let found = await this.next(subject, seq); found !== undefined && left > 0; left--) {
      await this.eraseMessage(found.seq);
      seq = found.seq + 1;
      found = await this.next(subject, seq);
    }
    // Once some messages of a subject are gone, a server of version 2.9 does not find all others by subject.
    for (; left > 0 && seq <= state.last_seq; seq++) {
      if ((await this.messageOf({ seq }))?.subject !== subject) continue;
      await this.eraseMessage(seq);
      left--;
    }
    const kept = await this.countOf(id);
    if (kept === 0) return;
    const message = `${kept} messages of \`${subject}\` cannot be erased: the server does not give them out`;
    throw new ProtegoError('NATS_UNAVAILABLE', message);
  }

  private async isAbandoned(subject: string): Promise<boolean> {
    // Where the last is not found some were deleted already: an upload deletes nothing.
    const last = await this.messageOf({ last_by_subj: subject });
    return last === undefined || Date.now() - last.time.getTime() > UPLOAD_PAUSE_MS_MAX;
  }

  /** Messages by subject. */
  private async counts(filter: string): Promise<ReadonlyMap<string, number>> {
    const { state } = await this.manager.streams.info(this.stream, { subjects_filter: filter });
    return new Map(Object.entries(state.subjects ?? {}));
  }

  private next(subject: string, seq: number): Promise<StoredMsg | undefined> {
    return this.messageOf({ seq, next_by_subj: subject });
  }

  private async messageOf(query: MsgRequest & { readonly next_by_subj?: string }): Promise<StoredMsg | undefined> {
    try {
      return await this.manager.streams.getMessage(this.stream, query);
    } catch (cause) {
      if (codeOf(cause) === NO_MESSAGE) return undefined;
      throw cause;
    }
  }

  private async eraseMessage(seq: number): Promise<void> {
    try {
      await this.manager.streams.deleteMessage(this.stream, seq, true);
    } catch (cause) {
      // Another has erased it since.
      if (codeOf(cause) !== SEQUENCE_NOT_FOUND) throw cause;
    }
  }
}

function codeOf(cause: unknown): number | undefined {
  return (cause as { api_error?: { err_code?: number } }).api_error?.err_code;
}
