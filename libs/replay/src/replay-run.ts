import {
  ProtegoError,
  canonicalJson,
  eventRegistry,
  familyOf,
  formatRfc3339,
  readLoggedEvents,
  type Detection,
  type LoggedEvent,
} from '@protego/contracts';
import { merkleRootOf, recordBatches } from '@protego/event-log';
import {
  isMuteType,
  isPipelineInput,
  type DetectionResult,
  type MuteOption,
  type PipelineArtefacts,
  type PipelineResult,
  type UndecidableResult,
} from '@protego/streams';
import { InForceRun, type ArtefactsInForce, type InForceSnapshot } from './forces/in-force-run';
import type { ReplayLog, ReplayRecord } from './replay-log';
import type { RunCounts, RunManifest } from './run-manifest';

/** What to replay, and with what. */
export interface ReplayRequest {
  readonly log: ReplayLog;
  /** One set for the whole log, or sets as they were in force. */
  readonly artefacts: PipelineArtefacts | ArtefactsInForce;
  /** Name → SHA-256 of the artefacts. */
  readonly artefactHashes: Readonly<Record<string, string>>;
  /** SHA-256 of the engine's code. */
  readonly engine: string;
  /** Whether mutes and acknowledgements count; by default they do. */
  readonly mutes?: MuteOption;
  /** Emit results certain in `[emitFromMs, emitToMs)`; open where undefined. */
  readonly emitFromMs?: number;
  readonly emitToMs?: number;
  /** Write the whole state down and go on from what was written, every so many records; a check, not a need. */
  readonly chunkRecords?: number;
  /** Called every {@link PROGRESS_RECORDS} records. */
  readonly onProgress?: (read: number, size: number) => void;
}

/** What a replay made. Lines are without newline. */
export interface ReplayOutcome {
  readonly manifest: RunManifest;
  /** Canonical JSON, sorted by (certain at, rule id, id); without seq. */
  readonly detectionLines: readonly string[];
  /** `{id, seqs, checkpoint}`, in the order of the detections. */
  readonly evidenceLines: readonly string[];
  /**
   * `{seq, ruleId, fields}` in the order of the log, at most {@link UNDECIDABLE_LINES_MAX}: rules of which nobody can say
   * any more what they would find in a record, because of the erased fields that they ask about.
   */
  readonly undecidableLines: readonly string[];
}

/** Event that names the destroyed keys of a person. */
const ERASED = 'log.erased';
/** Records between two calls of `onProgress`. */
export const PROGRESS_RECORDS = 8_192;
/** Most undecidable answers that are listed; all are counted. */
export const UNDECIDABLE_LINES_MAX = 100_000;
/** Most detections that one run may make. */
export const DETECTIONS_MAX = 5_000_000;

/**
 * Runs the pipeline over a log. Time, pacing and files are the caller's: equal logs and artefacts give equal lines.
 *
 * @throws ProtegoError `REPLAY_TOO_LARGE` beyond {@link DETECTIONS_MAX} detections
 */
export async function runReplay(request: ReplayRequest): Promise<ReplayOutcome> {
  const collector = new ResultCollector(request);
  let runner = new ChunkRunner(request, (result) => collector.take(result));
  const chunkRecords = request.chunkRecords ?? Number.POSITIVE_INFINITY;
  let read = 0;
  const { open } = request.log;
  for (const batch of recordBatches(request.log.records())) {
    const inputs = batch.filter(({ type }) => isPipelineInput(type));
    const events = await readLoggedEvents(inputs, eventRegistry, open);
    let next = 0;
    for (const record of batch) {
      collector.countRecord(record);
      if (isPipelineInput(record.type)) runner.next(events[next++] as LoggedEvent);
      // What this version does not know it must not pass over: it might be what everything hangs on.
      else eventRegistry.latestVersionOf(record.type);
      read++;
      if (read % chunkRecords === 0) runner = runner.handOver();
      if (read % PROGRESS_RECORDS === 0) request.onProgress?.(read, request.log.size);
    }
  }
  runner.stop();
  return collector.outcome(read);
}

/** The pipelines over one chunk, and over all that follow it. */
class ChunkRunner {
  readonly #run: InForceRun;

  constructor(
    private readonly request: Pick<ReplayRequest, 'artefacts' | 'mutes'>,
    private readonly take: (result: PipelineResult) => void,
    snapshot?: InForceSnapshot,
  ) {
    const { artefacts, mutes } = request;
    this.#run = new InForceRun({ artefacts, mutes, emit: take }, snapshot);
  }

  next(event: LoggedEvent): void {
    this.#run.take(event);
  }

  stop(): void {
    this.#run.stop();
  }

  /** A runner that knows of the past only what the snapshot's JSON text says. */
  handOver(): ChunkRunner {
    const snapshot = JSON.parse(JSON.stringify(this.#run.snapshot())) as InForceSnapshot;
    this.stop();
    return new ChunkRunner(this.request, this.take, snapshot);
  }
}

/** Gathers results, and sorts and counts them. */
class ResultCollector {
  readonly #detections = new Map<string, DetectionResult>();
  readonly #byRule = new Map<string, number>();
  #events = 0;
  #late = 0;
  #skewed = 0;
  #ruleFailed = 0;
  #undecidable = 0;
  #erasuresAt = 0;
  #mutes = 0;
  readonly #undecidableLines: string[] = [];

  constructor(private readonly request: ReplayRequest) {}

  countRecord({ type, seq }: ReplayRecord): void {
    if (isMuteType(type)) this.#mutes++;
    else if (isPipelineInput(type) && familyOf(type) !== 'log') this.#events++;
    if (type === ERASED) this.#erasuresAt = seq + 1;
  }

  take(result: PipelineResult): void {
    if (result.kind === 'detection') {
      if (this.#isInRange(result.certainAtMs)) this.#keep(result);
    } else if (result.kind === 'undecidable') this.#takeUndecidable(result);
    else if (result.kind === 'rule-failed') this.#ruleFailed++;
    else if (result.kind === 'late') this.#late++;
    else this.#skewed++;
  }

  outcome(records: number): ReplayOutcome {
    const sorted = [...this.#detections.values()].sort(compareDetections);
    const detectionLines = sorted.map(({ detection }) => canonicalJson(detection));
    const checkpoint = { size: this.request.log.size, rootHash: this.request.log.rootHash };
    const evidenceLines = sorted.map(({ detection, seqs }) => canonicalJson({ id: detection.id, seqs, checkpoint }));
    const manifest = this.#manifest(records, detectionLines, this.#muteCounts(sorted));
    return { manifest, detectionLines, evidenceLines, undecidableLines: this.#undecidableLines };
  }

  #isInRange(certainAtMs: number): boolean {
    const { emitFromMs, emitToMs } = this.request;
    return (
      (emitFromMs === undefined || certainAtMs >= emitFromMs) && (emitToMs === undefined || certainAtMs < emitToMs)
    );
  }

  #takeUndecidable({ event, ruleId, fields }: UndecidableResult): void {
    if (!this.#isInRange(event.timeMs)) return;
    this.#undecidable++;
    if (this.#undecidableLines.length < UNDECIDABLE_LINES_MAX)
      this.#undecidableLines.push(canonicalJson({ seq: event.seq, ruleId, fields }));
  }

  #keep(result: DetectionResult): void {
    const { id, ruleId } = result.detection;
    if (this.#detections.has(id)) return;
    if (this.#detections.size >= DETECTIONS_MAX) {
      throw new ProtegoError('REPLAY_TOO_LARGE', `more than ${DETECTIONS_MAX} detections`, {
        detectionsMax: DETECTIONS_MAX,
      });
    }
    this.#detections.set(id, result);
    this.#byRule.set(ruleId, (this.#byRule.get(ruleId) ?? 0) + 1);
  }

  #muteCounts(detections: readonly DetectionResult[]): RunManifest['mutes'] {
    const withStatus = (status: Detection['status']): number =>
      detections.filter(({ detection }) => detection.status === status).length;
    const { mutes: option = 'honoured' } = this.request;
    return { option, events: this.#mutes, muted: withStatus('muted'), updated: withStatus('updated') };
  }

  #manifest(records: number, detectionLines: readonly string[], mutes: RunManifest['mutes']): RunManifest {
    const { log, artefactHashes, engine, emitFromMs, emitToMs } = this.request;
    return {
      version: 1,
      log: { origin: log.origin, root: log.rootHash, size: log.size },
      range: { readFrom: log.firstSeq, emitFrom: timeOrNull(emitFromMs), emitTo: timeOrNull(emitToMs), by: 'time' },
      artefacts: artefactHashes,
      engine,
      erasuresAt: this.#erasuresAt,
      mutes,
      outputHash: merkleRootOf(detectionLines),
      counts: this.#counts(records),
    };
  }

  #counts(records: number): RunCounts {
    return {
      records,
      events: this.#events,
      detections: this.#detections.size,
      late: this.#late,
      skewed: this.#skewed,
      ruleFailed: this.#ruleFailed,
      undecidable: this.#undecidable,
      byRule: Object.fromEntries(this.#byRule),
    };
  }
}

function compareDetections(a: DetectionResult, b: DetectionResult): number {
  return (
    a.certainAtMs - b.certainAtMs ||
    compareText(a.detection.ruleId, b.detection.ruleId) ||
    compareText(a.detection.id, b.detection.id)
  );
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const timeOrNull = (timeMs: number | undefined): string | null => (timeMs === undefined ? null : formatRfc3339(timeMs));
