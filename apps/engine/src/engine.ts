import { readFileSync } from 'node:fs';
import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { loadStreamDeclarations } from '@protego/artefacts';
import { ProtegoError, isProtegoError, systemClock, type ProtegoConfig } from '@protego/contracts';
import { closeWritableLog, type WritableLog } from '@protego/event-log';
import { PhaseWalk } from '@protego/replay';
import { buildPipeline, type SigmaRuleSet } from '@protego/streams';
import { recallLog } from './append/recall';
import { ArtefactCommands } from './artefacts/artefact-commands.service';
import { EngineArtefacts, ownArtefacts, usable } from './artefacts/engine-artefacts';
import { startPlanOf, type StartPlan } from './artefacts/start-plan';
import { NatsBus } from './bus/nats-bus';
import { CommandService } from './commands/command-service';
import { isLoopbackHost } from './loopback';
import { EngineModule } from './engine.module';
import type { Fatal } from './engine.constants';
import { LineLogger } from './health/line-logger';
import { Readiness } from './health/readiness';
import { IntakeService } from './ingest/intake.service';
import { JetStreamInputStrategy } from './ingest/jetstream-input.strategy';
import { PipelineClock } from './ingest/pipeline-clock';
import { overwriteRequests } from './ingest/request-memory';
import { TokenGuard } from './ingest/token-guard';
import { openEngineLog } from './log/engine-log';
import { PipelineRunner } from './pipeline/pipeline-runner.service';
import { Ticker } from './pipeline/ticker.service';
import { OutputPublisher } from './publish/output-publisher.service';

const PUBLISH_GRACE_MS = 3_000;
const REQUEST_TIMEOUT_MS = 30_000;
const CONNECTIONS_MAX = 256;
const EVENTS_PATH = '/v1/events';

/** A running engine. */
export interface Engine {
  /** Where HTTP listens. */
  readonly url: string;
  readonly records: number;
  /** Stops intake, waits for what was taken in, publishes it, closes log and bus. */
  stop(): Promise<void>;
}

/**
 * Composition root: opens log and bus, reads the log again, then takes events in. It alone picks the clock.
 *
 * @throws ProtegoError `LOG_LOCKED`, `NATS_UNAVAILABLE`, `CONFIG_INVALID`, `DECLARATION_INVALID` …
 */
export async function startEngine(config: ProtegoConfig, fatal: Fatal): Promise<Engine> {
  const lines = new LineLogger();
  Logger.overrideLogger(lines);
  const logger = new Logger('engine');
  requireTlsOffLoopback(config);
  const files = ownArtefacts(config);
  const own = usable(files);
  const { declarations, rules } = own.artefacts;
  reportRules(rules, logger);
  const { log, enclave } = await openEngineLog(config, declarations, (message) => logger.warn(message), fatal);
  const { writer } = log;
  if (writer.recovery.cutBytes > 0)
    logger.warn(
      `cut a torn tail of ${writer.recovery.cutBytes} bytes; it is kept in ${writer.recovery.keptAt ?? 'no file'}`,
    );
  const logId = writer.identity.logId.toString('hex');
  const { artefacts, plan } = await closingOnFailure(log, () => {
    const sets = new EngineArtefacts(config, log.reader, own, files);
    return { artefacts: sets, plan: startPlanOf(sets) };
  });
  for (const remark of plan.remarks) logger.warn(remark);
  const bus = await connectBus(config, log, logId);
  const pipelineClock = new PipelineClock(config.clock, systemClock, declarations.skewMaxMs);
  const app = await NestFactory.create<NestFastifyApplication>(
    EngineModule.of({
      config,
      clock: systemClock,
      log,
      enclave,
      artefacts,
      bus,
      sources: new Set(declarations.sources.map(({ name }) => name)),
      pipelineClock,
      fatal,
    }),
    new FastifyAdapter({
      bodyLimit: config.http.bodyBytesMax,
      // A client that never ends its request must hold neither memory nor the stop of the engine.
      requestTimeout: REQUEST_TIMEOUT_MS,
      forceCloseConnections: true,
      ...tlsOf(config),
    }),
    { bodyParser: false, logger: lines },
  );
  takeBodiesAsBytes(app, config.http.bodyBytesMax);
  const server = app.getHttpServer();
  server.maxConnections = CONNECTIONS_MAX;
  overwriteRequests(server, config.http.certFile !== '');
  app.connectMicroservice(
    {
      strategy: new JetStreamInputStrategy(bus.connection, config.intake.batchEventsMax, logId, (isFlowing) => {
        app.get(Readiness).isInputFlowing = isFlowing;
      }),
    },
    { inheritAppConfig: false },
  );
  await recall(app, log, artefacts, plan);
  app.get(OutputPublisher).start();
  app.get(Ticker).start();
  await app.startAllMicroservices();
  await app.listen(config.http.port, config.http.host);
  await app.get(CommandService).start(bus.connection);
  app.get(Readiness).isReady = true;
  return { url: await app.getUrl(), records: writer.size, stop: () => stopEngine(app, log, bus) };
}

async function closingOnFailure<T>(log: WritableLog, open: () => T | Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (error) {
    await closeWritableLog(log);
    throw error;
  }
}

function connectBus(config: ProtegoConfig, log: WritableLog, logId: string): Promise<NatsBus> {
  return closingOnFailure(log, async () => {
    const bus = await NatsBus.connect(config, loadStreamDeclarations(config.streamsDir), logId);
    try {
      await requireOwnStream(bus, log.writer.size);
      return bus;
    } catch (error) {
      await bus.close();
      throw error;
    }
  });
}

/** Brings the pipelines to where they were, appends what the log lacks, and brings the set of the directory into force where it is to be. */
async function recall(
  app: NestFastifyApplication,
  { reader, house, writer }: WritableLog,
  artefacts: EngineArtefacts,
  plan: StartPlan,
): Promise<void> {
  const logger = new Logger('engine');
  const pipeline = app.get(PipelineRunner);
  const { own } = artefacts;
  for (const { set, artefacts: built } of plan.sets) pipeline.pipelines.attach(set, buildPipeline(built));
  // Of any other set no pipeline may be left: a command that activates it brings one of its own.
  const kept = new Set(plan.own === 'next' ? [own.set] : []);
  const walk = new PhaseWalk(plan.phases, pipeline.pipelines, kept);
  const parts = { reader, vault: house.vault, size: writer.size, pipeline, walk, clock: systemClock };
  const { openSession } = await recallLog({ ...parts, pipelineClock: app.get(PipelineClock) });
  const activateOwn = async (reason: string): Promise<void> => {
    const data = artefacts.ownActivation(reason);
    await pipeline.activate({ set: own.set, data, pipelineBefore: () => Promise.resolve(undefined) });
  };
  // The first set judges what stands before it too: that it does must not hang on when the engine ends.
  if (plan.own === 'first') await activateOwn('the first set of this log');
  walk.advanceTo(writer.size);
  const { appended, leftOut } = await pipeline.catchUp(plan.isStandIn);
  if (appended > 0) logger.warn(`appended ${appended} results that the log lacked`);
  if (leftOut > 0) logger.warn(`the changed rules find ${leftOut} more results in the past; a replay shows them`);
  if (openSession !== undefined) await pipeline.closeSession(openSession);
  if (plan.own === 'next') await activateOwn('the set of the directory changed');
}

async function stopEngine(app: NestFastifyApplication, log: WritableLog, bus: NatsBus): Promise<void> {
  app.get(Readiness).isReady = false;
  app.get(ArtefactCommands).stop();
  await app.get(CommandService).stop();
  await app.get(Ticker).stop();
  await app.get(IntakeService).stop();
  // The last word about the log goes out with the results: closing it signs nothing new.
  if (log.writer.size > 0) await log.writer.signCheckpoint();
  await app.get(OutputPublisher).stop(PUBLISH_GRACE_MS);
  await app.close();
  await bus.close();
  await closeWritableLog(log);
}

function reportRules({ rules, correlations, problems }: SigmaRuleSet, logger: Logger): void {
  for (const { path, line, code, message } of problems) logger.error(`${path}:${line ?? 1}: ${code}: ${message}`);
  logger.log(`${rules.length} rules and ${correlations.length} correlations; ${problems.length} files left out`);
}

// A body is kept as it came, because what the log stores must follow from the bytes alone.
function takeBodiesAsBytes(app: NestFastifyApplication, bodyLimit: number): void {
  const fastify = app.getHttpAdapter().getInstance();
  fastify.removeAllContentTypeParsers();
  const tokens = app.get(TokenGuard);
  // Before the body is read: who has no token must not fill the memory.
  fastify.addHook('onRequest', (request, reply, done) => {
    const isEvents = request.url.split('?', 1)[0] === EVENTS_PATH;
    if (request.method === 'GET' || request.method === 'HEAD') return done();
    try {
      if (!isEvents) throw new ProtegoError('REQUEST_INVALID', 'there is nothing at this path');
      tokens.sourceOf(request.headers.authorization);
      done();
    } catch (error) {
      void reply.status(isEvents ? 401 : 404).send(isProtegoError(error) ? error.toJSON() : undefined);
    }
  });
  fastify.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit }, (_request, body, done) => done(null, body));
}

// Publication goes on after what the stream holds: with another log, or an older copy of this one, results would be left out.
async function requireOwnStream(bus: NatsBus, size: number): Promise<void> {
  const { logSeq } = await bus.lastOutput();
  if (logSeq === undefined || logSeq < size) return;
  const message = `the last result published stands at seq ${logSeq}, but the log ends at ${size}`;
  throw new ProtegoError('NATS_STREAM_FOREIGN', message, { logSeq, size });
}

function requireTlsOffLoopback({ http }: ProtegoConfig): void {
  if (!isLoopbackHost(http.host) && (http.certFile === '' || http.keyFile === '')) {
    throw new ProtegoError('CONFIG_INVALID', '`http.certFile` and `http.keyFile` are required off loopback', {
      key: 'http.certFile',
    });
  }
}

function tlsOf({ http }: ProtegoConfig): { https?: { cert: Buffer; key: Buffer } } {
  return http.certFile === '' ? {} : { https: { cert: readFileSync(http.certFile), key: readFileSync(http.keyFile) } };
}
