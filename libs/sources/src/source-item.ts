import { createHash } from 'node:crypto';
import type { ErrorCode, EventValidator, ProtegoEvent } from '@protego/contracts';

/** Record formats that `readSourceFile` turns into events. */
export const importFormats = ['cloudevents', 'windows', 'zeek'] as const;
/** One of {@link importFormats}. */
export type ImportFormat = (typeof importFormats)[number];

/** Longest line that is read, bytes without its line end; a longer one is rejected and skipped. */
export const LINE_BYTES_MAX = 1_048_576;
/** Most bytes of a rejected line that its item carries. */
export const RAW_BYTES_MAX = 65_536;

/** A record that became an event. */
export interface AcceptedItem {
  readonly kind: 'event';
  readonly event: ProtegoEvent;
  /** Event time, milliseconds since the Unix epoch. */
  readonly timeMs: number;
  /** Pipeline time, milliseconds since the Unix epoch; never decreasing within a file. */
  readonly arrivedAtMs: number;
  /** Line in the file, counted from 1. */
  readonly line: number;
  readonly path: string;
}

/** A record, or the damaged rest of a file, that could not become an event. */
export interface RejectedItem {
  readonly kind: 'rejected';
  readonly code: ErrorCode;
  readonly message: string;
  /** Line in the file, counted from 1. */
  readonly line: number;
  readonly path: string;
  /** The line as it stands in the file, cut to {@link RAW_BYTES_MAX}; Base64 where it is not UTF-8. */
  readonly raw: string;
  readonly rawEncoding: 'utf8' | 'base64';
  /** Length of the whole line, bytes. */
  readonly rawBytes: number;
  /** SHA-256 (hex) of the whole line; present exactly when `raw` was cut. */
  readonly rawSha256?: string;
}

/** What a source file yields, in the order of its lines. */
export type SourceItem = AcceptedItem | RejectedItem;

/** What was read so far; pass one object to several files to add them up. */
export interface SourceCounts {
  /** Lines met, blank and rejected ones included. */
  lines: number;
  blankLines: number;
  events: number;
  rejected: number;
  /** Events whose id names their line number because the table of distinct lines was full. */
  idsByLineNumber: number;
}

/** All counts at zero. */
export function newSourceCounts(): SourceCounts {
  return { lines: 0, blankLines: 0, events: 0, rejected: 0, idsByLineNumber: 0 };
}

/** How a file is read. */
export interface ReadSourceOptions {
  /** Site of events made from native records; CloudEvents name their own. */
  readonly site: string;
  /** Source of events made from native records, by default the name of the format; CloudEvents name their own. */
  readonly sourceName?: string;
  /** Checks CloudEvents. Share one between files: it compiles each schema once. */
  readonly validator: EventValidator;
  /**
   * Latest time, milliseconds since the Unix epoch, that a record may claim, as event time or as arrival; a later one is
   * rejected and moves nothing. No bound where missing.
   */
  readonly timeMsMax?: number;
  /** Reject events of other sites; every site is accepted where missing. */
  readonly onlySite?: string;
  /** Offset from UTC, minutes, of local times that name none (`EventTime`); 0 where missing. */
  readonly zonelessOffsetMinutes?: number;
  /** Most distinct lines of one file that are remembered to number repeated ones; 4,194,304 where missing. */
  readonly distinctLinesMax?: number;
  /** Counted up while the file is read. */
  readonly counts?: SourceCounts;
}

/** The raw part of a {@link RejectedItem}. */
export type RawPart = Pick<RejectedItem, 'raw' | 'rawEncoding' | 'rawBytes' | 'rawSha256'>;

/** A whole line as the raw part of a rejected item; cut to {@link RAW_BYTES_MAX}. */
export function rawPartOf(bytes: Buffer, isUtf8Text: boolean): RawPart {
  const cutAt = bytes.length <= RAW_BYTES_MAX ? bytes.length : characterStart(bytes, RAW_BYTES_MAX, isUtf8Text);
  const rawEncoding = isUtf8Text ? 'utf8' : 'base64';
  const raw = bytes.toString(rawEncoding, 0, cutAt);
  if (cutAt === bytes.length) return { raw, rawEncoding, rawBytes: bytes.length };
  return { raw, rawEncoding, rawBytes: bytes.length, rawSha256: createHash('sha256').update(bytes).digest('hex') };
}

// A cut in the middle of a character would put a replacement character where the file has none.
function characterStart(bytes: Buffer, at: number, isUtf8Text: boolean): number {
  let start = at;
  while (isUtf8Text && start > 0 && ((bytes[start] ?? 0) & 0xc0) === 0x80) start--;
  return start;
}
