import { ProtegoError, canonicalJson, eventRegistry, familyOf } from '@protego/contracts';
import { BATCH_RECORDS_MAX, MerkleTree, leafHash, recordBatches } from '@protego/event-log';
import { isMuteType, isPipelineInput, type PipelineOptions } from '@protego/streams';
import { CoverageLedger } from '../coverage/coverage-ledger';
import { coverageLines } from '../coverage/coverage-lines';
import { documentsOf } from '../forces/in-force-run';
import type { ReplayRecord } from '../replay-log';
import type { Finding } from './finding';
import { FindingSorter } from './finding-sorter';
import { UNDECIDABLE_LINES_MAX } from './part-run';
import type { PartState } from './part-run';
import { partsInThread, type PartSummary, type PipelineParts } from './pipeline-parts';
import type { ReplayRequest } from './replay-request';
import { isInRange, rangeTold } from './emit-range';
import type { RunManifest } from './run-manifest';
import type { ReplayPorts, RunProgress } from './run-ports';
import { beginningOf, identityOf, type RunBeginning } from './run-beginning';
import { FindingTail, runStateToBytes, type RunState, type RunTotals } from './run-state';

/**
 * Runs pipelines over a log. Time, pacing, threads and files are the caller's: equal logs and artefacts give equal lines, in
 * whatever parts, from whatever snapshot, and however often the run was interrupted.
 *
 * @throws ProtegoError `REPLAY_ERASED_MEANWHILE` when a person was erased during the run; `REPLAY_STATE_FOREIGN` when what was
 *   written down is of another run; what ports throw
 */
export async function replayInto(request: ReplayRequest, ports: ReplayPorts): Promise<RunManifest> {
  return new ReplayRun(request, ports).run();
}

class ReplayRun {
  readonly #erasuresAt: number;
  readonly #begin: RunBeginning;
  readonly #sorter: FindingSorter;
  readonly #tail: FindingTail;
  readonly #totals: RunTotals;
  #parts: PipelineParts;
  #seq: number;
  #findings = 0;

  constructor(
    private readonly request: ReplayRequest,
    private readonly ports: ReplayPorts,
  ) {
    this.#erasuresAt = request.log.erasuresAt();
    this.#begin = beginningOf(request, ports, this.#erasuresAt);
    const { state, pieces } = this.#begin;
    this.#sorter = new FindingSorter(ports.pieces, pieces);
    this.#tail = new FindingTail(state?.tail);
    this.#totals = { ...(state?.counted ?? { records: 0, events: 0, mutes: 0 }) };
    this.#seq = state?.seq ?? request.log.firstSeq;
    this.#sorter.add(this.#wanted(this.#begin.found));
    this.#parts = this.#start(state?.parts);
  }

  async run(): Promise<RunManifest> {
    const { log, chunkRecords = BATCH_RECORDS_MAX } = this.request;
    const { batchRecords = BATCH_RECORDS_MAX } = this.ports;
    const records = log.records(this.#seq, this.#readTo());
    try {
      for (const batch of recordBatches(records, Math.min(chunkRecords, batchRecords))) await this.#judge(batch);
      const { findings, summaries } = await this.#parts.finish();
      await this.#take(findings);
      if (log.erasuresAt() !== this.#erasuresAt) throw erasedMeanwhile();
      return this.#write(summaries);
    } finally {
      await this.#parts.stop();
    }
  }

  #start(states: readonly PartState[] | undefined): PipelineParts {
    const { artefacts, log, mutes, knowledge, partCount = 1 } = this.request;
    const start = this.ports.startParts ?? partsInThread;
    const options: PipelineOptions = {
      ...(mutes === undefined ? {} : { mutes }),
      ...(knowledge === undefined ? {} : { knowledge }),
    };
    return start({ artefacts, options, partCount: states?.length ?? partCount, states, open: log.open });
  }

  async #judge(batch: readonly ReplayRecord[]): Promise<void> {
    const before = this.#seq;
    await this.ports.turn?.(this.#progress((batch[0] as ReplayRecord).arrivedAtMs));
    for (const { type } of batch) this.#count(type);
    await this.#take(await this.#parts.take(batch));
    this.#seq = (batch.at(-1) as ReplayRecord).seq + 1;
    const { snapshots, progress } = this.ports;
    if (passes(before, this.#seq, snapshots?.everyRecords)) await this.#saveSnapshot();
    if (passes(before, this.#seq, progress?.everyRecords)) await this.#saveProgress();
    if (passes(before, this.#seq, this.request.chunkRecords)) await this.#handOver();
  }

  /** Goes on with parts that know of the past only what the text of their state says. */
  async #handOver(): Promise<void> {
    const { parts } = await this.#state();
    await this.#parts.stop();
    this.#parts = this.#start(JSON.parse(JSON.stringify(parts)) as PartState[]);
  }

  #count(type: string): void {
    this.#totals.records++;
    if (isMuteType(type)) this.#totals.mutes++;
    else if (!isPipelineInput(type)) {
      // What this version does not know it must not pass over: it might be what everything hangs on.
      eventRegistry.latestVersionOf(type);
    } else if (familyOf(type) !== 'log') this.#totals.events++;
  }

  async #take(findings: readonly Finding[]): Promise<void> {
    if (findings.length === 0) return;
    this.#tail.add(findings);
    const wanted = this.#wanted(findings);
    this.#findings += wanted.length;
    this.#sorter.add(wanted);
    await this.ports.found?.(wanted.map(({ line }) => line));
  }

  #wanted(findings: readonly Finding[]): Finding[] {
    return findings.filter((finding) => isInRange(finding, this.request));
  }

  async #saveSnapshot(): Promise<void> {
    const state = await this.#state();
    this.ports.snapshots?.store.save({ seq: state.seq, floorMs: state.tail.floorMs }, runStateToBytes(state));
  }

  async #saveProgress(): Promise<void> {
    const state = await this.#state();
    const pieces = this.#sorter.flush();
    const beside = { run: identityOf(this.request, this.#erasuresAt), pieces };
    this.ports.progress?.store.save(runStateToBytes(state, beside));
    this.#sorter.forgetMerged();
  }

  async #state(): Promise<RunState> {
    const { findings, states } = await this.#parts.settle();
    await this.#take(findings);
    return { seq: this.#seq, counted: { ...this.#totals }, tail: this.#tail.state(), parts: states };
  }

  #readTo(): number {
    const { log, emitToSeq = log.size } = this.request;
    return Math.min(log.size, emitToSeq);
  }

  #progress(atMs: number): RunProgress {
    return { read: this.#seq, size: this.#readTo(), findings: this.#findings, atMs };
  }

  #write(summaries: readonly PartSummary[]): RunManifest {
    const { output } = this.ports;
    const { artefacts, log } = this.request;
    const made = this.#writeFindings();
    const ledger = new CoverageLedger();
    const [first] = summaries;
    if (first !== undefined) Object.assign(ledger.events, CoverageLedger.from(first.ledger).events);
    for (const summary of summaries) ledger.join(CoverageLedger.from(summary.ledger));
    const losses = Object.assign({}, ...summaries.map((summary) => summary.losses)) as Record<string, number>;
    const range = { firstSeq: log.firstSeq, toSeq: this.#readTo(), ...rangeTold(this.request) };
    for (const line of coverageLines(range, documentsOf(artefacts), ledger, losses)) output.line('coverage', line);
    this.#writeUndecidable(summaries);
    return this.#manifest(made, ledger);
  }

  #writeFindings(): Made {
    const { output } = this.ports;
    const { size, rootHash } = this.request.log;
    const made = { tree: new MerkleTree(), byRule: new Map<string, number>(), muted: 0, updated: 0 };
    for (const { id, ruleId, status, line, seqs } of this.#sorter.sorted()) {
      output.line('detections', line);
      output.line('evidence', canonicalJson({ id, seqs, checkpoint: { size, rootHash } }));
      made.tree.appendLeaves(leafHash(line));
      made.byRule.set(ruleId, (made.byRule.get(ruleId) ?? 0) + 1);
      if (status === 'muted') made.muted++;
      else if (status === 'updated') made.updated++;
    }
    return made;
  }

  #writeUndecidable(summaries: readonly PartSummary[]): void {
    const notes = summaries
      .flatMap(({ undecidable }) => undecidable)
      .filter(([seq, timeMs]) => isInRange({ certainAtMs: timeMs, atSeq: seq }, this.request))
      .map((note, at) => ({ note, at }))
      .sort((a, b) => a.note[0] - b.note[0] || a.at - b.at)
      .slice(0, UNDECIDABLE_LINES_MAX);
    for (const { note } of notes) {
      const [seq, , ruleId, fields] = note;
      this.ports.output.line('undecidable', canonicalJson({ seq, ruleId, fields }));
    }
  }

  #manifest(made: Made, ledger: CoverageLedger): RunManifest {
    const { log, artefactHashes, engine, mutes = 'honoured', knowledge } = this.request;
    const { records, events, mutes: muteEvents } = this.#totals;
    return {
      version: 1,
      log: { origin: log.origin, root: log.rootHash, size: log.size },
      range: {
        firstSeq: log.firstSeq,
        readFrom: this.#begin.state?.seq ?? log.firstSeq,
        ...rangeTold(this.request),
      },
      artefacts: artefactHashes,
      engine,
      erasuresAt: this.#erasuresAt,
      knowledge: knowledge === undefined ? 'then' : 'now',
      mutes: { option: mutes, events: muteEvents, muted: made.muted, updated: made.updated },
      outputHash: made.tree.root().toString('hex'),
      counts: {
        records,
        events,
        detections: made.tree.size,
        late: ledger.events.late?.count ?? 0,
        skewed: ledger.events.skewed?.count ?? 0,
        ruleFailed: ledger.total('failed'),
        undecidable: ledger.total('undecidable'),
        byRule: Object.fromEntries(made.byRule),
      },
    };
  }
}

interface Made {
  readonly tree: MerkleTree;
  readonly byRule: Map<string, number>;
  muted: number;
  updated: number;
}

/** True when a seq at which something is due lies in `(from, to]`. */
function passes(from: number, to: number, every: number | undefined): boolean {
  return every !== undefined && Math.floor(to / every) > Math.floor(from / every);
}

function erasedMeanwhile(): ProtegoError {
  return new ProtegoError(
    'REPLAY_ERASED_MEANWHILE',
    'a person was erased while the log was replayed: results before and after it do not fit together, run it again',
  );
}
