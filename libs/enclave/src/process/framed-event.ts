import { EncodedTexts, ProtegoError, type ProtegoEvent } from '@protego/contracts';
import type { AdmittedEvent, ClearSlot, SealedEvent } from '../personal-data';
import { StoredEvent } from '../sealed-event';
import type { SlotKind } from '../sealed-part';
import { FrameReader } from './frame-bytes';

const CONTENT_HASH_BYTES = 8;
const LENGTH_BYTES = 4;
const F64_BYTES = 8;
/** Kind and length. */
const CLEAR_SLOT_BYTES = 5;
/** In place of a number of subjects that a byte cannot tell. */
const MANY_SUBJECTS = 0xff;

/**
 * A sealed event in the frame that brought it. Events wait for their turn by the thousand: what is not asked for is not made,
 * and what is made is not kept, so that little has to be moved when memory is collected.
 */
export class FramedEvent implements SealedEvent {
  readonly #frame: Buffer;
  // A field ends where the length of the next one begins.
  readonly #bodyAt: number;
  readonly #sealedAt: number;
  readonly #contentHashAt: number;
  readonly #subjectsAt: number;
  readonly #subjectCount: number;
  readonly #clearAt: number;
  #stored: StoredEvent | undefined;

  /**
   * Passes over the event, so that the fields that it names are known to be there.
   *
   * @throws ProtegoError `ENCLAVE_CALL_INVALID` when the frame ends before its fields do
   */
  constructor(reader: FrameReader) {
    this.#frame = reader.frame;
    this.#bodyAt = reader.skip();
    this.#sealedAt = reader.skip();
    this.#contentHashAt = reader.skip();
    const contentHashBytes = reader.at - this.#contentHashAt;
    if (contentHashBytes !== CONTENT_HASH_BYTES)
      throw new ProtegoError('ENCLAVE_CALL_INVALID', `a content hash has \`${contentHashBytes}\` bytes`);
    const few = reader.u8();
    this.#subjectCount = few === MANY_SUBJECTS ? reader.count(LENGTH_BYTES) : few;
    this.#subjectsAt = reader.at;
    for (let left = this.#subjectCount; left > 0; left--) reader.skip();
    this.#clearAt = reader.at;
    for (let left = reader.count(CLEAR_SLOT_BYTES); left > 0; left--) {
      reader.u8();
      reader.skip();
    }
  }

  get body(): Buffer {
    return this.#frame.subarray(this.#bodyAt, this.#sealedAt - LENGTH_BYTES);
  }

  get sealed(): Buffer {
    return this.#frame.subarray(this.#sealedAt, this.#contentHashAt - LENGTH_BYTES);
  }

  get contentHash(): Buffer {
    return this.#frame.subarray(this.#contentHashAt, this.#contentHashAt + CONTENT_HASH_BYTES);
  }

  get encodedSubjects(): EncodedTexts {
    return new EncodedTexts(this.#frame, this.#subjectsAt, this.#clearAt, this.#subjectCount);
  }

  get subjects(): readonly string[] {
    const reader = new FrameReader(this.#frame, this.#subjectsAt);
    const subjects: string[] = [];
    while (subjects.length < this.#subjectCount) subjects.push(reader.text());
    return subjects;
  }

  get clear(): readonly ClearSlot[] {
    const reader = new FrameReader(this.#frame, this.#clearAt);
    const clear: ClearSlot[] = [];
    for (let left = reader.u32(); left > 0; left--)
      clear.push({ kind: reader.u8() as SlotKind, plaintext: reader.bytes() });
    return clear;
  }

  get pipelineEvent(): ProtegoEvent {
    return this.#put().pipelineEvent;
  }

  get pseudonyms(): ReadonlyMap<string, string> {
    return this.#put().pseudonyms;
  }

  #put(): StoredEvent {
    return (this.#stored ??= new StoredEvent(this.body, this.sealed, this.contentHash, this.subjects, this.clear));
  }
}

/** An admitted event in the frame that brought it, as {@link FramedEvent} is. */
export class FramedAdmission implements AdmittedEvent {
  readonly source: string;
  readonly type: string;
  readonly sealed: SealedEvent;
  readonly #frame: Buffer;
  readonly #idAt: number;
  readonly #timesAt: number;

  /**
   * Passes over the event.
   *
   * @param before the one before it, which may have the same names
   * @throws ProtegoError `ENCLAVE_CALL_INVALID` when the frame ends before its fields do
   */
  constructor(reader: FrameReader, before: FramedAdmission | undefined) {
    this.#frame = reader.frame;
    this.source = reader.textAgain(before?.source);
    this.#idAt = reader.at;
    reader.skip();
    this.type = reader.textAgain(before?.type);
    this.#timesAt = reader.at;
    reader.f64();
    reader.f64();
    this.sealed = new FramedEvent(reader);
  }

  get id(): string {
    return new FrameReader(this.#frame, this.#idAt).text();
  }

  get timeMs(): number {
    return this.#frame.readDoubleBE(this.#timesAt);
  }

  get carriedMs(): number | undefined {
    const carriedMs = this.#frame.readDoubleBE(this.#timesAt + F64_BYTES);
    return Number.isNaN(carriedMs) ? undefined : carriedMs;
  }
}
