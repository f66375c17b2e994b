import { Inject, Injectable } from '@nestjs/common';
import type { Clock, ProtegoConfig } from '@protego/contracts';
import { EventLogWriter } from '@protego/event-log';
import { TICK_TYPE } from '@protego/streams';
import { ENGINE_CLOCK, ENGINE_CONFIG, EVENT_LOG, FATAL, type Fatal } from '../engine.constants';
import { IntakeService } from '../ingest/intake.service';
import { PipelineClock } from '../ingest/pipeline-clock';
import { PipelineRunner } from './pipeline-runner.service';

/** Appends `clock.ticked` when a site on the wall clock has been silent, so that windows close and sources turn idle. */
@Injectable()
export class Ticker {
  #timer: NodeJS.Timeout | undefined;
  #sizeSeen = 0;
  #changedMs = 0;
  #ticked: Promise<void> = Promise.resolve();

  constructor(
    @Inject(ENGINE_CONFIG) private readonly config: ProtegoConfig,
    @Inject(ENGINE_CLOCK) private readonly clock: Clock,
    @Inject(EVENT_LOG) private readonly log: EventLogWriter,
    @Inject(FATAL) private readonly fatal: Fatal,
    private readonly pipelineClock: PipelineClock,
    private readonly pipeline: PipelineRunner,
    private readonly intake: IntakeService,
  ) {}

  /** Begins to watch for silence; a site on the feed's clock gets its ticks from the feed. */
  start(): void {
    if (this.config.clock === 'feed') return;
    this.#changedMs = this.clock.monotonicMs();
    this.#timer = setInterval(() => this.#check(), Math.max(10, this.config.tickAfterMs / 5));
  }

  /** Resolves when a tick that was on its way is through. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#ticked;
  }

  #check(): void {
    const nowMs = this.clock.monotonicMs();
    // What is still being written is no silence, and a tick must not overtake it on the way into the pipeline.
    const isMoving = this.log.nextSeq !== this.#sizeSeen || this.log.size !== this.log.nextSeq;
    if (isMoving || !this.intake.isIdle) {
      this.#sizeSeen = this.log.nextSeq;
      this.#changedMs = nowMs;
      return;
    }
    if (nowMs - this.#changedMs < this.config.tickAfterMs) return;
    this.#changedMs = nowMs;
    this.#ticked = this.#tick().catch((error: unknown) => this.fatal(error));
  }

  async #tick(): Promise<void> {
    this.pipelineClock.arrive(undefined);
    const seq = this.log.nextSeq;
    this.#sizeSeen = seq + 1;
    await this.pipeline.appendOwn(TICK_TYPE, `tick-${seq}`, {});
  }
}
