import { Controller, Get, Header, Inject, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { Clock } from '@protego/contracts';
import { DedupeIndex, EventLogWriter } from '@protego/event-log';
import type { Bus } from '../bus/bus';
import { BUS, ENGINE_CLOCK, EVENT_LOG } from '../engine.constants';
import { PipelineRunner } from '../pipeline/pipeline-runner.service';
import { OutputPublisher } from '../publish/output-publisher.service';
import { EngineMetrics } from './engine-metrics';
import { Readiness } from './readiness';

/** Liveness, readiness and metrics. */
@Controller()
export class HealthController {
  constructor(
    @Inject(BUS) private readonly bus: Bus,
    @Inject(EVENT_LOG) private readonly log: EventLogWriter,
    @Inject(ENGINE_CLOCK) private readonly clock: Clock,
    private readonly dedupe: DedupeIndex,
    private readonly readiness: Readiness,
    private readonly pipeline: PipelineRunner,
    private readonly publisher: OutputPublisher,
    private readonly metrics: EngineMetrics,
  ) {}

  /** 200 while the process answers. */
  @Get('health/live')
  live(): { status: string } {
    return { status: 'live' };
  }

  /** 200 when events are taken in, else 503 with what is missing. */
  @Get('health/ready')
  ready(@Res({ passthrough: true }) reply: FastifyReply): Record<string, unknown> {
    const { isReady: started, isInputFlowing: input } = this.readiness;
    const checks = { started, input, bus: this.bus.isConnected() };
    const isReady = Object.values(checks).every(Boolean);
    if (!isReady) reply.status(503);
    const checkpoint = this.log.latestCheckpoint?.size ?? 0;
    return { status: isReady ? 'ready' : 'not-ready', checks, records: this.log.size, checkpoint };
  }

  /** Metrics in the Prometheus text format. */
  @Get('metrics')
  @Header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
  async prometheus(): Promise<string> {
    this.metrics.logRecords.set(this.log.size);
    this.#measureLog();
    this.metrics.pipelineLag.set(this.pipeline.lag);
    this.metrics.publishLag.set(this.publisher.lag);
    for (const [store, value] of Object.entries(this.pipeline.counters())) this.metrics.state.set({ store }, value);
    return this.metrics.registry.metrics();
  }

  #measureLog(): void {
    const { checkpointSignedMs } = this.publisher;
    this.metrics.checkpointSize.set(this.log.latestCheckpoint?.size ?? 0);
    if (checkpointSignedMs !== undefined)
      this.metrics.checkpointAge.set((this.clock.monotonicMs() - checkpointSignedMs) / 1_000);
    const { ids, filterLoad } = this.dedupe.stat();
    this.metrics.dedupeIds.set(ids);
    this.metrics.dedupeEvicted.set(this.dedupe.evictedCount);
    this.metrics.dedupeFilterLoad.set(filterLoad);
  }
}
