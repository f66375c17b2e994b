import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { connect, type NatsConnection } from 'nats';
import { loadSourceDeclarations } from '@protego/artefacts';
import type { Detection, ProtegoEvent } from '@protego/contracts';
import { EventLogReader } from '@protego/event-log';
import { installationRoot, shippedStreamsDir } from '../installation';
import type { Terminal } from '../terminal';
import { feedDemoHour, nextDemoHour, type DemoHour } from './demo-feed';
import { detectionWords } from './detection-words';
import { EngineProcess } from './engine-process';
import { findNatsServer } from './nats-binary';
import { NatsServer } from './nats-server';
import { ENGINE_USER, FEED_USER, SUBSCRIBER_USER, natsUsers, passwordFileOf, type NatsUser } from './nats-users';

/** What `protego up` was asked for. */
export interface UpOptions {
  readonly data: string;
  readonly site: string;
  readonly demo: boolean;
  /** Stop when the demo hour is through. */
  readonly once: boolean;
  readonly httpPort: number;
  readonly natsPort?: number;
}

const SETTLE_POLL_MS = 200;

/** Everything that `protego up` runs: nats-server, engine, and on request a simulated hospital that feeds it. */
export class UpSession {
  detections = 0;
  #server: NatsServer | undefined;
  #engine: EngineProcess | undefined;
  #subscriber: NatsConnection | undefined;
  #isStopping = false;
  #end: (code: number) => void = () => undefined;
  /** Resolves with the exit code when the session has ended. */
  readonly ended = new Promise<number>((end) => (this.#end = end));

  constructor(
    private readonly options: UpOptions,
    private readonly terminal: Terminal,
  ) {}

  /** Starts everything; resolves when the demo hour, where one was asked for, is through. */
  async run(): Promise<void> {
    const { data, site, demo, once } = this.options;
    const hour = demo ? nextDemoHour(await lastArrivedAtMs(join(data, 'log'))) : undefined;
    const users = await this.#startServer();
    this.#engine = await EngineProcess.start(this.#writeConfig());
    this.#engine.onExit((code) => this.#endedEarly('the engine', code));
    this.#say(
      this.#engine.records > 0
        ? `The engine resumed its log at ${this.#engine.records} records.`
        : 'The engine began a new log.',
    );
    await this.#subscribe(users);
    this.#sayHowToSubscribe();
    if (hour === undefined) return;
    await this.#feed(hour, userOf(users, FEED_USER), site);
    if (once) await this.stop(0);
  }

  /** Stops everything in order: intake and engine, then the server. */
  async stop(code: number): Promise<void> {
    if (this.#isStopping) return;
    this.#isStopping = true;
    await this.#subscriber?.close();
    await this.#engine?.stop();
    await this.#server?.stop();
    this.#end(code);
  }

  async #startServer(): Promise<readonly NatsUser[]> {
    const directory = join(this.options.data, 'nats');
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const binary = findNatsServer(join(installationRoot(), '.cache'), (text) => this.#say(text));
    const users = natsUsers(directory, this.options.site, loadSourceDeclarations(shippedStreamsDir()).sources);
    this.#server = await NatsServer.start({ binary, directory, users, port: this.options.natsPort });
    this.#server.onExit(() => this.#endedEarly('nats-server', null));
    for (const { name, password } of users) {
      writeFileSync(
        join(directory, `${name}.url`),
        `${this.#server.url.replace('nats://', `nats://${name}:${password}@`)}\n`,
        { mode: 0o600 },
      );
    }
    return users;
  }

  #writeConfig(): string {
    const { data, site, demo, httpPort } = this.options;
    const config = {
      site,
      clock: demo ? 'feed' : 'wall',
      logDir: resolve(data, 'log'),
      streamsDir: shippedStreamsDir(),
      nats: {
        url: this.#server?.url,
        user: ENGINE_USER,
        passwordFile: resolve(passwordFileOf(join(data, 'nats'), ENGINE_USER)),
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

  async #subscribe(users: readonly NatsUser[]): Promise<void> {
    const { name, password } = userOf(users, SUBSCRIBER_USER);
    this.#subscriber = await connect({
      servers: this.#server?.url,
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

  #sayHowToSubscribe(): void {
    const urlFile = resolve(this.options.data, 'nats', `${SUBSCRIBER_USER}.url`);
    this.#say(`NATS listens at ${this.#server?.url}, HTTP at ${this.#engine?.url} (/health/ready, /metrics).`);
    this.#say(
      `To receive detections in another program, subscribe to protego.v1.*.detection.> with the URL in ${urlFile}`,
    );
    this.#say('(it holds the password of the user `subscriber`; README.md has ten lines that do it).');
  }

  async #feed(hour: DemoHour, { name, password }: NatsUser, site: string): Promise<void> {
    this.#say(
      `Feeding hour ${hour.number} of a simulated hospital (${hour.startTime.slice(0, 16).replace('T', ' ')} UTC) at speed.`,
    );
    const events = await feedDemoHour(hour, site, { url: this.#server?.url ?? '', user: name, password });
    await this.#settle();
    this.#say(`\nThe hour is through: ${events} events, ${this.detections} detections.`);
    if (!this.options.once)
      this.#say('Protego keeps running; press Ctrl-C to stop it. The next start goes on with the next hour.');
  }

  /** Waits until the engine has taken everything in and published what it found. */
  async #settle(): Promise<void> {
    for (let quietPolls = 0, seen = -1; quietPolls < 3 && !this.#isStopping;) {
      await new Promise((resolve_) => setTimeout(resolve_, SETTLE_POLL_MS));
      const metrics = await (await fetch(`${this.#engine?.url}/metrics`)).text();
      const records = Number(/^protego_log_records (\d+)$/m.exec(metrics)?.[1]);
      const lag = Number(/^protego_publish_lag_records (\d+)$/m.exec(metrics)?.[1]);
      quietPolls = records === seen && lag === 0 ? quietPolls + 1 : 0;
      seen = records;
    }
  }

  #endedEarly(what: string, code: number | null): void {
    if (this.#isStopping) return;
    this.terminal.note(`${what} ended unexpectedly${code === null ? '' : ` with code ${code}`}; stopping`);
    void this.stop(3);
  }

  #say(text: string): void {
    if (this.terminal.isJson) this.terminal.note(text);
    else this.terminal.line(text);
  }
}

function userOf(users: readonly NatsUser[], name: string): NatsUser {
  return users.find((user) => user.name === name) as NatsUser;
}

async function lastArrivedAtMs(directory: string): Promise<number | undefined> {
  if (!existsSync(join(directory, 'log.json'))) return undefined;
  return (await EventLogReader.open({ directory })).stat().lastArrivedAtMs;
}
