import { setTimeout as delay } from 'node:timers/promises';
import { isProtegoError, type EventSeq } from '@protego/contracts';
import type { LogKeys } from '@protego/enclave';
import { BlockCipher } from '../blocks/block-cipher';
import { BlockIndexes } from '../blocks/block-index';
import type { BlockView } from '../blocks/block-view';
import { readIdentity, requireFittingKeys, type LogIdentity } from '../log-identity';
import { LogQuery, type LogQueryOptions } from './log-query';
import type { LogRecord } from '../log-record';
import { LogScan, type LogSource } from './log-scan';
import { totalsOf, type LogTotals } from './log-totals';
import { RecordChoice, type RecordCriteria, type SubjectsOf } from './record-choice';
import { listSegments } from '../segments/segment-format';
import { verifyLog, type VerifyOptions, type VerifyReport } from '../verify/verify';

/** Which log is read, and with what. */
export interface EventLogReaderOptions {
  readonly directory: string;
  readonly keys: LogKeys;
  /** Tells the subjects of a stored record, as its writer was given them; needed for asking by subject. */
  readonly subjectsOf?: SubjectsOf;
  /** What the log says about itself; default: its `log.json`. */
  readonly identity?: LogIdentity;
}

/** What a log holds. */
export interface LogStat extends LogTotals {
  /** Name of the log. */
  readonly origin: string;
}

/** A half-open range of seqs. */
export interface SeqRange {
  /** First seq that is wanted; default: the first that the log still holds. */
  readonly fromSeq?: number;
  /** Seq after the last that is wanted; default: the end of the log. */
  readonly toSeq?: number;
}

/** How a log is followed, and which of its records are wanted. */
export interface FollowOptions extends Pick<RecordCriteria, 'types' | 'subjects'> {
  /** First seq that is wanted; default: the first that the log still holds. */
  readonly fromSeq?: number;
  /** Ends the following. */
  readonly signal: AbortSignal;
  /** How often to look for new records once all are read, milliseconds; default 50. */
  readonly pollMs?: number;
}

/**
 * Reads a log without a lock, also while a writer appends. It may see records a moment before they are durable; a writer
 * never takes those back unless the machine itself goes down. Every block is authenticated before anything of it is given
 * out.
 */
export class EventLogReader {
  private readonly source: LogSource;

  private constructor(
    /** Directory of the log. */
    readonly directory: string,
    /** What the log says about itself. */
    readonly identity: LogIdentity,
    /** Keys that the log is read with. */
    readonly keys: LogKeys,
    private readonly subjectsOf: SubjectsOf | undefined,
  ) {
    const cipher = new BlockCipher(keys, identity.logId);
    this.source = { directory, cipher, indexes: new BlockIndexes(cipher) };
  }

  /**
   * Opens the log in a directory.
   *
   * @throws ProtegoError `LOG_NOT_FOUND`, `LOG_FORMAT_UNKNOWN`, `LOG_BLOCK_CORRUPT` when `log.json` is damaged,
   *   `LOG_KEY_MISSING` when the keys are those of another log
   */
  static async open(options: EventLogReaderOptions): Promise<EventLogReader> {
    const { directory, keys, subjectsOf, identity = readIdentity(directory) } = options;
    requireFittingKeys(directory, identity, keys);
    listSegments(directory);
    return new EventLogReader(directory, identity, keys, subjectsOf);
  }

  /** Name of the log. */
  get origin(): string {
    return this.identity.origin;
  }

  /**
   * Totals, read from the footers of finished segments and the headers of the others.
   *
   * @throws ProtegoError `LOG_BLOCK_CORRUPT`, `LOG_CHAIN_BROKEN`
   */
  stat(): LogStat {
    return { origin: this.identity.origin, ...totalsOf(this.directory, this.source.indexes) };
  }

  /**
   * Records in order of seq, read a block at a time. Their buffers share memory with the whole block: copy one that is
   * kept for long. A block that is not whole yet ends the log; a reader that meets anything else throws.
   *
   * @throws ProtegoError `LOG_BLOCK_CORRUPT`, `LOG_CHAIN_BROKEN` with segment, offset and seq; `LOG_RANGE_MISSING` when
   *   the first record that is wanted has expired; `LOG_KEY_MISSING`
   */
  *records(range: SeqRange = {}): Generator<LogRecord, void, undefined> {
    const { fromSeq = 0, toSeq = Infinity } = range;
    for (const block of this.blocks(range)) {
      const { firstSeq, count } = block.header;
      const end = Math.min(count, toSeq - firstSeq);
      for (let i = Math.max(0, fromSeq - firstSeq); i < end; i++) yield block.recordAt(i);
    }
  }

  /**
   * Blocks that hold records of a range, in order, for a reader that takes columns and decodes only the bodies that it
   * needs. The first and the last block may reach out of the range.
   *
   * @throws ProtegoError as {@link EventLogReader.records}
   */
  *blocks(range: SeqRange = {}): Generator<BlockView, void, undefined> {
    const { fromSeq, toSeq = Infinity } = range;
    if ((fromSeq ?? 0) >= toSeq) return;
    const scan = new LogScan(this.source, fromSeq);
    try {
      for (let block = scan.next(); block !== undefined; block = scan.next()) {
        if (block.header.firstSeq >= toSeq) return;
        yield block;
        if (block.header.firstSeq + block.count >= toSeq) return;
      }
    } finally {
      scan.close();
    }
  }

  /**
   * The records that fit all that is asked for. Blocks that cannot hold one are not read. The subject filters of finished
   * segments are authenticated; those of the segment that is not finished yet, or has a damaged footer, are checked
   * against their CRC: damage is found, and a forgery only by {@link EventLogReader.verify}.
   *
   * @throws ProtegoError `INTERNAL` when subjects are asked for and the reader was opened without `subjectsOf`; the query
   *   itself throws as {@link LogQuery} says
   */
  query(options: LogQueryOptions = {}): LogQuery {
    return new LogQuery(this.source, this.choiceOf(options), options);
  }

  /**
   * Records from a seq on, and then those that are appended, until the signal aborts; then it ends without an error. Data keys
   * that the writer has made meanwhile are learned.
   *
   * @throws ProtegoError as {@link EventLogReader.records} and {@link EventLogReader.query}
   */
  async *follow(options: FollowOptions): AsyncGenerator<LogRecord, void, undefined> {
    const { fromSeq, signal, pollMs = 50, types, subjects } = options;
    const choice = types === undefined && subjects === undefined ? undefined : this.choiceOf({ types, subjects });
    const scan = new LogScan(this.source, fromSeq, choice?.mayHold.bind(choice));
    try {
      while (!signal.aborted) {
        const block = await this.nextLearning(scan);
        if (block === undefined) {
          await delay(pollMs, undefined, { signal }).catch(() => undefined);
          continue;
        }
        for (const record of recordsFrom(block, fromSeq ?? 0, choice)) {
          if (signal.aborted) return;
          yield record;
        }
      }
    } finally {
      scan.close();
    }
  }

  /** The next block of a scan; a key that it lacks may have been made since the keys were opened. */
  private async nextLearning(scan: LogScan): Promise<BlockView | undefined> {
    try {
      return scan.next();
    } catch (error) {
      if (!isProtegoError(error) || error.code !== 'LOG_KEY_MISSING' || this.keys.refresh === undefined) throw error;
      await this.keys.refresh();
      return scan.next();
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
  verify(options: Omit<VerifyOptions, 'directory' | 'keys'> = {}): VerifyReport {
    return verifyLog({ ...options, directory: this.directory, keys: this.keys });
  }

  /**
   * As {@link EventLogReader.verify}, beside a writer that may rotate the data key: what fails for want of a key that was made
   * meanwhile is checked again with it, from the beginning.
   */
  async verifyLearning(options: Omit<VerifyOptions, 'directory' | 'keys'> = {}): Promise<VerifyReport> {
    for (;;) {
      const { dataKeyId } = this.keys;
      const report = this.verify(options);
      if (!report.ok) await this.keys.refresh?.();
      if (this.keys.dataKeyId === dataKeyId) return report;
    }
  }

  private choiceOf(criteria: RecordCriteria): RecordChoice {
    return new RecordChoice(criteria, this.keys.subjectKey, this.subjectsOf);
  }
}

function* recordsFrom(block: BlockView, fromSeq: number, choice: RecordChoice | undefined): Generator<LogRecord> {
  const { firstSeq, count } = block.header;
  const from = Math.max(0, fromSeq - firstSeq);
  if (choice === undefined) for (let i = from; i < count; i++) yield block.recordAt(i);
  else for (const i of choice.wantedIn(block, from, count)) yield block.recordAt(i);
}
