import { ProtegoError, isProtegoError, messageOf, type ErrorCode, type ErrorDetails } from '@protego/contracts';
import type { Admission, AdmittedEvent, RawEvent, SealedEvent, Sealing } from '../personal-data';
import { FramedAdmission, FramedEvent } from './framed-event';
import { type FrameReader, type FrameWriter } from './frame-bytes';

/** Operations of an enclave process. */
export const CALLS = {
  open: 1,
  admit: 2,
  seal: 3,
  flush: 4,
  openFields: 5,
  slotKeys: 6,
  sealText: 7,
  openText: 8,
  find: 9,
  tokensOf: 10,
  namesakesOf: 11,
  destroy: 12,
  sign: 13,
  rotateDataKey: 14,
  close: 16,
  quote: 17,
  inspect: 18,
  dataKeys: 19,
  sealRoot: 20,
  eventsNaming: 21,
  textsNaming: 22,
  namesBehind: 23,
  hiddenTokens: 24,
} as const;
/** One of {@link CALLS}. */
export type Call = (typeof CALLS)[keyof typeof CALLS];

/** How a call ended. */
export const ANSWERS = { done: 0, failed: 1 } as const;

/** Most events of one batch. */
export const BATCH_EVENTS_MAX = 65_536;

const REFUSED = 0;
const TAKEN = 1;
const NO_TIME = Number.NaN;

/** Messages on their way in. */
export function writeRawEvents(writer: FrameWriter, inputs: readonly RawEvent[]): void {
  writer.u32(inputs.length);
  let before: RawEvent | undefined;
  for (const input of inputs) {
    writer.textAgain(input.source, before?.source);
    writer.textAgain(input.family ?? '', before && (before.family ?? ''));
    writer.bytes(input.bytes);
    before = input;
  }
}

/** What {@link writeRawEvents} wrote; the bytes lie in the frame. */
export function readRawEvents(reader: FrameReader): RawEvent[] {
  let source: string | undefined;
  let family: string | undefined;
  return Array.from({ length: batchCount(reader, 12) }, () => {
    source = reader.textAgain(source);
    family = reader.textAgain(family);
    return { source, family: family === '' ? undefined : family, bytes: reader.bytes() };
  });
}

/** Outcomes of {@link readRawEvents}'s messages. */
export function writeAdmissions(writer: FrameWriter, admissions: readonly Admission[]): void {
  writer.u32(admissions.length);
  let before: AdmittedEvent | undefined;
  for (const admission of admissions) {
    if (admission.kind === 'refused') {
      writeRefusal(writer, admission.error);
      continue;
    }
    const { source, id, type, timeMs, carriedMs, sealed } = admission.event;
    writer.u8(TAKEN);
    writer.textAgain(source, before?.source);
    writer.text(id);
    writer.textAgain(type, before?.type);
    before = admission.event;
    writer.f64(timeMs);
    writer.f64(carriedMs ?? NO_TIME);
    writeSealed(writer, sealed);
  }
}

/** What {@link writeAdmissions} wrote; all but names that come again lies in the frame. */
export function readAdmissions(reader: FrameReader): Admission[] {
  let before: FramedAdmission | undefined;
  const admissions: Admission[] = [];
  for (let left = batchCount(reader, 1); left > 0; left--) {
    if (reader.u8() === REFUSED) admissions.push({ kind: 'refused', error: readError(reader) });
    else {
      before = new FramedAdmission(reader, before);
      admissions.push({ kind: 'admitted', event: before });
    }
  }
  return admissions;
}

/** Outcomes of sealing. */
export function writeSealings(writer: FrameWriter, sealings: readonly Sealing[]): void {
  writer.u32(sealings.length);
  for (const sealing of sealings) {
    if (sealing.kind === 'refused') writeRefusal(writer, sealing.error);
    else {
      writer.u8(TAKEN);
      writeSealed(writer, sealing.sealed);
    }
  }
}

/** What {@link writeSealings} wrote. */
export function readSealings(reader: FrameReader): Sealing[] {
  return Array.from({ length: batchCount(reader, 1) }, (): Sealing => {
    if (reader.u8() === REFUSED) return { kind: 'refused', error: readError(reader) };
    return { kind: 'sealed', sealed: new FramedEvent(reader) };
  });
}

/** An error as it crosses the border: code, message and details, no stack and no cause. */
export function writeError(writer: FrameWriter, error: unknown): void {
  const known = isProtegoError(error)
    ? error
    : new ProtegoError('INTERNAL', `the enclave failed: ${messageOf(error)}`.slice(0, 1_000).toWellFormed());
  const { code, message, details } = known;
  writer.json({ code, message, details });
}

/** What {@link writeError} wrote. */
export function readError(reader: FrameReader): ProtegoError {
  const { code, message, details } = reader.json() as { code: ErrorCode; message: string; details: ErrorDetails };
  return new ProtegoError(code, message, details);
}

function writeRefusal(writer: FrameWriter, error: ProtegoError): void {
  writer.u8(REFUSED);
  writeError(writer, error);
}

function writeSealed(writer: FrameWriter, sealed: SealedEvent): void {
  writer.bytes(sealed.body);
  writer.bytes(sealed.sealed);
  writer.bytes(sealed.contentHash);
  writer.u8(sealed.subjects.length > 0xff ? 0xff : sealed.subjects.length);
  if (sealed.subjects.length > 0xfe) writer.u32(sealed.subjects.length);
  for (const subject of sealed.subjects) writer.text(subject);
  writer.u32(sealed.clear.length);
  for (const { kind, plaintext } of sealed.clear) {
    writer.u8(kind);
    writer.bytes(plaintext);
  }
}

/** A count of things of one batch. @throws ProtegoError `ENCLAVE_CALL_INVALID` beyond {@link BATCH_EVENTS_MAX} */
export function batchCount(reader: FrameReader, bytesEach: number): number {
  const count = reader.count(bytesEach);
  if (count <= BATCH_EVENTS_MAX) return count;
  throw new ProtegoError('ENCLAVE_CALL_INVALID', `a batch of ${count} is too large`, { countMax: BATCH_EVENTS_MAX });
}
