import type { ProtegoEvent, StoredFields } from '@protego/contracts';
import type { SealedTextForm } from '../personal-data';
import { BATCH_EVENTS_MAX, batchCount } from './call-codec';
import type { FrameReader, FrameWriter } from './frame-bytes';

/** Most bytes of one call that searches, beyond one item: events that are to be sealed do not wait for long. */
const PIECE_BYTES_MAX = 1_048_576;
const FORMS: readonly SealedTextForm[] = ['bytes', 'refused-record'];

/** Items in order, in pieces of so many bytes as one call takes, each of at least one item. */
export function piecesOf<T>(items: readonly T[], bytesOf: (item: T) => number): T[][] {
  const pieces: T[][] = [];
  let piece: T[] = [];
  let bytes = 0;
  for (const item of items) {
    const more = bytesOf(item);
    if (piece.length > 0 && (bytes + more > PIECE_BYTES_MAX || piece.length === BATCH_EVENTS_MAX)) {
      pieces.push(piece);
      piece = [];
      bytes = 0;
    }
    piece.push(item);
    bytes += more;
  }
  if (piece.length > 0) pieces.push(piece);
  return pieces;
}

/** A record on its way in: its event as JSON. */
export interface RecordText {
  readonly event: string;
  readonly sealed: Uint8Array;
}

/** Stored events. */
export function writeRecords(writer: FrameWriter, records: readonly RecordText[]): void {
  writer.u32(records.length);
  for (const { event, sealed } of records) {
    writer.text(event);
    writer.bytes(sealed);
  }
}

/** What {@link writeRecords} wrote; sealed parts lie in the frame. */
export function readRecords(reader: FrameReader): StoredFields[] {
  return Array.from({ length: batchCount(reader, 8) }, () => ({
    event: reader.json() as ProtegoEvent,
    sealed: reader.bytes(),
  }));
}

/** Sealed texts and what they are read as. */
export function writeTexts(writer: FrameWriter, sealed: readonly Uint8Array[], form: SealedTextForm): void {
  writer.u8(FORMS.indexOf(form));
  writer.u32(sealed.length);
  for (const each of sealed) writer.bytes(each);
}

/** What {@link writeTexts} wrote; the texts lie in the frame. */
export function readTexts(reader: FrameReader): { readonly sealed: Buffer[]; readonly form: SealedTextForm } {
  const form = FORMS[reader.u8()] ?? 'bytes';
  return { sealed: Array.from({ length: batchCount(reader, 4) }, () => reader.bytes()), form };
}

/** One answer each. */
export function writeAnswers(writer: FrameWriter, answers: readonly boolean[]): void {
  for (const answer of answers) writer.u8(answer ? 1 : 0);
}

/** What {@link writeAnswers} wrote. */
export function readAnswers(reader: FrameReader, count: number): boolean[] {
  return Array.from({ length: count }, () => reader.u8() === 1);
}
