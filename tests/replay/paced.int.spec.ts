import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseRfc3339Ms, type ProtegoEvent } from '@protego/contracts';
import { connect, type NatsConnection } from 'nats';
import { findNatsServer } from '../../apps/cli/src/up/nats-binary';
import { NatsServer } from '../../apps/cli/src/up/nats-server';
import { REPLAYER_USER, SUBSCRIBER_USER, natsUsers, type NatsUser } from '../../apps/cli/src/up/nats-users';
import { importHistory } from '../history-log';
import { linesOfHistory, writeLines } from './invariance';
import { endOf, startProtego } from './replay-process';

const ROOT = join(__dirname, '../..');
const SITE = 'general-hospital';
const EVENTS = 4_000;
const SPEED = 4_000;

jest.setTimeout(300_000);

describe('a replay that is published', () => {
  const directory = mkdtempSync(join(tmpdir(), 'protego-paced-'));
  const log = join(directory, 'log');
  const out = join(directory, 'run');
  const users = natsUsers(directory, SITE, []);
  const connections: NatsConnection[] = [];
  let server: NatsServer;
  let spanMs: number;

  const userOf = (name: string): NatsUser => users.find((user) => user.name === name) as NatsUser;
  const urlOf = (name: string): string => {
    const { password } = userOf(name);
    return server.url.replace('://', `://${name}:${password}@`);
  };
  async function connectAs(name: string): Promise<NatsConnection> {
    const { password } = userOf(name);
    const connection = await connect({
      ...{ servers: server.url, user: name, pass: password, inboxPrefix: `_INBOX_${name}` },
    });
    connections.push(connection);
    return connection;
  }

  beforeAll(async () => {
    const lines = linesOfHistory(join(ROOT, 'replay-data/general')).slice(0, EVENTS);
    const arrivals = [lines[0], lines.at(-1)].map((line) =>
      parseRfc3339Ms((JSON.parse(line as string) as ProtegoEvent).arrivedat as string),
    ) as [number, number];
    spanMs = arrivals[1] - arrivals[0];
    await importHistory(log, 'cloudevents', [writeLines(join(directory, 'events.ndjson'), lines)]);
    const binary = findNatsServer(join(ROOT, '.cache'), () => undefined);
    server = await NatsServer.start({ binary, directory: join(directory, 'nats'), users });
  });

  afterAll(async () => {
    for (const connection of connections) await connection.close();
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  it('comes in the pace that was asked for, on the subjects of the run, and nowhere else', async () => {
    const subscriber = await connectAs(SUBSCRIBER_USER);
    const replayed: { readonly subject: string; readonly text: string }[] = [];
    const live: string[] = [];
    const ended = (async () => {
      for await (const { subject, data } of subscriber.subscribe('protego-replay.v1.*.>')) {
        if (subject.endsWith('.ended')) return Buffer.from(data).toString();
        replayed.push({ subject, text: Buffer.from(data).toString() });
      }
      return undefined;
    })();
    subscriber.subscribe('protego.v1.*.detection.>', { callback: (_error, { subject }) => void live.push(subject) });
    await subscriber.flush();
    const startedMs = performance.now();
    const child = startProtego(
      ...['replay', '--log', log, '--out', out, '--publish', urlOf(REPLAYER_USER)],
      ...['--run-name', 'case-7', '--speed', String(SPEED)],
    );
    expect(await endOf(child)).toBe(0);
    const elapsedMs = performance.now() - startedMs;
    const manifest = readFileSync(join(out, 'manifest.json'), 'utf8');
    expect(await ended).toBe(manifest);
    // What ends the log has no time to pass after it.
    expect(elapsedMs).toBeGreaterThan((spanMs / SPEED) * 0.9);
    const lines = readFileSync(join(out, 'detections.jsonl'), 'utf8').split('\n').slice(0, -1);
    expect(lines.length).toBeGreaterThan(5);
    expect(replayed.map(({ text }) => text).sort()).toEqual([...lines].sort());
    expect(replayed.every(({ subject }) => subject.startsWith(`protego-replay.v1.${SITE}.case-7.detection.`))).toBe(
      true,
    );
    expect(live).toEqual([]);
  });

  it('has a user that may publish on no live subject', async () => {
    const subscriber = await connectAs(SUBSCRIBER_USER);
    const seen: string[] = [];
    subscriber.subscribe(`protego.v1.${SITE}.detection.>`, {
      callback: (_error, { subject }) => void seen.push(subject),
    });
    subscriber.subscribe(`protego-replay.v1.${SITE}.>`, { callback: (_error, { subject }) => void seen.push(subject) });
    await subscriber.flush();
    const replayer = await connectAs(REPLAYER_USER);
    replayer.publish(`protego.v1.${SITE}.detection.high.forged`, 'x');
    replayer.publish(`protego.v1.${SITE}.in.device.probe`, 'x');
    replayer.publish(`protego-replay.v1.${SITE}.run.detection.high.rule`, 'x');
    await replayer.flush();
    await subscriber.flush();
    expect(seen).toEqual([`protego-replay.v1.${SITE}.run.detection.high.rule`]);
  });
});
