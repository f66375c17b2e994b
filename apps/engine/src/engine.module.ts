import { Module, type DynamicModule } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import type { Clock, ProtegoConfig } from '@protego/contracts';
import type { Enclave } from '@protego/enclave';
import { DedupeIndex, ForgottenPersons, type WritableLog } from '@protego/event-log';
import { ArtefactCommands } from './artefacts/artefact-commands.service';
import type { EngineArtefacts } from './artefacts/engine-artefacts';
import type { Bus } from './bus/bus';
import { CommandService } from './commands/command-service';
import { LogCommands } from './commands/log-commands.service';
import {
  ARTEFACTS,
  BUS,
  DECLARED_SOURCES,
  ENCLAVE,
  ENGINE_CLOCK,
  ENGINE_CONFIG,
  ENGINE_LOG,
  EVENT_LOG,
  FATAL,
  LOG_READER,
  VAULT,
  type Fatal,
} from './engine.constants';
import { EngineMetrics } from './health/engine-metrics';
import { ErrorFilter } from './health/error.filter';
import { HealthController } from './health/health.controller';
import { Readiness } from './health/readiness';
import { DeadLetters } from './ingest/dead-letters.service';
import { EventsController } from './ingest/events.controller';
import { InputController } from './ingest/input.controller';
import { IntakeService } from './ingest/intake.service';
import { PipelineClock } from './ingest/pipeline-clock';
import { TokenGuard } from './ingest/token-guard';
import { PipelineRunner } from './pipeline/pipeline-runner.service';
import { Ticker } from './pipeline/ticker.service';
import { OutputPublisher } from './publish/output-publisher.service';

/** What the composition root hands in. */
export interface EngineParts {
  readonly config: ProtegoConfig;
  readonly clock: Clock;
  readonly log: WritableLog;
  readonly enclave: Enclave;
  readonly artefacts: EngineArtefacts;
  readonly bus: Bus;
  /** Names of the sources that may send. */
  readonly sources: ReadonlySet<string>;
  readonly pipelineClock: PipelineClock;
  readonly fatal: Fatal;
}

/** The engine: intake, pipeline, publication and health. */
@Module({})
export class EngineModule {
  static of(parts: EngineParts): DynamicModule {
    return {
      module: EngineModule,
      controllers: [InputController, EventsController, HealthController],
      providers: [
        { provide: ENGINE_CONFIG, useValue: parts.config },
        { provide: ENGINE_CLOCK, useValue: parts.clock },
        { provide: ENGINE_LOG, useValue: parts.log },
        { provide: ENCLAVE, useValue: parts.enclave },
        { provide: EVENT_LOG, useValue: parts.log.writer },
        { provide: LOG_READER, useValue: parts.log.reader },
        { provide: VAULT, useValue: parts.log.house.vault },
        { provide: ARTEFACTS, useValue: parts.artefacts },
        { provide: BUS, useValue: parts.bus },
        { provide: FATAL, useValue: parts.fatal },
        { provide: DECLARED_SOURCES, useValue: parts.sources },
        { provide: PipelineClock, useValue: parts.pipelineClock },
        { provide: DedupeIndex, useValue: parts.log.dedupe },
        { provide: ForgottenPersons, useValue: parts.log.forgotten },
        { provide: TokenGuard, useValue: new TokenGuard(parts.config.tokens) },
        { provide: APP_FILTER, useClass: ErrorFilter },
        ArtefactCommands,
        CommandService,
        DeadLetters,
        EngineMetrics,
        Readiness,
        OutputPublisher,
        PipelineRunner,
        IntakeService,
        LogCommands,
        Ticker,
      ],
    };
  }
}
