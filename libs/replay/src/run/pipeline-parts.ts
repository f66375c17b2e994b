import { eventRegistry, readLoggedEvents } from '@protego/contracts';
import { isPipelineInput, splitArtefacts, type PipelineArtefacts, type PipelineOptions } from '@protego/streams';
import type { ReplayLog, ReplayRecord } from '../replay-log';
import { areInForce, type ArtefactsInForce } from '../forces/in-force-run';
import type { Finding } from './finding';
import { PartRun, type PartState, type UndecidableNote } from './part-run';

/** What a part says at the end of a run. */
export interface PartSummary extends Pick<PartState, 'ledger'> {
  readonly undecidable: readonly UndecidableNote[];
  readonly losses: Readonly<Record<string, number>>;
}

/** The pipelines of a run at work: in this thread, or in threads that the app starts. */
export interface PipelineParts {
  /** Hands records to all parts, in the order of the log. Returns what was found by now, not only in them. */
  take(records: readonly ReplayRecord[]): Promise<readonly Finding[]>;
  /** Waits until all records are judged; returns what was found, and where the parts stand. */
  settle(): Promise<{ readonly findings: readonly Finding[]; readonly states: readonly PartState[] }>;
  /** Waits until all records are judged; returns what was found, and what the parts say at the end. */
  finish(): Promise<{ readonly findings: readonly Finding[]; readonly summaries: readonly PartSummary[] }>;
  /** Gives everything back; also after a failure. */
  stop(): Promise<void>;
}

/** What parts are started with. */
export interface PartsRequest {
  readonly artefacts: PipelineArtefacts | ArtefactsInForce;
  readonly options: PipelineOptions;
  /** In how many parts the artefacts are split; artefacts that change within the log are not. */
  readonly partCount: number;
  /** Where the parts stood, one for each; undefined at the beginning of a log. */
  readonly states: readonly PartState[] | undefined;
  readonly open: ReplayLog['open'];
}

/** Starts the parts of a run. */
export type StartParts = (request: PartsRequest) => PipelineParts;

/** All parts in the thread of the caller. */
export function partsInThread(request: PartsRequest): PipelineParts {
  return new PartsInThread(request);
}

class PartsInThread implements PipelineParts {
  readonly #parts: readonly PartRun[];
  readonly #open: ReplayLog['open'];
  /** Findings of the records that were handed over before, the last ones being read still. */
  #reading: Promise<readonly Finding[]> = Promise.resolve([]);

  constructor({ artefacts, options, partCount, states, open }: PartsRequest) {
    const split = areInForce(artefacts) ? [artefacts] : splitArtefacts(artefacts, partCount);
    this.#parts = split.map((part, at) => new PartRun(part, options, states?.[at]));
    this.#open = open;
  }

  // Whoever opens sealed fields works on the next records while these are judged.
  async take(records: readonly ReplayRecord[]): Promise<readonly Finding[]> {
    const before = this.#reading;
    const opened = this.#read(records);
    this.#reading = before.then(() => opened).then((events) => this.#parts.flatMap((part) => part.take(events)));
    this.#reading.catch(() => undefined);
    return before;
  }

  async settle(): ReturnType<PipelineParts['settle']> {
    const findings = await this.#rest();
    return { findings, states: this.#parts.map((part) => part.state()) };
  }

  async finish(): ReturnType<PipelineParts['finish']> {
    const findings = await this.#rest();
    return { findings, summaries: this.#parts.map(summaryOf) };
  }

  async stop(): Promise<void> {
    await this.#reading.catch(() => undefined);
  }

  #read(records: readonly ReplayRecord[]): ReturnType<typeof readLoggedEvents> {
    const inputs = records.filter(({ type }) => isPipelineInput(type));
    const events = readLoggedEvents(inputs, eventRegistry, this.#open);
    events.catch(() => undefined);
    return events;
  }

  #rest(): Promise<readonly Finding[]> {
    const rest = this.#reading;
    this.#reading = Promise.resolve([]);
    return rest;
  }
}

/** What a part says at the end. */
export function summaryOf(part: PartRun): PartSummary {
  return { ledger: part.ledger.snapshot(), undecidable: part.undecidable, losses: part.losses() };
}
