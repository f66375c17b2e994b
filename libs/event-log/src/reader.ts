import { setTimeout as delay } from 'node:timers/promises';
import type { EventSeq } from '@protego/contracts';
import { readIdentity, type LogIdentity } from './log-identity';
import type { LogRecord } from './log-record';
import { LogScan } from './log-scan';
import { totalsOf, type LogTotals } from './log-totals';
import { listSegments } from './segment-format';
import { verifyLog, type VerifyOptions, type VerifyReport } from './verify';

/** What a log holds. */
export interface LogStat extends LogTotals {
  /** Name of the log. */
  readonly origin: string;
}

/** A half-open range of seqs. */
export interface SeqRange {
  /** First seq that is wanted; default 0. */
  readonly fromSeq?: number;
  /** Seq after the last that is wanted; default: the end of the log. */
  readonly toSeq?: number;
}

/** How a log is followed. */
export interface FollowOptions {
  /** First seq that is wanted; default 0. */
  readonly fromSeq?: number;
  /** Ends the following. */
  readonly signal: AbortSignal;
  /** How often to look for new records once all are read, milliseconds; default 50. */
  readonly pollMs?: number;
}

/**
 * Reads a log without a lock, also while a writer appends. It may see records a moment before they are durable; a writer
 * never takes those back unless the machine itself goes down.
 */
export class EventLogReader {
  private constructor(
    private readonly directory: string,
    private readonly identity: LogIdentity,
  ) {}

  /**
   * Opens the log in a directory.
   *
   * @throws ProtegoError `LOG_NOT_FOUND`, `LOG_FORMAT_UNKNOWN`, `LOG_BLOCK_CORRUPT` when `log.json` is damaged
   */
  static async open(options: { readonly directory: string }): Promise<EventLogReader> {
    const identity = readIdentity(options.directory);
    listSegments(options.directory);
    return new EventLogReader(options.directory, identity);
  }

  /** Name of the log. */
  get origin(): string {
    return this.identity.origin;
  }

  /** Secret of the log that keys its dedupe index. */
  get dedupeKey(): Buffer {
    return this.identity.dedupeKey;
  }

  /**
   * Totals, read from the headers of all blocks.
   *
   * @throws ProtegoError `LOG_BLOCK_CORRUPT`, `LOG_CHAIN_BROKEN`
   */
  stat(): LogStat {
    return { origin: this.identity.origin, ...totalsOf(this.directory) };
  }

  /**
   * Records in order of seq, read a block at a time; each block's CRC is checked. Bodies share memory with up to a
   * mebibyte of their neighbours: copy one that is kept for long. A block that is not whole yet ends the log; a reader
   * that meets anything else throws.
   *
   * @throws ProtegoError `LOG_BLOCK_CORRUPT`, `LOG_CHAIN_BROKEN` with segment, offset and seq
   */
  *records(range: SeqRange = {}): Generator<LogRecord, void, undefined> {
    const { fromSeq = 0, toSeq = Infinity } = range;
    if (fromSeq >= toSeq) return;
    const scan = new LogScan(this.directory, fromSeq);
    try {
      for (let block = scan.next(); block !== undefined; block = scan.next()) {
        const { firstSeq, count } = block.header;
        const end = Math.min(count, toSeq - firstSeq);
        for (let i = Math.max(0, fromSeq - firstSeq); i < end; i++) yield block.recordAt(i);
        if (firstSeq + count >= toSeq) return;
      }
    } finally {
      scan.close();
    }
  }

  /**
   * Records from a seq on, and then those that are appended, until the signal aborts; then it ends without an error.
   *
   * @throws ProtegoError as {@link EventLogReader.records}
   */
  async *follow(options: FollowOptions): AsyncGenerator<LogRecord, void, undefined> {
    const { fromSeq = 0, signal, pollMs = 50 } = options;
    const scan = new LogScan(this.directory, fromSeq);
    try {
      while (!signal.aborted) {
        const block = scan.next();
        if (block === undefined) {
          await delay(pollMs, undefined, { signal }).catch(() => undefined);
          continue;
        }
        const { firstSeq, count } = block.header;
        for (let i = Math.max(0, fromSeq - firstSeq); i < count && !signal.aborted; i++) yield block.recordAt(i);
      }
    } finally {
      scan.close();
    }
  }

  /**
   * The record at a seq, or undefined when the log is shorter.
   *
   * @throws ProtegoError as {@link EventLogReader.records}
   */
  recordAt(seq: EventSeq): LogRecord | undefined {
    for (const record of this.records({ fromSeq: seq, toSeq: seq + 1 })) return record;
    return undefined;
  }

  /** Checks every byte of the log; see {@link VerifyReport}. Damage is reported, not thrown. */
  verify(options: VerifyOptions = {}): VerifyReport {
    return verifyLog(this.directory, options);
  }
}
