import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { connect, type NatsConnection } from 'nats';
import { loadSourceDeclarations } from '@protego/artefacts';
import type { Detection, ProtegoEvent } from '@protego/contracts';
import { installationRoot, pseudonymKeyFile, shippedStreamsDir } from '../installation';
import { withReader } from '../log/open-log';
import { unlockFilesOf, type KeyOptions } from '../log/key-options';
import type { Terminal } from '../terminal';
import { EXIT_DONE, EXIT_INTERNAL } from '../exit-code';
import { feedDemoHour, nextDemoHour, type DemoBus, type DemoHour } from './demo-feed';
import { detectionWords } from './detection-words';
import { EngineProcess, type EngineReady } from './engine-process';
import { findNatsServer } from './nats-binary';
import { NatsServer } from './nats-server';
import { ENGINE_USER, FEED_USER, SUBSCRIBER_USER, natsUsers, passwordFileOf, type NatsUser } from './nats-users';

/** What `protego up` was asked for. */
export interface UpOptions extends KeyOptions {
  readonly data: string;
  readonly site: string;
  readonly demo: boolean;
  /** Stop when the demo hour is through. */
  readonly once: boolean;
  readonly httpPort: number;
  readonly natsPort?: number;
}

/** How a session ended. */
export interface SessionEnd {
  readonly code: number;
  /** What was thrown; undefined when it was stopped. */
  readonly failure: Error | undefined;
}

const SETTLE_POLL_MS = 200;
const QUIET_POLLS = 3;
const FLUSH_TIMEOUT_MS = 2_000;
/** Types of which a simulated hospital makes events. */
const FEED_TYPES = ['clock.*', 'access.*', 'device.*'];
/** Counters of what becomes of an input. */
const TAKEN_COUNTERS = [
  'protego_events_appended_total',
  'protego_events_duplicate_total',
  'protego_events_rejected_total',
];

/** Everything that `protego up` runs: nats-server, engine, and on request a simulated hospital that feeds it. */
export class UpSession {
  detections = 0;
  #serverStart: Promise<NatsServer> | undefined;
  #engine: EngineProcess | undefined;
  #subscriber: NatsConnection | undefined;
  #isStopping = false;
  #end: (end: SessionEnd) => void = () => undefined;
  /** Resolves when the session has ended and nothing of it is left running. */
  readonly ended = new Promise<SessionEnd>((end) => (this.#end = end));

  constructor(
    private readonly options: UpOptions,
    private readonly terminal: Terminal,
  ) {}

  /** Starts everything; it goes on until {@link stop}, a part that ends, or with `once` the end of the demo hour. */
  start(): void {
    // What fails while everything is being stopped fails because of that.
    this.#run().catch((failure: Error) => this.stop(EXIT_INTERNAL, failure));
  }

  /** Stops everything in order: intake and engine, then the server. */
  async stop(code: number, failure?: Error): Promise<void> {
    if (this.#isStopping) return;
    this.#isStopping = true;
    await this.#engine?.stop();
    await this.#closeSubscriber();
    const server = await this.#serverStart?.catch(() => undefined);
    await server?.stop();
    this.#end({ code, failure });
  }

  async #run(): Promise<void> {
    const { data, site, demo, once } = this.options;
    const hour = demo ? nextDemoHour(await lastArrivedAtMs(join(data, 'log'))) : undefined;
    this.#serverStart = this.#startServer();
    const { url: natsUrl } = await this.#serverStart;
    // Whoever asked to stop meanwhile waits for the server only.
    if (this.#isStopping) return;
    const users = this.#users();
    this.#writeUrls(users, natsUrl);
    const engine = (this.#engine = EngineProcess.spawn(this.#writeConfig(natsUrl)));
    const ready = await engine.ready;
    engine.onExit((code) => this.#endedEarly('the engine', code));
    this.#say(
      ready.records > 0 ? `The engine resumed its log at ${ready.records} records.` : 'The engine began a new log.',
    );
    await this.#subscribe(userOf(users, SUBSCRIBER_USER), natsUrl);
    this.#sayHowToSubscribe(natsUrl, ready);
    if (hour === undefined) return;
    await this.#feed(hour, { ...userOf(users, FEED_USER), url: natsUrl }, site, ready);
    if (once) await this.stop(EXIT_DONE);
  }

  /** Waits until what the engine published last has come, as long as the server answers. */
  async #closeSubscriber(): Promise<void> {
    const patience = new Promise((resolve_) => setTimeout(resolve_, FLUSH_TIMEOUT_MS).unref());
    await Promise.race([this.#subscriber?.flush().catch(() => undefined), patience]);
    await this.#subscriber?.close();
  }

  #users(): readonly NatsUser[] {
    const { sources } = loadSourceDeclarations(shippedStreamsDir());
    return natsUsers(this.#natsDirectory, this.options.site, sources);
  }

  get #natsDirectory(): string {
    return join(this.options.data, 'nats');
  }

  async #startServer(): Promise<NatsServer> {
    const directory = this.#natsDirectory;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const binary = findNatsServer(join(installationRoot(), '.cache'), (text) => this.#say(text));
    const server = await NatsServer.start({ binary, directory, users: this.#users(), port: this.options.natsPort });
    server.onExit(() => this.#endedEarly('nats-server', null));
    return server;
  }

  #writeUrls(users: readonly NatsUser[], natsUrl: string): void {
    for (const { name, password } of users) {
      const text = `${natsUrl.replace('nats://', `nats://${name}:${password}@`)}\n`;
      writeFileSync(join(this.#natsDirectory, `${name}.url`), text, { mode: 0o600 });
    }
  }

  #writeConfig(natsUrl: string): string {
    const { data, site, demo, httpPort } = this.options;
    const config = {
      site,
      clock: demo ? 'feed' : 'wall',
      logDir: resolve(data, 'log'),
      pseudonymKeyFile: pseudonymKeyFile() ?? resolve(data, 'pseudonym.key'),
      streamsDir: shippedStreamsDir(),
      enclave: { platformDir: this.options.platform ?? '', unlock: unlockFilesOf(this.options) },
      nats: {
        url: natsUrl,
        user: ENGINE_USER,
        passwordFile: resolve(passwordFileOf(this.#natsDirectory, ENGINE_USER)),
      },
      http: { port: httpPort },
    };
    const path = join(data, 'protego.yaml');
    // JSON is YAML; the file is made anew at every start and says so.
    writeFileSync(path, `# written by protego up; edits are lost\n${JSON.stringify(config, null, 2)}\n`, {
      mode: 0o600,
    });
    return path;
  }

  async #subscribe({ name, password }: NatsUser, natsUrl: string): Promise<void> {
    this.#subscriber = await connect({
      servers: natsUrl,
      user: name,
      pass: password,
      inboxPrefix: `_INBOX_${name}`,
      name: 'protego-up',
    });
    const subscription = this.#subscriber.subscribe(`protego.v1.${this.options.site}.detection.>`);
    void (async () => {
      for await (const message of subscription) this.#show(message.json<ProtegoEvent>());
    })();
  }

  #show(event: ProtegoEvent): void {
    this.detections++;
    if (this.terminal.isJson) this.terminal.line(JSON.stringify({ detection: event }));
    else this.terminal.line(['', ...detectionWords(event.data as unknown as Detection)].join('\n'));
  }

  #sayHowToSubscribe(natsUrl: string, ready: EngineReady): void {
    const urlFile = resolve(this.#natsDirectory, `${SUBSCRIBER_USER}.url`);
    this.#say(`NATS listens at ${natsUrl}, HTTP at ${ready.url} (/health/ready, /metrics).`);
    this.#say(
      `To receive detections in another program, subscribe to protego.v1.*.detection.> with the URL in ${urlFile}`,
    );
    this.#say('(it holds the password of the user `subscriber`; README.md has ten lines that do it).');
  }

  async #feed(hour: DemoHour, bus: DemoBus, site: string, ready: EngineReady): Promise<void> {
    this.#say(
      `Feeding hour ${hour.number} of a simulated hospital (${hour.startTime.slice(0, 16).replace('T', ' ')} UTC) at speed.`,
    );
    const { events, stored } = await feedDemoHour(hour, site, bus);
    await this.#settle(stored, ready);
    this.#say(`\nThe hour is through: ${events} events, ${this.detections} detections.`);
    if (!this.options.once)
      this.#say('Protego keeps running; press Ctrl-C to stop it. The next start goes on with the next hour.');
  }

  /** Waits until the engine has taken so many events in and published what it found. */
  async #settle(events: number, { url }: EngineReady): Promise<void> {
    for (let quietPolls = 0, seen = -1; quietPolls < QUIET_POLLS && !this.#isStopping;) {
      await new Promise((resolve_) => setTimeout(resolve_, SETTLE_POLL_MS));
      const metrics = await (await fetch(`${url}/metrics`)).text();
      const records = sumOf(metrics, 'protego_log_records');
      const taken = TAKEN_COUNTERS.reduce((sum, name) => sum + sumOf(metrics, name), 0);
      const lag = sumOf(metrics, 'protego_pipeline_lag_events') + sumOf(metrics, 'protego_publish_lag_records');
      quietPolls = records === seen && taken >= events && lag === 0 ? quietPolls + 1 : 0;
      seen = records;
    }
  }

  #endedEarly(what: string, code: number | null): void {
    if (this.#isStopping) return;
    this.terminal.note(`${what} ended unexpectedly${code === null ? '' : ` with code ${code}`}; stopping`);
    void this.stop(EXIT_INTERNAL);
  }

  #say(text: string): void {
    if (this.terminal.isJson) this.terminal.note(text);
    else this.terminal.line(text);
  }
}

/** Sum over all labels of a metric in the Prometheus text format. */
function sumOf(metrics: string, name: string): number {
  const values = [...metrics.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\d+)$`, 'gm'))];
  return values.reduce((sum, [, value]) => sum + Number(value), 0);
}

function userOf(users: readonly NatsUser[], name: string): NatsUser {
  return users.find((user) => user.name === name) as NatsUser;
}

// Of events from the feed: what a command has written meanwhile has the time of the wall clock.
async function lastArrivedAtMs(log: string): Promise<number | undefined> {
  if (!existsSync(join(log, 'log.json'))) return undefined;
  return withReader({ log, json: false }, ({ reader }) => {
    for (const { arrivedAtMs } of reader.query({ types: FEED_TYPES, direction: 'backwards' })) return arrivedAtMs;
    return undefined;
  });
}
