import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ProtegoError, messageOf } from '@protego/contracts';
import { connect } from 'nats';
import type { NatsUser } from './nats-users';

const START_TIMEOUT_MS = 15_000;
const STOP_TIMEOUT_MS = 5_000;
const POLL_MS = 25;
/** Largest message of any kind; events are far smaller. */
const PAYLOAD_BYTES_MAX = 1_048_576;
/** File with the key under which JetStream encrypts what it stores. */
const STORE_KEY_FILE = 'jetstream.key';
/** Variable in which the server gets it: its configuration then holds no key. */
const STORE_KEY_VARIABLE = 'PROTEGO_JETSTREAM_KEY';

// The shell holds this process's end of a pipe: when this process dies, however it dies, the pipe closes and the server
// is ended. When the server ends first, so does the shell.
const GUARD =
  'exec 3<&0; "$@" </dev/null 3<&- & server=$!; (cat <&3 >/dev/null; kill "$server") 2>/dev/null & guard=$!; wait "$server"; status=$?; kill "$guard" 2>/dev/null; exit "$status"';

/** What a server needs. */
export interface NatsServerOptions {
  readonly binary: string;
  /** Directory for configuration, streams and log file. */
  readonly directory: string;
  readonly users: readonly NatsUser[];
  /** Port on 127.0.0.1; missing picks a free one. */
  readonly port?: number;
}

/** A nats-server as child process, listening on loopback only. */
export class NatsServer {
  private constructor(
    readonly url: string,
    private readonly child: ChildProcess,
  ) {}

  /**
   * Starts a server with JetStream, whose streams are encrypted on the disk, and waits until it listens.
   *
   * @throws ProtegoError `NATS_UNAVAILABLE`, also when the key does not open the streams that are stored
   */
  static async start(options: NatsServerOptions): Promise<NatsServer> {
    const { binary, directory } = options;
    const portsDir = join(directory, 'ports');
    rmSync(portsDir, { recursive: true, force: true });
    for (const path of [directory, portsDir]) mkdirSync(path, { recursive: true, mode: 0o700 });
    const configPath = join(directory, 'nats-server.conf');
    writeFileSync(configPath, configText(options, portsDir), { mode: 0o600 });
    // Its own group, so that Ctrl-C in the terminal reaches the engine first and the server last.
    const child = spawn('sh', ['-c', GUARD, 'nats-guard', binary, '-c', configPath], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
      env: { ...process.env, [STORE_KEY_VARIABLE]: storeKeyOf(directory) },
    });
    child.stdin?.on('error', () => undefined);
    const url = await waitForUrl(child, portsDir, join(directory, 'nats-server.log'));
    const server = new NatsServer(url, child);
    try {
      await requireStoredStreams(url, options);
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  /** Resolves when the server has ended. */
  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.stdin?.end();
    const timer = setTimeout(() => process.kill(-(this.child.pid as number), 'SIGKILL'), STOP_TIMEOUT_MS);
    await ended;
    clearTimeout(timer);
  }

  /** Called once when the server ends by itself. */
  onExit(listener: () => void): void {
    this.child.once('exit', listener);
  }
}

function configText({ directory, users, port }: NatsServerOptions, portsDir: string): string {
  const quote = (text: string): string => JSON.stringify(text);
  const list = (texts: readonly string[]): string => `[${texts.map(quote).join(', ')}]`;
  // An empty list would mean "everything": a role that may publish nothing is denied everything.
  const permission = (texts: readonly string[]): string =>
    texts.length === 0 ? '{deny: ">"}' : `{allow: ${list(texts)}}`;
  const userLines = users.map(
    ({ name, password, publish, subscribe }) =>
      `    {user: ${quote(name)}, password: ${quote(password)}, permissions: {publish: ${permission(publish)}, subscribe: ${permission(subscribe)}}}`,
  );
  return `server_name: protego
listen: "127.0.0.1:${port ?? -1}"
ports_file_dir: ${quote(portsDir)}
log_file: ${quote(join(directory, 'nats-server.log'))}
max_payload: ${PAYLOAD_BYTES_MAX}
jetstream: {store_dir: ${quote(join(directory, 'store'))}, max_memory_store: 67108864, max_file_store: 8589934592, cipher: aes, key: $${STORE_KEY_VARIABLE}}
authorization: {
  users: [
${userLines.join('\n')}
  ]
}
`;
}

/** Key of the stored streams, made with the first start; whoever loses it loses them. */
function storeKeyOf(directory: string): string {
  const path = join(directory, STORE_KEY_FILE);
  // A letter first: the server reads a value of digits as a number.
  if (!existsSync(path)) writeFileSync(path, `k${randomBytes(32).toString('hex')}\n`, { mode: 0o600 });
  return readFileSync(path, 'utf8').trim();
}

// With another key the server starts all the same and serves no streams: the engine would make new, empty ones.
async function requireStoredStreams(url: string, { directory, users }: NatsServerOptions): Promise<void> {
  const streams = storedStreamsOf(directory);
  const user = users.find(({ publish }) => publish.includes(STREAM_INFO) || publish.includes('>'));
  if (streams.length === 0 || user === undefined) return;
  const { name, password } = user;
  const connection = await connect({ servers: url, user: name, pass: password, inboxPrefix: `_INBOX_${name}` });
  try {
    const manager = await connection.jetstreamManager();
    for (const stream of streams) {
      await manager.streams.info(stream).catch((cause: unknown) => {
        const path = join(directory, STORE_KEY_FILE);
        const message = `nats-server does not serve the stored stream \`${stream}\`: is \`${path}\` its key? ${messageOf(cause)}`;
        throw new ProtegoError('NATS_UNAVAILABLE', message, { stream, path }, { cause });
      });
    }
  } finally {
    await connection.close();
  }
}

/** Asks how a stream stands; the engine may ask it of all. */
const STREAM_INFO = '$JS.API.STREAM.INFO.*';

function storedStreamsOf(directory: string): string[] {
  const streams = join(directory, 'store', 'jetstream', '$G', 'streams');
  return existsSync(streams) ? readdirSync(streams) : [];
}

async function waitForUrl(child: ChildProcess, portsDir: string, logPath: string): Promise<string> {
  for (let waitedMs = 0; waitedMs < START_TIMEOUT_MS; waitedMs += POLL_MS) {
    if (child.exitCode !== null) break;
    const [name] = readdirSync(portsDir);
    const text = name === undefined ? '' : readFileSync(join(portsDir, name), 'utf8');
    const url = /"nats:\/\/127\.0\.0\.1:\d+"/.exec(text)?.[0];
    if (url !== undefined) return JSON.parse(url) as string;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  child.stdin?.end();
  const tail = existsSync(logPath) ? readFileSync(logPath, 'utf8').split('\n').slice(-4).join(' ') : 'no log';
  throw new ProtegoError('NATS_UNAVAILABLE', `nats-server did not start: ${tail.slice(0, 500)}`);
}
