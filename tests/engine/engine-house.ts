import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { connect, type NatsConnection } from 'nats';
import { parse, stringify } from 'yaml';
import { loadSourceDeclarations } from '@protego/artefacts';
import type { OpenedEvent, ProtegoConfig, ProtegoEvent } from '@protego/contracts';
import { openHouseKeys, overwritingFreedMemory, type HouseKeys } from '@protego/enclave';
import { EventLogReader, subjectsOfRecord } from '@protego/event-log';
import { findNatsServer } from '../../apps/cli/src/up/nats-binary';
import { NatsServer } from '../../apps/cli/src/up/nats-server';
import { ENGINE_USER, natsUsers, passwordFileOf, type NatsUser } from '../../apps/cli/src/up/nats-users';

export const ROOT = join(__dirname, '../..');
/** The built command line. */
export const PROTEGO = join(ROOT, 'dist/apps/cli/src/main.js');
const ENGINE = join(ROOT, 'dist/apps/engine/src/main.js');

export const SITE = 'test-site';
/** A user that no site has: it may publish any input, so that the engine's own checks are what refuses. */
export const ANYBODY_USER = 'anybody';
/** User that may do everything on the bus; only tests have one. */
export const ADMINISTRATOR_USER = 'administrator';
const WAIT_MS_MAX = 30_000;
const POLL_MS = 20;

export interface HouseOptions {
  readonly clock: 'wall' | 'feed';
  readonly tickAfterMs?: number;
  readonly queueEventsMax?: number;
  readonly duplicateWindowMs?: number;
  /** Silence after which a source no longer holds back the windows of the others. */
  readonly idleAfterMs?: number;
  /** How long the streams keep a message. */
  readonly maxAgeMs?: number;
  /** Sources that have a token for HTTP. */
  readonly tokens?: readonly string[];
  /** Which of the shipped rule files are in force; all of them when missing. */
  readonly ruleFiles?: readonly string[];
  /** Flags of Node for the engine. */
  readonly nodeFlags?: readonly string[];
  /** Puts a log in place before the engine starts for the first time. */
  readonly prepareLog?: (directory: string) => void;
}

/** A record of the log. */
export interface Logged {
  readonly seq: number;
  readonly arrivedAtMs: number;
  readonly event: ProtegoEvent;
}

/** A log that is open for reading, with its keys. */
export interface OpenHistory {
  readonly house: HouseKeys;
  readonly reader: EventLogReader;
}

/** A message of a stream. */
export interface Stored {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly header: (name: string) => string;
}

/** Waits for a condition that others bring about; throws when it takes too long. */
export async function until(
  isDone: () => boolean | Promise<boolean>,
  what: string,
  timeoutMs: number = WAIT_MS_MAX,
): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  while (!(await isDone())) {
    if (performance.now() > deadlineMs) throw new Error(`waited too long for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Bearer token of a source. */
export const tokenOf = (source: string): string => `token-of-${source}-0123456789abcdef`;

/** A nats-server and an engine of their own, each a process of its own, in a directory of its own. */
export class EngineHouse {
  readonly root = mkdtempSync(join(tmpdir(), 'protego-engine-'));
  readonly logDir = join(this.root, 'log');
  readonly streamsDir = join(this.root, 'streams');
  natsUrl = '';
  httpUrl = '';
  engine: ChildProcess | undefined;
  /** Files with the secrets that unlock a sealed root, for the next start of the engine. */
  unlock: ProtegoConfig['enclave']['unlock'] = [];
  /** Whose approval a set of artefacts needs, for the next start of the engine. */
  artefacts: ProtegoConfig['artefacts'] = { approvals: 0, approvers: [] };
  #server: NatsServer | undefined;
  #users: readonly NatsUser[] = [];
  readonly #connections: NatsConnection[] = [];

  private constructor(private readonly options: HouseOptions) {}

  /** Starts both. */
  static async open(options: HouseOptions): Promise<EngineHouse> {
    if (!existsSync(ENGINE) || !existsSync(PROTEGO)) throw new Error('the engine is not built: run `npm run build`');
    const house = new EngineHouse(options);
    try {
      house.#prepare();
      options.prepareLog?.(house.logDir);
      await house.startServer();
      await house.startEngine();
      return house;
    } catch (error) {
      const remarks = house.engineRemarks();
      await house.close();
      throw new Error(`the engine did not start: ${remarks}`, { cause: error });
    }
  }

  async startServer(): Promise<void> {
    this.#server = await NatsServer.start({
      binary: findNatsServer(join(ROOT, '.cache'), () => undefined),
      directory: join(this.root, 'nats'),
      users: this.#users,
      ...(this.natsUrl === '' ? {} : { port: Number(new URL(this.natsUrl).port) }),
    });
    this.natsUrl = this.#server.url;
  }

  async stopServer(): Promise<void> {
    await this.#server?.stop();
  }

  /** Starts the engine; resolves when it takes events in. */
  async startEngine(): Promise<void> {
    const remarks = openSync(join(this.root, 'engine.err'), 'a');
    const child = spawn(process.execPath, [...(this.options.nodeFlags ?? []), ENGINE, this.writeConfig()], {
      stdio: ['ignore', 'pipe', remarks, 'ipc'],
      env: overwritingFreedMemory(process.env),
    });
    this.engine = child;
    const lines = createInterface({ input: child.stdout as NonNullable<ChildProcess['stdout']> });
    this.httpUrl = await new Promise<string>((resolve, reject) => {
      lines.on('line', (line) => {
        if (line.startsWith('{"ready":true')) resolve((JSON.parse(line) as { url: string }).url);
      });
      child.once('exit', (code) => reject(new Error(`the engine ended with code ${code}: ${this.engineRemarks()}`)));
    });
  }

  /** Ends the engine without a chance to tidy up; resolves when it is gone. */
  async killEngine(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Asks the engine to stop; resolves with its exit code. */
  stopEngine(): Promise<number | null> {
    return this.#end('SIGTERM');
  }

  /** What the engine wrote to standard error. */
  engineRemarks(): string {
    const path = join(this.root, 'engine.err');
    return existsSync(path) ? readFileSync(path, 'utf8').slice(-2_000) : '';
  }

  /** A connection of its own as one of the users. */
  async connect(name: string): Promise<NatsConnection> {
    const { password } = this.user(name);
    const connection = await connect({
      servers: this.natsUrl,
      user: name,
      pass: password,
      inboxPrefix: `_INBOX_${name}`,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 50,
    });
    this.#connections.push(connection);
    return connection;
  }

  user(name: string): NatsUser {
    return this.#users.find((user) => user.name === name) as NatsUser;
  }

  /** Posts a body to the engine as a source. */
  post(body: Uint8Array | string, type: string, token: string | undefined = tokenOf('probe')): Promise<Response> {
    const authorization: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
    return fetch(`${this.httpUrl}/v1/events`, {
      method: 'POST',
      headers: { 'content-type': type, ...authorization },
      body,
    });
  }

  /** Sum of a metric over its labels. */
  async metric(name: string): Promise<number> {
    const text = await (await fetch(`${this.httpUrl}/metrics`)).text();
    const values = [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))];
    return values.reduce((sum, [, value]) => sum + Number(value), 0);
  }

  /** Lends the log, with its keys, for reading. */
  async reading<T>(use: (history: OpenHistory) => T | Promise<T>): Promise<T> {
    const house = await openHouseKeys({ directory: join(this.logDir, 'keys'), mode: 'read' });
    try {
      const reader = await EventLogReader.open({
        directory: this.logDir,
        keys: house.keys,
        subjectsOf: subjectsOfRecord,
      });
      return await use({ house, reader });
    } finally {
      await house.close();
    }
  }

  /** The whole log, its personal fields in clear as far as their keys exist. */
  log(): Promise<Logged[]> {
    return this.reading(async ({ house, reader }) => {
      const records = [...reader.records()];
      const stored = records.map(({ body, sealed }) => ({
        event: JSON.parse(body.toString('utf8')) as ProtegoEvent,
        sealed,
      }));
      const opened = await house.vault.reveal(stored);
      return records.map(({ seq, arrivedAtMs }, i) => ({ seq, arrivedAtMs, event: (opened[i] as OpenedEvent).event }));
    });
  }

  /** What a dead letter holds, and why it was refused. */
  openLetter(letter: Stored): Promise<{ readonly bytes: Buffer | undefined; readonly reason: string }> {
    return this.reading(async ({ house: { vault } }) => {
      const reason = await vault.openText(Buffer.from(letter.header('Protego-Reason'), 'base64'));
      return { bytes: await vault.openText(letter.data), reason: reason?.toString('utf8') ?? '' };
    });
  }

  /** Every message of a stream, in its order. */
  async stream(name: string): Promise<Stored[]> {
    const connection = await this.connect('operator');
    const { state } = await (await connection.jetstreamManager()).streams.info(name);
    const messages: Stored[] = [];
    if (state.messages > 0) {
      const consumer = await connection.jetstream().consumers.get(name);
      for await (const { subject, data, headers } of await consumer.consume()) {
        messages.push({ subject, data, header: (key) => headers?.get(key) ?? '' });
        if (messages.length === state.messages) break;
      }
    }
    await connection.close();
    return messages;
  }

  /** What the engine has published about events, in the order of the stream; checkpoints are left out. */
  async results(): Promise<Stored[]> {
    return (await this.stream('PROTEGO_OUT')).filter(({ subject }) => !subject.endsWith('.checkpoint'));
  }

  /** Signed checkpoints that the engine has published, oldest first. */
  async checkpoints(): Promise<string[]> {
    const messages = await this.stream('PROTEGO_OUT');
    return messages.flatMap(({ subject, data }) =>
      subject.endsWith('.checkpoint') ? [Buffer.from(data).toString('utf8')] : [],
    );
  }

  /** Waits until every input is taken, through the pipeline, and what was found is published. */
  async drained(timeoutMs?: number): Promise<void> {
    const connection = await this.connect('operator');
    const manager = await connection.jetstreamManager();
    let quietPolls = 0;
    const isDrained = async (): Promise<boolean> => {
      const { state } = await manager.streams.info('PROTEGO_IN');
      const lags = [await this.metric('protego_pipeline_lag_events'), await this.metric('protego_publish_lag_records')];
      quietPolls = state.messages === 0 && lags.every((lag) => lag === 0) ? quietPolls + 1 : 0;
      return quietPolls >= 3;
    };
    await until(isDrained, 'the engine to take everything in', timeoutMs);
    await connection.close();
  }

  /** Ends everything that was started and removes the directory. */
  async close(): Promise<void> {
    await this.#end('SIGKILL');
    for (const connection of this.#connections) await connection.close();
    await this.#server?.stop();
    rmSync(this.root, { recursive: true, force: true });
  }

  /** Writes the configuration of the engine; the path to it. */
  writeConfig(): string {
    const { clock, tickAfterMs = 3_600_000, queueEventsMax = 8_192, tokens = ['probe'] } = this.options;
    const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
    const config = {
      site: SITE,
      clock,
      tickAfterMs,
      logDir: this.logDir,
      pseudonymKeyFile: join(this.root, 'pseudonym.key'),
      streamsDir: this.streamsDir,
      enclave: { unlock: this.unlock },
      artefacts: this.artefacts,
      nats: {
        url: this.natsUrl,
        user: ENGINE_USER,
        passwordFile: passwordFileOf(join(this.root, 'nats'), ENGINE_USER),
      },
      http: { port: 0 },
      intake: { queueEventsMax },
      tokens: tokens.map((source) => ({ source, tokenSha256: sha256(tokenOf(source)) })),
    };
    const path = join(this.root, 'protego.yaml');
    writeFileSync(path, stringify(config));
    return path;
  }

  #prepare(): void {
    const { ruleFiles } = this.options;
    for (const part of ['declarations', 'rules'])
      cpSync(join(ROOT, 'streams', part), join(this.streamsDir, part), {
        recursive: true,
        filter: (path) => part !== 'rules' || ruleFiles?.includes(basename(path)) !== false || path.endsWith(part),
      });
    this.#changeStreams();
    this.#changeSources();
    const nats = join(this.root, 'nats');
    mkdirSync(nats, { recursive: true });
    const { sources } = loadSourceDeclarations(this.streamsDir);
    const anybody = {
      name: ANYBODY_USER,
      password: 'anybody',
      publish: ['protego.v1.*.in.>'],
      subscribe: [`_INBOX_${ANYBODY_USER}.>`],
    };
    const administrator = { name: ADMINISTRATOR_USER, password: 'administrator', publish: ['>'], subscribe: ['>'] };
    this.#users = [...natsUsers(nats, SITE, sources), anybody, administrator];
  }

  #changeStreams(): void {
    const { duplicateWindowMs, maxAgeMs } = this.options;
    const changes = { ...(duplicateWindowMs && { duplicateWindowMs }), ...(maxAgeMs && { maxAgeMs }) };
    const path = join(this.streamsDir, 'declarations/streams.yaml');
    const { streams } = parse(readFileSync(path, 'utf8')) as { streams: object[] };
    writeFileSync(path, stringify({ streams: streams.map((stream) => ({ ...stream, ...changes })) }));
  }

  #changeSources(): void {
    const { idleAfterMs } = this.options;
    if (idleAfterMs === undefined) return;
    const path = join(this.streamsDir, 'declarations/sources.yaml');
    const { defaults, ...others } = parse(readFileSync(path, 'utf8')) as { defaults: object };
    writeFileSync(path, stringify({ ...others, defaults: { ...defaults, idleAfterMs } }));
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.engine;
    if (child === undefined) return null;
    this.engine = undefined;
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      child.kill(signal);
      await ended;
    }
    return child.exitCode;
  }
}
