import { Inject, Injectable, Logger } from '@nestjs/common';
import { ProtegoError, messageOf, type ArtefactActivated, type Clock, type EventSeq } from '@protego/contracts';
import { actorTokenOf, requireDecentReason, type WritableLog } from '@protego/event-log';
import { PipelineInForce, RETIRED, activationData, requireWhole, retirementData } from '@protego/replay';
import { buildPipeline, isPipelineInput, type Pipeline } from '@protego/streams';
import { readThrough } from '../append/read-through';
import type { CommandInputs } from '../commands/command-inputs';
import { ARTEFACTS, ENGINE_CLOCK, ENGINE_LOG, FATAL, type Fatal } from '../engine.constants';
import { PipelineRunner } from '../pipeline/pipeline-runner.service';
import type { EngineArtefacts, UsableSet } from './engine-artefacts';

/** A new pipeline that lags by no more is let in: the rest is read while all others wait. */
const LAG_RECORDS_MAX = 1_024;
/** Rounds in which it may come closer; then it is let in from where it is. */
const ROUNDS_MAX = 16;

/** What became of an activation or a retirement. */
export interface ArtefactReceipt {
  readonly seq: EventSeq;
  readonly set: string;
  readonly previous?: string;
}

/** Brings sets of artefacts into force, and retires them, while the engine holds the log. */
@Injectable()
export class ArtefactCommands {
  readonly #log = new Logger('artefacts');
  #isBusy = false;
  #isStopped = false;
  /** The event stands in the log. */
  #isWritten = false;

  constructor(
    @Inject(ENGINE_LOG) private readonly log: WritableLog,
    @Inject(ARTEFACTS) private readonly artefacts: EngineArtefacts,
    @Inject(ENGINE_CLOCK) private readonly clock: Clock,
    @Inject(FATAL) private readonly fatal: Fatal,
    private readonly pipeline: PipelineRunner,
  ) {}

  /** Gives up what is being warmed. */
  stop(): void {
    this.#isStopped = true;
  }

  /**
   * Brings a stored set into force: its pipeline is given the whole log while the one in force goes on, and takes over at one
   * record. Until the event is written a failure leaves everything as it was.
   *
   * @throws ProtegoError `ARTEFACT_SET_UNKNOWN`, `ARTEFACT_SET_DAMAGED`, `ARTEFACT_INVALID` for rules that do not compile;
   *   `INTAKE_BUSY` while another set is being brought into force; `INTAKE_STOPPED`; as `activationData`
   */
  async activate(input: CommandInputs['artefact-activate']): Promise<ArtefactReceipt> {
    if (this.#isBusy) throw new ProtegoError('INTAKE_BUSY', 'another set is being brought into force');
    this.#isBusy = true;
    try {
      const set = this.artefacts.usable(input.set);
      if (input.leavesOutBroken !== true) requireWhole(set.artefacts.rules);
      const actor = await this.#actorOf(input);
      const data = (): ArtefactActivated => activationDataOf(input, set, actor, this.artefacts);
      // Refused now rather than after the log was read.
      data();
      return await this.#bringIn(set, data);
    } finally {
      this.#isBusy = false;
    }
  }

  /**
   * Bars a set from coming into force again.
   *
   * @throws ProtegoError as `retirementData`
   */
  async retire(input: CommandInputs['artefact-retire']): Promise<ArtefactReceipt> {
    const actor = await this.#actorOf(input);
    const { set, reason } = input;
    const request = { set, reason, ...(actor === undefined ? {} : { actor }) };
    const data = retirementData(request, this.artefacts.ledger());
    const seq = await this.pipeline.appendOwn(RETIRED, `retired-${this.log.writer.nextSeq}`, { ...data });
    return { seq, set };
  }

  async #bringIn(coming: UsableSet, data: () => ArtefactActivated): Promise<ArtefactReceipt> {
    const { set, artefacts } = coming;
    this.#log.log(`set ${set} is being warmed over ${this.log.writer.size} records`);
    this.#isWritten = false;
    const warming = new Warming(buildPipeline(artefacts), (from, to, take) => this.#read(from, to, take));
    await warming.follow(() => this.log.writer.size);
    const event = data();
    try {
      const seq = await this.pipeline.activate({
        ...{ set, data: event },
        pipelineBefore: (until) => {
          this.#isWritten = true;
          return warming.finish(until);
        },
      });
      this.#log.log(`set ${set} is in force from seq ${seq} on`);
      return { seq, set, ...(event.previous === undefined ? {} : { previous: event.previous }) };
    } catch (error) {
      // The log says that it is in force: only a new start can make that true.
      if (this.#isWritten) this.fatal(error);
      this.#log.error(`set ${set} could not be brought into force: ${messageOf(error)}`);
      throw error;
    }
  }

  #read(fromSeq: number | undefined, toSeq: number, take: Parameters<typeof readThrough>[0]['take']): Promise<void> {
    const { reader, house } = this.log;
    return readThrough({
      ...{ reader, vault: house.vault, clock: this.clock, toSeq, take, wants: isPipelineInput, title: 'warming' },
      ...(fromSeq === undefined ? {} : { fromSeq }),
      // Once the log says that the set is in force, what is left to read is little and is read.
      check: () => {
        if (this.#isStopped && !this.#isWritten) throw new ProtegoError('INTAKE_STOPPED', 'the engine is stopping');
      },
    });
  }

  #actorOf({ reason, actor }: { readonly reason: string; readonly actor?: string }): Promise<string | undefined> {
    requireDecentReason(reason, [actor]);
    return actor === undefined ? Promise.resolve(undefined) : actorTokenOf(actor, this.log.house.vault);
  }
}

type Read = (
  fromSeq: number | undefined,
  toSeq: number,
  take: Parameters<typeof readThrough>[0]['take'],
) => Promise<void>;

/** A pipeline that is given what the log holds, its results thrown away. */
class Warming {
  readonly #shadow = new PipelineInForce(() => undefined);
  /** Records before this were given; undefined before the first round. */
  #nextSeq: number | undefined;

  constructor(
    private readonly pipeline: Pipeline,
    private readonly read: Read,
  ) {
    this.#shadow.attach('warming', pipeline);
  }

  /** Comes close to the end of a log that grows. */
  async follow(size: () => number): Promise<void> {
    for (let round = 0; round < ROUNDS_MAX; round++) {
      await this.#readTo(size());
      if (size() - (this.#nextSeq ?? 0) <= LAG_RECORDS_MAX) return;
    }
  }

  /** The pipeline, when it has had every record before a seq. */
  async finish(untilSeq: number): Promise<Pipeline> {
    await this.#readTo(untilSeq);
    this.#shadow.stop();
    return this.pipeline;
  }

  async #readTo(toSeq: number): Promise<void> {
    await this.read(this.#nextSeq, toSeq, (event) => this.#shadow.take(event));
    this.#nextSeq = toSeq;
  }
}

function activationDataOf(
  { reason, approvals = [] }: CommandInputs['artefact-activate'],
  { set, hashes }: UsableSet,
  actor: string | undefined,
  artefacts: EngineArtefacts,
): ArtefactActivated {
  const by = actor === undefined ? {} : { actor };
  return activationData({ ...{ set, hashes, reason, approvals, via: 'engine' }, ...by }, artefacts.ground());
}
