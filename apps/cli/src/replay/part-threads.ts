import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { ArtefactSet } from '@protego/artefacts';
import { ProtegoError, messageOf } from '@protego/contracts';
import type {
  Finding,
  PartState,
  PartSummary,
  PartsRequest,
  PipelineParts,
  ReplayRecord,
  StartParts,
} from '@protego/replay';
import { asThrown } from '../thread-error';
import type { PartAnswer, PartOrder, PartThreadData } from './part-messages';

/** Batches of records that a thread has in hand or that wait for it. */
const BATCHES_WAITING_MAX = 4;

/** Runs each part of a replay in a thread of its own. */
export function partsInThreads(set: ArtefactSet): StartParts {
  return (request) => new PartsInThreads(set, request);
}

class PartsInThreads implements PipelineParts {
  readonly #threads: readonly PartThread[];

  constructor(set: ArtefactSet, request: PartsRequest) {
    this.#threads = Array.from({ length: request.partCount }, (_, part) => new PartThread(set, request, part));
  }

  async take(records: readonly ReplayRecord[]): Promise<readonly Finding[]> {
    // Plain members: a record is a view of its block, and would not come over whole.
    const plain = records.map(({ seq, timeMs, arrivedAtMs, type, body, sealed }) => {
      return { seq, timeMs, arrivedAtMs, type, body, ...(sealed === undefined ? {} : { sealed }) };
    });
    await Promise.all(this.#threads.map((thread) => thread.take(plain)));
    return this.#found();
  }

  async settle(): ReturnType<PipelineParts['settle']> {
    const states = await Promise.all(this.#threads.map((thread) => thread.settle()));
    return { findings: this.#found(), states };
  }

  async finish(): ReturnType<PipelineParts['finish']> {
    const summaries = await Promise.all(this.#threads.map((thread) => thread.finish()));
    return { findings: this.#found(), summaries };
  }

  async stop(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.stop()));
  }

  #found(): Finding[] {
    return this.#threads.flatMap((thread) => thread.found());
  }
}

interface Waiting {
  readonly resolve: (answer: PartAnswer) => void;
  readonly reject: (error: Error) => void;
}

/** One part and its thread. */
class PartThread {
  readonly #worker: Worker;
  readonly #open: PartsRequest['open'];
  readonly #waiting: Waiting[] = [];
  readonly #inHand: Promise<unknown>[] = [];
  #findings: Finding[] = [];
  #failure: Error | undefined;
  #isStopped = false;

  constructor({ rules, declarations, placeholders }: ArtefactSet, request: PartsRequest, part: number) {
    const { options, partCount, states, open } = request;
    this.#open = open;
    const set = { rules, declarations, placeholders };
    const state = states?.[part];
    const workerData: PartThreadData = { set, options, part, partCount, state, isOpening: open !== undefined };
    this.#worker = new Worker(join(__dirname, 'part-thread.js'), { workerData, name: 'replay' });
    this.#worker.on('message', (answer: PartAnswer) => this.#hear(answer));
    this.#worker.on('error', (error: Error) => this.#fail(error));
    this.#worker.on('exit', () => this.#fail(new ProtegoError('INTERNAL', 'a thread of the replay ended')));
  }

  /** Resolves when there is room for more. */
  async take(records: readonly ReplayRecord[]): Promise<void> {
    const took = this.#ask({ kind: 'take', records });
    this.#inHand.push(took);
    if (this.#inHand.length >= BATCHES_WAITING_MAX) await this.#inHand.shift();
  }

  async settle(): Promise<PartState> {
    const answer = await this.#ask({ kind: 'settle' });
    if (answer.kind !== 'settled') throw unexpected(answer);
    return answer.state;
  }

  async finish(): Promise<PartSummary> {
    const answer = await this.#ask({ kind: 'finish' });
    if (answer.kind !== 'finished') throw unexpected(answer);
    return answer.summary;
  }

  /** What was found since it was asked last. */
  found(): Finding[] {
    const findings = this.#findings;
    this.#findings = [];
    return findings;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#worker.terminate();
  }

  #ask(order: PartOrder): Promise<PartAnswer> {
    const answered = new Promise<PartAnswer>((resolve, reject) => {
      if (this.#failure !== undefined) reject(this.#failure);
      else {
        this.#waiting.push({ resolve, reject });
        this.#worker.postMessage(order);
      }
    });
    // It may be awaited later than it fails.
    answered.catch(() => undefined);
    return answered;
  }

  #hear(answer: PartAnswer): void {
    if (answer.kind === 'open') {
      void this.#openFor(answer.records);
      return;
    }
    if (answer.kind === 'took') this.#findings.push(...answer.findings);
    this.#waiting.shift()?.resolve(answer);
  }

  async #openFor(records: Parameters<NonNullable<PartsRequest['open']>>[0]): Promise<void> {
    try {
      this.#worker.postMessage({ kind: 'opened', events: (await this.#open?.(records)) ?? [] } satisfies PartOrder);
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error(messageOf(thrown));
      this.#fail(error);
      this.#worker.postMessage({ kind: 'not-opened', error } satisfies PartOrder);
    }
  }

  #fail(error: Error): void {
    if (this.#isStopped) return;
    this.#failure ??= asThrown(error);
    for (const { reject } of this.#waiting.splice(0)) reject(this.#failure);
  }
}

function unexpected({ kind }: PartAnswer): ProtegoError {
  return new ProtegoError('INTERNAL', `a thread of the replay answered \`${kind}\``);
}
