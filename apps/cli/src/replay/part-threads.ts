import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { ArtefactSet } from '@protego/artefacts';
import { ProtegoError } from '@protego/contracts';
import type { OpenedFields, PersonalDataVault } from '@protego/enclave';
import type {
  Finding,
  PartState,
  PartSummary,
  PartsRequest,
  PipelineParts,
  ReplayRecord,
  StartParts,
} from '@protego/replay';
import { isPipelineInput } from '@protego/streams';
import { asThrown } from '../thread-error';
import type { PartAnswer, PartOrder, PartThreadData } from './part-messages';
import { hasSealed, packed } from './record-pack';

/** Batches of records that a thread has in hand or that wait for it. */
const BATCHES_WAITING_MAX = 4;

type Vault = Pick<PersonalDataVault, 'openFieldsForPipeline'>;

/**
 * Runs each part of a replay in a thread of its own.
 *
 * @param vault - asked once for all threads; without it sealed fields stay sealed
 */
export function partsInThreads(set: ArtefactSet, vault: Vault | undefined): StartParts {
  return (request) => new PartsInThreads(set, vault, request);
}

class PartsInThreads implements PipelineParts {
  readonly #threads: readonly PartThread[];
  readonly #vault: Vault | undefined;
  /** Resolves when the batches that were handed over are with the threads. */
  #handedOn: Promise<unknown> = Promise.resolve();

  constructor(set: ArtefactSet, vault: Vault | undefined, request: PartsRequest) {
    this.#vault = vault;
    this.#threads = Array.from({ length: request.partCount }, (_, part) => new PartThread(set, request, part));
  }

  // The vault opens the fields of one batch while the one before is handed on.
  async take(records: readonly ReplayRecord[]): Promise<readonly Finding[]> {
    const before = this.#handedOn;
    const order = this.#orderOf(records.filter(({ type }) => isPipelineInput(type)));
    this.#handedOn = before.then(async () => {
      const ready = await order;
      await Promise.all(this.#threads.map((thread) => thread.take(ready)));
    });
    // They may be awaited later than they fail.
    order.catch(() => undefined);
    this.#handedOn.catch(() => undefined);
    await before;
    return this.#found();
  }

  async settle(): ReturnType<PipelineParts['settle']> {
    await this.#handedOn;
    const states = await Promise.all(this.#threads.map((thread) => thread.settle()));
    return { findings: this.#found(), states };
  }

  async finish(): ReturnType<PipelineParts['finish']> {
    await this.#handedOn;
    const summaries = await Promise.all(this.#threads.map((thread) => thread.finish()));
    return { findings: this.#found(), summaries };
  }

  async stop(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.stop()));
  }

  async #orderOf(records: readonly ReplayRecord[]): Promise<PartOrder & { readonly kind: 'take' }> {
    const pack = packed(records);
    const sealed = records.filter(hasSealed).map((record) => record.sealed as Uint8Array);
    return { kind: 'take', records: pack, opened: await this.#opened(sealed) };
  }

  async #opened(sealed: readonly Uint8Array[]): Promise<readonly OpenedFields[] | undefined> {
    return sealed.length === 0 ? undefined : this.#vault?.openFieldsForPipeline(sealed);
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
  readonly #waiting: Waiting[] = [];
  readonly #inHand: Promise<unknown>[] = [];
  #findings: Finding[] = [];
  #failure: Error | undefined;
  #isStopped = false;

  constructor({ rules, declarations, placeholders }: ArtefactSet, request: PartsRequest, part: number) {
    const { options, partCount, states } = request;
    const set = { rules, declarations, placeholders };
    const state = states?.[part];
    const workerData: PartThreadData = { set, options, part, partCount, state };
    this.#worker = new Worker(join(__dirname, 'part-thread.js'), { workerData, name: 'replay' });
    this.#worker.on('message', (answer: PartAnswer) => this.#hear(answer));
    this.#worker.on('error', (error: Error) => this.#fail(error));
    this.#worker.on('exit', () => this.#fail(new ProtegoError('INTERNAL', 'a thread of the replay ended')));
  }

  /** Resolves when there is room for more. */
  async take(order: PartOrder & { readonly kind: 'take' }): Promise<void> {
    const took = this.#ask(order);
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
    if (answer.kind === 'took') this.#findings.push(...answer.findings);
    this.#waiting.shift()?.resolve(answer);
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
